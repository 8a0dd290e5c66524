"""Values by sha256 of a file's bytes, in Parquet files that carry a sorted index of their keys."""
