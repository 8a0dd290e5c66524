"""Short texts for errors of the operating system and of storage services."""

import errno


def explain(error: Exception) -> str:
    """Return the reason of an error in a few words, without the path."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "the link leads back to itself"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
