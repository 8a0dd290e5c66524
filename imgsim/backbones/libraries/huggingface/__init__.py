"""Pieces of networks of the library transformers: their input, and torch modules around them."""
