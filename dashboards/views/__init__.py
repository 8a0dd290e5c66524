"""Pages of the dashboard: a folder each, with what only that page uses.

The folder is not called `pages`: Streamlit takes a folder of that name beside the main script for pages of its own kind, and
says of each deep link first that there is no such page.
"""
