"""The dashboard in the browser: pages over a model from the registry."""
