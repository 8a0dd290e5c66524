"""The sections of the page Compare, one per file; each shows itself."""
