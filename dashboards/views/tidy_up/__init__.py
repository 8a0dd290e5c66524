"""The page Tidy up: problems of the collection."""
