"""Files that versions share, kept once: their pieces, the MLflow run that holds them, claims, and local copies."""
