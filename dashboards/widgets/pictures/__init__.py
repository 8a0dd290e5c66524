"""Pictures of the user: taken by upload, drop or paste, and kept for queries."""
