"""Export of a model as a Core ML package, which is verified before it is written."""
