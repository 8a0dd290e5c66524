"""The page Compare: two versions of a model side by side."""
