"""The page Start: what this is, the collection that is open, and the three things to do with it."""
