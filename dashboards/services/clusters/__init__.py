"""Clusters of a version: those that people named, and those that were found in its graph."""
