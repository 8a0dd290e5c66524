"""The page Graph walk: from an image to its neighbours."""
