"""The page Search: search with an image, an upload or several at once."""
