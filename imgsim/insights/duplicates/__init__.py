"""Duplicates: copies, same pictures and look-alikes, and which copy to keep."""
