"""Two runs at once, a clock that jumps, and too little memory."""

from __future__ import annotations

import shutil

from PIL import Image

from tests.faults.homes import Homes
from tests.faults.state import check_same

DAY = 86400.0
JUMPS = (400 * DAY, -400 * DAY, -3600.0)
SIDE, MEMORY = 9000, 64 << 20


def two_at_once(homes: Homes, times: int) -> int:
    """Two runs of one collection, started together: both succeed, and leave what one would leave."""
    for number in range(times):
        home = homes.new(f"two-{number}")
        runs = [run.wait() for run in (home.start(), home.start())]
        for run in runs:
            assert run.code == 0, run.output
        assert sum("another run of this collection" in run.output for run in runs) == 1
        check_same(home, homes.reference)
    return times


def clock_jumps(homes: Homes, stages: list[str]) -> int:
    """The time of day jumps by days as a stage starts, and the next run is back in its own time: nothing changes."""
    home = homes.new("clock")
    for number, stage in enumerate(stages):
        run = home.run({"stage": stage, "clock": JUMPS[number % len(JUMPS)]})
        assert run.code == 0, run.output
        check_same(home, homes.reference)
    return len(stages)


def little_memory(homes: Homes) -> int:
    """A picture of 81 megapixels where 64 MB are left: a message says so, and with more memory it comes in."""
    home = homes.new("memory")
    home.images = homes.work / "with-a-large-one"
    shutil.copytree(homes.images, home.images)
    Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB").save(home.images / "cube" / "large.png")
    run = home.run({"stage": "images", "memory": MEMORY})
    assert run.code != 0 or run.facts["features"]["features"] == homes.undisturbed.facts["features"]["features"]
    assert "memory" in run.output, run.output
    run = home.run()
    assert run.code == 0, run.output
    assert run.facts["features"]["features"] == homes.undisturbed.facts["features"]["features"] + 1
    return 1
