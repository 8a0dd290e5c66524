"""The report: everything that was found, as one HTML page."""
