"""Decoding of image files: bytes to upright RGB pixels in sRGB."""
