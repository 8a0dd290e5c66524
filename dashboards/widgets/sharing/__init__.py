"""Sharing what a page shows: a link that holds, and views saved by name."""
