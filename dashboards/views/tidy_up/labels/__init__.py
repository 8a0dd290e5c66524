"""Doubtful labels: a queue to review, and the list of all."""
