"""Sample images of 24 kinds, rendered by ``tools/render_sample``: everything can be tried with nothing at hand."""
