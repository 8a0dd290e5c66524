"""Licences of weights: a warning where one does not allow every use."""

import warnings

FREE = frozenset(("apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "isc", "mit", "unlicense"))
"""Licences, as the Hugging Face hub names them, that allow every use, commercial use included."""
UNKNOWN = "unknown"


def warn_unless_free(name: str, licence: str) -> None:
    """Warn that the weights of a network may not be used for everything, unless their licence is in `FREE`."""
    if licence.lower() not in FREE:
        stated = "state no licence" if licence.lower() in ("", UNKNOWN, "other") else f"have the licence {licence!r}"
        warnings.warn(
            f"the weights of {name} {stated}, which may not allow every use, such as commercial use: read it first.",
            stacklevel=5,
        )
