"""What ``imgsim plan`` multiplies, out of the rows of the benchmarks that measured it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from imgsim.costs import Costs
from tests.benchmarks.settings import Row

NEEDED = ("stages", "graph", "partitioned")


def costs(
    results: Mapping[str, Sequence[Row]], backbone: str, images: str, environment: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The fields of `imgsim.costs.Costs`, or None when not all of `NEEDED` were run."""
    if any(name not in results for name in NEEDED):
        return None
    stages = {str(row["what"]).partition(":")[0].partition(" ")[0]: row for row in results["stages"]}
    each = {name: float(row["cpu_s"]) / float(row["images"]) for name, row in stages.items() if row.get("images")}
    exact = next(row for row in results["graph"] if str(row["what"]).startswith("exact"))
    flops = float(exact["rows"]) ** 2 * 2 * float(exact["dimensions"]) / float(exact["cpu_s"])
    joined = next(row for row in results["partitioned"] if "pairs_share" in row)
    rows = float(joined["rows"])
    products = rows * float(joined["pairs_share"]) + float(joined["partitions"])
    join = float(joined["cpu_s"]) / rows - products * 2 * float(exact["dimensions"]) / flops
    return asdict(
        Costs(
            f"{environment['cpu']}, one of {environment['cores']} cores, {images}",
            backbone,
            int(stages["network"]["values"]),
            float(stages["scan"]["bytes_each"]),
            float(stages["thumbnail"]["bytes_each"]),
            each["scan"],
            each["read"] + each["decode"] + each["thumbnail"],
            each["network"],
            flops,
            max(0.0, join),
        )
    )
