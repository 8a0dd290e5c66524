"""Groups of duplicates: keep or spare, by decision."""
