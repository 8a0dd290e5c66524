"""Metrics learnt from labels and from pairs of images that people judged, and their honest evaluation."""
