"""The page Clusters: groups of similar images, to look at, name, merge, split and label."""
