"""Nearest-neighbour search: exact, on the k-NN graph, and by inverted file (IVF) above 200,000 rows."""
