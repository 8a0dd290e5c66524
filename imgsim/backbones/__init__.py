"""Networks that turn a picture into a feature, and the ONNX runtime that runs them."""
