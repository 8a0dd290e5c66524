"""Completeness check of a finished graph: every row once in the result, in ``copies`` leaves, no shard damaged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from imgsim.errors import ShardError
from imgsim.io.atomic import atomic_path
from imgsim.neighbors.partitioned.leaves import leaf_sizes
from imgsim.neighbors.partitioned.shards import ShardRecord, Work

FILE = "manifest.json"


def manifest(work: Work, records: Iterable[ShardRecord]) -> dict[str, Any]:
    """Check the finished graph, write ``manifest.json`` into its folder, and return its content.

    Raises
    ------
    ShardError
        A shard is missing, damaged, or has not the rows it should have: named in the message.
    """
    records = sorted(records, key=lambda record: record.name)
    _check(work, records)
    content = {"plan": asdict(work.plan), "rows": work.plan.rows, "shards": [asdict(record) for record in records]}
    with atomic_path(work.folder / FILE) as path:
        path.write_text(json.dumps(content, indent=1))
    return content


def _check(work: Work, records: Sequence[ShardRecord]) -> None:
    plan = work.plan
    rows = {record.name: record.rows for record in records}
    by_rows = {shard: stop - start for shard in range(plan.shards) for start, stop in [plan.range(shard)]}
    expected = {("merge", shard): count for shard, count in by_rows.items()}
    expected |= {("finish", shard): count for shard, count in by_rows.items()}
    expected |= {("leaf_graph", leaf): int(count) for leaf, count in enumerate(leaf_sizes(work))}
    for (stage, index), count in expected.items():
        name = work.path(stage, index).relative_to(work.folder).as_posix()
        if rows.get(name) != count:
            raise ShardError(
                f"{name} in {work.folder} has {rows.get(name, 'no')} rows instead of {count}. Delete it and run again."
            )
    for shard, count in by_rows.items():
        placed = work.read("leaves", shard)
        copies = np.bincount(placed["rows"], minlength=count)
        if len(copies) != count or (copies != placed["leaves"].shape[1]).any():
            raise ShardError(f"{work.path('leaves', shard)} does not hold each of its rows once per partition.")
        record = work.check("finish", shard)
        if record not in records:
            raise ShardError(f"{work.path('finish', shard)} changed after it was built.")
