"""Choice of images: subsets that stand for a collection, and what a person should look at or label next."""
