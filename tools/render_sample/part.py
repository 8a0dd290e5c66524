"""Part: one painted solid of a scene."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tools.render_sample.sdf import Array, Sdf

Paint = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Part:
    """A solid with its paint: ``paint(points, normals)``, both local and (3, n), gives linear RGB (3, n).

    A ``convex`` part casts no shadow on itself; a part without ``shade`` (a string) casts none at all. Both save time.
    """

    sdf: Sdf
    paint: Paint
    radius: float
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: Array = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    shine: float = 0.3
    gloss: float = 40.0
    convex: bool = False
    shade: bool = True
