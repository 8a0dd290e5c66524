"""A few of the faults of ``make faults``; one file, so that one process makes the homes once."""

import random

import pytest

from tests.faults.disk import fill_in_turn, read_only
from tests.faults.homes import Homes
from tests.faults.kills import Killed, by_operation, kill_in_turn
from tests.faults.mlflow_faults import IMPATIENT, down_and_answering_errors

STAGES = ("images", "features", "neighbor_graph", "coreml_package", "insights", "registered_model")


def test_a_full_disk(homes: Homes) -> None:
    """One message and nothing half-written; ``make faults`` also goes on from there."""
    fill_in_turn(homes, ["features"], go_on=False)


def test_a_read_only_folder(homes: Homes) -> None:
    try:
        read_only(homes, "collections", go_on=False)
    except PermissionError as error:
        pytest.skip(str(error))


def test_kills_in_six_stages_change_nothing(homes: Homes) -> None:
    """A killed run goes on where it stopped."""
    killed = Killed()
    chosen = {stage: size for stage, size in homes.undisturbed.stages.items() if stage in STAGES}
    kill_in_turn(homes.new("killed"), homes.reference, by_operation(chosen, random.Random(7)), killed)
    assert dict(killed.stages) == dict.fromkeys(STAGES, 1)
    assert killed.recomputed == 0


def test_an_mlflow_server_that_is_down_or_answers_errors(homes: Homes) -> None:
    """``make faults`` lets a real one die in the middle."""
    down_and_answering_errors(homes, IMPATIENT)
