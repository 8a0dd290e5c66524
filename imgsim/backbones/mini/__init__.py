"""``mini``, the packaged backbone."""

POOL_GRID = 3
"""Side of the average pooling grid: a feature holds the channels' means over 3 x 3 parts of the image."""
