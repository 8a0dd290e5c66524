"""The proof that a graph is whole: every row once in the result, in ``copies`` leaves, and no shard damaged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from imgsim.errors import ShardError
from imgsim.io.atomic import atomic_path
from imgsim.neighbors.partitioned.place import leaf_sizes
from imgsim.neighbors.partitioned.shards import Note, Work

FILE = "manifest.json"


def manifest(work: Work, notes: Iterable[Note]) -> dict[str, Any]:
    """Check the finished graph, write ``manifest.json`` into its folder, and return what it says.

    Raises
    ------
    ShardError
        A shard is missing, damaged, or has not the rows it should have: named in the message.
    """
    notes = sorted(notes, key=lambda note: note.name)
    _check(work, notes)
    content = {"plan": asdict(work.plan), "rows": work.plan.rows, "shards": [asdict(note) for note in notes]}
    with atomic_path(work.folder / FILE) as path:
        path.write_text(json.dumps(content, indent=1))
    return content


def _check(work: Work, notes: Sequence[Note]) -> None:
    plan = work.plan
    rows = {note.name: note.rows for note in notes}
    by_rows = {shard: stop - start for shard in range(plan.shards) for start, stop in [plan.range(shard)]}
    expected = {("merge", shard): count for shard, count in by_rows.items()}
    expected |= {("refine", shard): count for shard, count in by_rows.items()}
    expected |= {("build", leaf): int(count) for leaf, count in enumerate(leaf_sizes(work))}
    for (stage, index), count in expected.items():
        name = work.path(stage, index).relative_to(work.folder).as_posix()
        if rows.get(name) != count:
            raise ShardError(
                f"{name} in {work.folder} has {rows.get(name, 'no')} rows instead of {count}. Delete it and run again."
            )
    for shard, count in by_rows.items():
        placed = work.read("place", shard)
        copies = np.bincount(placed["rows"], minlength=count)
        if len(copies) != count or (copies != placed["leaves"].shape[1]).any():
            raise ShardError(f"{work.path('place', shard)} does not hold each of its rows once per partition.")
        note = work.check("refine", shard)
        if note not in notes:
            raise ShardError(f"{work.path('refine', shard)} changed after it was built.")
