"""The page Browse: leaf through the collection in an order."""
