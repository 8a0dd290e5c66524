"""Decisions of people about pictures: labels, tags, pairs, copies to keep; by content, so that they outlive versions.

>>> from imgsim.decisions import open_decisions
>>> decisions = open_decisions()
>>> decisions.set_label(images.sha256[:2], "tree")  # doctest: +SKIP
1
"""

from imgsim.decisions.csv_files import Imported, export_csv, export_pairs_csv, import_csv
from imgsim.decisions.history import Undone
from imgsim.decisions.kinds import Kind
from imgsim.decisions.labels import as_decisions, with_decided_labels
from imgsim.decisions.store import Decisions, open_decisions

__all__ = [
    "Decisions",
    "Imported",
    "Kind",
    "Undone",
    "as_decisions",
    "export_csv",
    "export_pairs_csv",
    "import_csv",
    "open_decisions",
    "with_decided_labels",
]
