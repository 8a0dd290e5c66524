"""Decoding of image files: bytes in, RGB pixels out."""
