"""A zoo of files as strangers really send them, each with the one outcome it must have."""
