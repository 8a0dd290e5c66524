"""Text towers: words as vectors of the space that a network's features lie in."""
