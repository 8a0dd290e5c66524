"""Export of a model as a Core ML package, verified before it appears."""
