"""Reference images with their embeddings, graph and results; queries, updates and the saved folder."""
