"""Label errors: labels that the neighbours contradict."""
