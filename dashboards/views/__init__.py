"""Pages of the dashboard: a folder each, with what only that page uses.

The folder is not called `pages`: beside the main script Streamlit takes a folder of that name for pages of its own
kind, and tells of each deep link first that there is no such page.
"""
