"""Backbones: networks that map an image to a feature vector, their export to ONNX, and the runtimes that run them."""
