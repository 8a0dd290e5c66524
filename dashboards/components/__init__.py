"""Pieces of pages, some of them with their own JavaScript."""
