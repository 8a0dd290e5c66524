"""Where images come from: folders, files, tables, URLs; listed, opened and scanned."""
