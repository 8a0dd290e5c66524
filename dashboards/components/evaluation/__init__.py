"""The sections of the page Evaluation, one per file; each shows itself."""
