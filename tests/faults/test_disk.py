"""A disk that is full, or read-only: one message and nothing half-written; ``make faults`` also goes on from there."""

import pytest

from tests.faults.disk import fill_in_turn, read_only
from tests.faults.homes import Homes


def test_a_full_disk(homes: Homes) -> None:
    fill_in_turn(homes, ["features"], go_on=False)


def test_a_read_only_folder(homes: Homes) -> None:
    try:
        read_only(homes, "collections", go_on=False)
    except PermissionError as error:
        pytest.skip(str(error))
