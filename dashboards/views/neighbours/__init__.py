"""The page Neighbours: from an image to its neighbours."""
