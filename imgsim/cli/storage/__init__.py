"""Commands about what is kept: the feature store, and versions of registered models."""
