"""A killed run goes on where it stopped; ``make faults`` kills a hundred, this a few."""

import random

from tests.faults.homes import Homes
from tests.faults.kills import Killed, by_operation, kill_in_turn

STAGES = ("images", "features", "neighbor_graph", "coreml_package", "insights", "registered_model")


def test_kills_in_six_stages_change_nothing(homes: Homes) -> None:
    killed = Killed()
    chosen = {stage: size for stage, size in homes.undisturbed.stages.items() if stage in STAGES}
    kill_in_turn(homes.new("killed"), homes.reference, by_operation(chosen, random.Random(7)), killed)
    assert dict(killed.stages) == dict.fromkeys(STAGES, 1)
    assert killed.recomputed == 0
