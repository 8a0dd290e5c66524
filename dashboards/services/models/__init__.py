"""Models of the registry: found, opened, and kept in memory."""
