"""The map: all images on one plane, similar ones near each other."""
