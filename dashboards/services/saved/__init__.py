"""Saved things of the dashboard: the basket of each browser, and views by name."""
