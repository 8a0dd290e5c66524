"""Names of pictures for tests."""

from hashlib import sha256


def sha(number: int) -> str:
    """The sha256 of a picture that is a number."""
    return sha256(str(number).encode()).hexdigest()


A, B, C, D = map(sha, range(4))
