"""Columns of tables of images: texts that stay in Arrow, and rows found by a value."""
