"""The page Deploy: the Core ML package of a version."""
