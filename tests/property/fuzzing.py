"""How hard to try: seconds by default, ``IMGSIM_LONG`` times as long with `make fuzz`; and how bytes get damaged."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SCALE = int(os.environ.get("IMGSIM_LONG", "1"))
HANG = 5000  # milliseconds: whatever takes longer has failed
MEMORY = 512  # megabytes that a file or a question may add to the process


def examples(number: int) -> settings:
    """So many examples, or many more; each must end in five seconds."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number * SCALE, deadline=HANG, suppress_health_check=checks)


def _edit(data: bytes, edit: tuple[str, float, bytes, float]) -> bytes:
    kind, place, new, length = edit
    at = int(place * (len(data) + 1))
    span = int(length**3 * len(data))
    if kind == "set":
        return data[:at] + new + data[at + len(new) :]
    if kind == "insert":
        return data[:at] + new + data[at:]
    if kind == "remove":
        return data[:at] + data[at + span :]
    if kind == "repeat":
        return data[: at + span] + data[at:]
    return data[:at]  # cut


_NUMBERS = st.sampled_from(
    [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\x80", b"\0"]
)
_EDITS = st.tuples(
    st.sampled_from(["set", "set", "set", "insert", "remove", "repeat", "cut"]),
    st.floats(0, 1),
    st.binary(min_size=1, max_size=4) | _NUMBERS,
    st.floats(0, 1),
)


def damaged(files: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Files with a few edits: bytes set, put in, left out, doubled, or the end cut off."""

    def apply(data: bytes, edits: list[tuple[str, float, bytes, float]]) -> bytes:
        for edit in edits:
            data = _edit(data, edit)
        return data

    return st.builds(apply, files, st.lists(_EDITS, min_size=1, max_size=4))
