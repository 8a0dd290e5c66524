"""The page Basket: images put aside."""
