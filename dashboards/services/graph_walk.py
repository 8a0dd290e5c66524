"""A walk along the graph: an image, its neighbours around it and theirs outside, placed in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, Literal

import numpy as np

from dashboards.services.format import counted
from imgsim.insights.hubness import HUB_DEVIATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.services.models.loaded_model import Loaded
    from imgsim.neighbors.graph import NeighborGraph

NEAR, MOST_NEAR = 8, 10
FAR, MOST_FAR = 3, 4
SIDE = 1000.0
"""The picture reaches from -SIDE / 2 to SIDE / 2."""
RINGS = (0.0, 246.0, 440.0)
RADII = (80.0, 58.0, 48.0)
GAP = 9.0
TRAIL = 12
_EDGE = 8.0


@dataclass(frozen=True)
class Node:
    """An image in the picture: its place, and how it hangs on the one before.

    ``distance`` and ``mutual`` are of the edge from ``parent``; of the centre 0 and False.
    """

    row: int
    ring: int
    parent: int | None
    distance: float
    mutual: bool
    x: float = 0.0
    y: float = 0.0
    radius: float = 0.0


@dataclass(frozen=True)
class Edge:
    """``source`` lists ``target``. ``closeness`` is 1 for the shortest in the picture, 0 for the longest."""

    source: int
    target: int
    distance: float
    mutual: bool
    closeness: float
    kind: Literal["tree", "cross"] = "tree"


@dataclass(frozen=True)
class Walk:
    """The centre first, then ring by ring."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Hub:
    """Number of lists an image is in, against the mean of all (which is the graph's k)."""

    in_degree: int
    mean: float
    kind: Literal["hub", "usual", "antihub"]

    @property
    def words(self) -> str:
        """One sentence."""
        listed = f"shows up in {counted(self.in_degree, 'answer')}"
        if self.kind == "antihub":
            return "shows up in no answer: an antihub, which no walk reaches"
        ratio = self.in_degree / self.mean if self.mean else 0.0
        return f"{listed}, {ratio:.1f} × the mean of {self.mean:g}" + (": a hub" if self.kind == "hub" else "")


def walk(
    graph: NeighborGraph,
    row: int,
    near: int = NEAR,
    far: int = FAR,
    cut: float = 0.0,
    groups: NDArray[np.int32] | None = None,
) -> Walk:
    """Choose and place the images around ``row``.

    Parameters
    ----------
    graph : NeighborGraph
    row : int
        The centre.
    near, far : int
        Neighbours of the centre, and new ones of each of them.
    cut : float
        Only edges up to this distance; 0 for all.
    groups : (n,) int32, optional
        Of each group of duplicates only one image is shown; -1 belongs to none.

    Returns
    -------
    Walk
        Neighbours are dealt out in turn, so that each has its nearest; nobody appears twice.
    """
    inner, outer = _chosen(graph, row, near, far, cut, groups)
    nodes = place_nodes(Node(row, 0, None, 0.0, False), inner, outer)
    return Walk(nodes, _edges(graph, nodes, cut))


def is_mutual(graph: NeighborGraph, one: int, other: int) -> bool:
    """Tell whether two images list each other."""
    return bool((graph.neighbors[one] == other).any() and (graph.neighbors[other] == one).any())


def _chosen(
    graph: NeighborGraph, row: int, near: int, far: int, cut: float, groups: NDArray[np.int32] | None
) -> tuple[list[Node], list[list[Node]]]:
    """Nodes of the first ring, and for each its own of the second; not yet placed."""
    taken = {row}
    seen = {int(groups[row])} - {-1} if groups is not None else set()

    def take(source: int, ring: int, most: int) -> list[Node]:
        found: list[Node] = []
        for target, distance in zip(graph.neighbors[source].tolist(), graph.distances[source].tolist(), strict=True):
            if len(found) == most or (cut and distance > cut):
                break
            group = int(groups[target]) if groups is not None else -1
            if target in taken or group in seen:
                continue
            taken.add(target)
            seen.update({group} - {-1})
            found.append(Node(target, ring, source, distance, is_mutual(graph, source, target)))
        return found

    inner = take(row, 1, near)
    outer: list[list[Node]] = [[] for _ in inner]
    for _ in range(far):
        for node, children in zip(inner, outer, strict=True):
            children.extend(take(node.row, 2, 1))
    return inner, outer


