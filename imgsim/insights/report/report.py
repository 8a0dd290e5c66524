"""Report about a collection: all its insights on one page with pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ModelFormatError
from imgsim.insights.report.html import insert_pictures, page, text
from imgsim.insights.report.sections import sections_of
from imgsim.io.atomic import atomic_path

if TYPE_CHECKING:
    from imgsim.references.references import References

FILE = "insights.html"


@dataclass(frozen=True)
class Report:
    """The page, self-contained."""

    html: str

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 of the page."""
        return hashlib.sha256(self.html.encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write ``insights.html`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / FILE) as path:
            path.write_text(self.html, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Report:
        """Read what `save` wrote."""
        try:
            return cls((folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFormatError(f"{folder / FILE} cannot be read: {error}. Write the report again.") from error


def render_report(references: References, title: str) -> Report:
    """Make the page about all stored insights of ``references``, with thumbnails.

    Parameters
    ----------
    references : References
        With insights (`imgsim.insights.compute.compute`).
    title : str
        Name of the collection.
    """
    sections = sections_of(references)
    tiles = "".join(f'<a href="#{part.name}"><b>{text(part.count)}</b>{text(part.title)}</a>' for part in sections)
    bodies = "".join(
        f'<section id="{part.name}"><h2>{text(part.title)}<span>{text(part.count)}</span></h2>'
        f"<p>{text(part.lead)}</p>{part.body}</section>\n"
        for part in sections
    )
    labels = len({label for label in references.images.labels if label is not None})
    lead = (
        f"{len(references):,} images, {labels:,} labels, "
        f"network {references.backbone.name}, {references.graph.k} neighbours each. "
        "Everything here is suggested, nothing was changed."
    )
    return Report(insert_pictures(page(title, lead, f"<nav>{tiles}</nav>\n{bodies}"), references))
