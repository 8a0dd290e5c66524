"""The page Health: problems of the collection."""
