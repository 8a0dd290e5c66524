"""The page Map: all images on one plane."""
