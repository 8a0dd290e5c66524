"""Tables of images: folders, files, tables and URLs listed, read and hashed."""
