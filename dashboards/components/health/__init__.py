"""The sections of the page Health, one per file; each shows itself."""
