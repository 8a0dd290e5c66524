"""The page Phone app: the Core ML package of a version."""
