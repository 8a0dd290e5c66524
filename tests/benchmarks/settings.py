"""What is measured, handed from the command to its child processes as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

Row = dict[str, str | int | float]
"""One line of a result: ``what`` was measured, then figures named with their units, then ``floor`` if there is one."""


@dataclass(frozen=True)
class Settings:
    """A collection, a network, and the temporary folder of this run (features and models are shared there).

    ``seconds`` is how long each load lasts, ``clients`` how many there are at once; ``number`` counts the
    small pictures of `tests.benchmarks.scale`.
    """

    images: Path
    backbone: str
    weights: str | None
    work: Path
    seconds: float = 120.0
    clients: tuple[int, ...] = (1, 10, 50)
    number: int = 20_000

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), default=str))

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read what `save` wrote."""
        values = json.loads(path.read_text())
        places = {name: Path(values[name]) for name in ("images", "work")}
        return cls(**values | places | {"clients": tuple(values["clients"])})

    @property
    def reference(self) -> bool:
        """Whether this is Caltech-101, for which the floors of speed and quality are set."""
        return self.images.name.startswith("caltech101")

    @property
    def home(self) -> Path:
        """IMGSIM_HOME of the children: empty when the run starts."""
        return self.work / "home"
