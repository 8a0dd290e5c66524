"""The page Evaluation: how good the neighbours are."""
