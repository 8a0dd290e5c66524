"""Reference images with all that is known about them; queries, updates and the folder they are saved as."""
