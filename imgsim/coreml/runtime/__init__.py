"""A runtime for Core ML packages that needs no Mac: reads a package and runs it."""
