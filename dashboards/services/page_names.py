"""Names of pages, in addresses and saved views."""

RENAMED = {"deploy": "phone_app", "health": "tidy_up", "walk": "neighbours"}
"""What pages are called now, by the names that older links and saved views hold."""
