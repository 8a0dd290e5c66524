"""Pages of the dashboard: a folder each, with what only that page uses."""
