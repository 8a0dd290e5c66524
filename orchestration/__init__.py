"""The pipeline as a Dagster project: each asset is a few lines around one call of `imgsim`."""
