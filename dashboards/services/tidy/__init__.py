"""Work of the page Tidy up: what was found, and what is left to decide about labels and duplicates."""
