"""MLflow: the flavour, the model registry, and the connection to a tracking server."""
