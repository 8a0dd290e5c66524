"""Report: all insights on one HTML page."""
