"""The page Search: ask with an image, an upload or several at once."""
