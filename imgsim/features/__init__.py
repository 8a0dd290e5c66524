"""Features of images: extraction, the store that caches them by content, and their projection to embeddings."""
