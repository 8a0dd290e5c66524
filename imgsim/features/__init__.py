"""Features of images: extracted once, kept by content, projected to embeddings."""
