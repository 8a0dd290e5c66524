"""Homes that the faults start from: one in which nothing is done yet, and one in which everything was, undisturbed."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.faults.runs import Home, Run
from tests.sample_images import copy_sample


@dataclass(frozen=True)
class Homes:
    """``seed`` has the exported network and empty databases, which cost seconds to make; ``empty`` not even these."""

    work: Path
    images: Path
    seed: Home
    reference: Home
    undisturbed: Run

    def new(self, name: str) -> Home:
        """A home to hurt, like the seed."""
        return self.seed.copy(self.work / name)

    def empty(self, name: str) -> Home:
        """A home to hurt in which not even the network is exported."""
        return Home(self.work / name, self.images, self.work / "runs")


def make_homes(work: Path) -> Homes:
    """Unpack the pictures and run once undisturbed."""
    images = copy_sample(work / "tiny", views=6, messy=True)
    seed = Home(work / "seed", images, work / "runs")
    prepared = seed.run({"stage": "embeddings", "operation": 0})
    assert prepared.code == -signal.SIGKILL, prepared.output
    for done in ("collections", "store/features", "store/thumbnails", "store/undecodable", "mlartifacts"):
        shutil.rmtree(seed.root / done)
    reference = seed.copy(work / "reference")
    undisturbed = reference.run()
    assert undisturbed.code == 0, undisturbed.output
    return Homes(work, images, seed, reference, undisturbed)
