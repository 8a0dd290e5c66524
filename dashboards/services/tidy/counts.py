"""Numbers beside the sections of Tidy up: what is left to decide, and what was found where nothing is decided."""

from __future__ import annotations

import numpy as np

from dashboards.services.decided import Decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups, findings
from dashboards.services.tidy.label_queue import reviewed
from imgsim.insights.duplicates.cleanup import CERTAIN
from imgsim.insights.registry import highlights

_FOUND = {"outliers": ("outliers", "outliers"), "leaks": ("leaks", "images"), "quality": ("quality", "images")}


def counts(loaded: Loaded, known: Decided) -> dict[str, int | None]:
    """Count what each section shows; None where the version carries nothing about it.

    Of labels these are the doubtful ones that nobody reviewed, of duplicates the groups that are left to decide in the
    tiers that are certain.

    Raises
    ------
    DecisionsError
        The store of decisions cannot be read.
    """
    found: dict[str, int | None] = {"rejected": len(loaded.model.rejected)}
    for section, (name, metric) in _FOUND.items():
        insight = loaded.insight(name)
        found[section] = None if insight is None else int(insight.metrics.get(metric, 0))
    found["labels"] = None if loaded.insight("label_errors") is None else _labels(loaded, known)
    found["duplicates"] = None if loaded.insight("duplicates") is None else _duplicates(loaded, known)
    found["leaks"] = None if findings.leak_note(loaded) is not None else found["leaks"]
    hubs = loaded.insight("hubness")
    found["hubs"] = None if hubs is None else len(hubs.tables["hubs"])
    for name in findings.sections().keys() - findings.SECTIONS.keys():
        insight = loaded.insight(name)
        found[name] = None if insight is None else len(highlights(insight))
    return found


def _labels(loaded: Loaded, known: Decided) -> int:
    table = findings.suspects_table(loaded)
    rows = table["row"].to_numpy(np.int64)[findings.is_doubtful(table)]
    return int((~reviewed(known)[rows]).sum())


def _duplicates(loaded: Loaded, known: Decided) -> int:
    return sum(len(duplicate_groups.parts(loaded, known, tier)["left"]) for tier in CERTAIN)
