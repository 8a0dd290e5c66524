"""The page History: who decided what, and undo of any of it."""
