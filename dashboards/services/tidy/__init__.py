"""Work of the page Tidy up: what is left to decide about labels and duplicates."""
