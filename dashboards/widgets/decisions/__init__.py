"""Decisions on the pages: who takes them, what is known of them, the bar for selected pictures, and undo."""
