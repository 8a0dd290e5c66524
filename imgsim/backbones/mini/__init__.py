"""``mini``, the packaged encoder."""

CELLS = 3
"""A feature holds the channels' means over CELLS x CELLS cells of the picture."""
