"""Nearest neighbours: exact search, the k-NN graph, and approximate search in very many rows."""
