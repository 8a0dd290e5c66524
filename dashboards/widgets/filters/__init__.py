"""Filters on the pages: a panel in the sidebar, and chips over the pictures."""
