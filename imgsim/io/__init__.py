"""Files: written whole or not at all, hashed, read within bounds; Arrow, CSV and vectors."""