def place_nodes(center: Node, inner: Sequence[Node], outer: Sequence[Sequence[Node]]) -> tuple[Node, ...]:
    """Place every node: the centre in the middle, the nearest at the top, the others clockwise.

    Each node of the first ring has an equal sector; its children stand in it, side by side, around its
    direction. Nodes are as big as fits without touching, up to `RADII`.
    """
    if not inner:
        return (_at(center, 0.0, 0.0, RADII[0]),)
    sector = 2 * pi / len(inner)
    inner_radius = min(RADII[1], _fitting(RINGS[1], sector))
    most = max(len(children) for children in outer)
    slot = min(sector / max(most, 1), pi / 8)
    outer_radius = min(RADII[2], _fitting(RINGS[2], slot), SIDE / 2 - RINGS[2] - _EDGE)
    first, second = [], []
    for place, (node, children) in enumerate(zip(inner, outer, strict=True)):
        direction = place * sector - pi / 2
        first.append(_at(node, *_polar(RINGS[1], direction), inner_radius))
        start = direction - slot * (len(children) - 1) / 2
        second += [_at(child, *_polar(RINGS[2], start + slot * i), outer_radius) for i, child in enumerate(children)]
    return (_at(center, 0.0, 0.0, RADII[0]), *first, *second)


def _fitting(ring: float, angle: float) -> float:
    """Radius of circles on a ring, an angle apart, with `GAP` between them."""
    return ring * sin(min(angle, pi) / 2) - GAP / 2


def _polar(distance: float, direction: float) -> tuple[float, float]:
    return distance * cos(direction), distance * sin(direction)


def _at(node: Node, x: float, y: float, radius: float) -> Node:
    return Node(
        node.row, node.ring, node.parent, node.distance, node.mutual, round(x, 2), round(y, 2), round(radius, 2)
    )


def overlap(nodes: Sequence[Node]) -> float:
    """Measure how far the two closest nodes run into each other; negative: the space between them."""
    worst = -SIDE
    for i, one in enumerate(nodes):
        for other in nodes[:i]:
            worst = max(worst, one.radius + other.radius - hypot(one.x - other.x, one.y - other.y))
    return worst


def _edges(graph: NeighborGraph, nodes: Sequence[Node], cut: float) -> tuple[Edge, ...]:
    """Edges of the tree, then all others between the images shown, each pair once."""
    shown = [node.row for node in nodes]
    order = {row: place for place, row in enumerate(shown)}
    found = [(node.parent, node.row, node.distance, node.mutual) for node in nodes if node.parent is not None]
    drawn = {frozenset((source, target)) for source, target, *_ in found}
    tree = len(found)
    for source in shown:
        for target, distance in zip(graph.neighbors[source].tolist(), graph.distances[source].tolist(), strict=True):
            pair = frozenset((source, target))
            if target not in order or pair in drawn or (cut and distance > cut):
                continue
            drawn.add(pair)
            found.append((source, target, distance, is_mutual(graph, source, target)))
    distances = [distance for *_, distance, _ in found]
    low, span = min(distances, default=0.0), max(distances, default=0.0) - min(distances, default=0.0)
    return tuple(
        Edge(
            source,
            target,
            distance,
            mutual,
            1.0 if span <= 0 else 1.0 - (distance - low) / span,
            "tree" if place < tree else "cross",
        )
        for place, (source, target, distance, mutual) in enumerate(found)
    )


def hub(loaded: Loaded, row: int) -> Hub:
    """Return the hub score of a row, by the rule of `imgsim.insights.hubness`, in the graph that is walked.

    There copies of one picture are images of their own.
    """
    degrees, k = loaded.in_degree, loaded.model.graph.k
    count = int(degrees[row])
    kind: Literal["hub", "usual", "antihub"] = "usual"
    if k and count == 0:
        kind = "antihub"
    elif count > k + HUB_DEVIATIONS * float(degrees.std()):
        kind = "hub"
    return Hub(count, float(k), kind)


def start(loaded: Loaded, seed: int = 0) -> int:
    """Choose where a walk starts: the image that most others list, or with a seed a random one."""
    if seed:
        return int(np.random.default_rng(seed).integers(len(loaded)))
    return int(loaded.in_degree.argmax())


def read_trail(loaded: Loaded, text: str) -> list[int]:
    """Read the rows of the steps so far, oldest first; unknown keys are left out."""
    rows = [loaded.row(key) for key in text.split()[-TRAIL:]]
    return list(dict.fromkeys(row for row in rows if row is not None))


def step(loaded: Loaded, trail: Sequence[int], here: int, to: int) -> str:
    """Write the trail after a step from ``here`` to ``to``; a step back shortens it."""
    rows = list(trail[: list(trail).index(to)]) if to in trail else [*trail, *([here] if here != to else [])]
    return " ".join(address(loaded, row) for row in rows[-TRAIL:])


def address(loaded: Loaded, row: int) -> str:
    """Name a row in URLs; files with the same bytes have a name each."""
    key = loaded.key(row)
    return key if loaded.row(key) == row else f"r{row}"
