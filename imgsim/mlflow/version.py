"""Versions of registered models, as MLflow describes them: number, aliases, tags, figures."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgsim.arguments import DEFAULT_K

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

TAG_DECISIONS = "imgsim.decisions"
"""Of a version and of the run that made it: digest of the labels that people decided (`ImageTable.decisions`)."""
TAG_DIGEST = "imgsim.digest"
TAG_REVISION = "imgsim.revision"
TAG_EVALUATION = "imgsim.evaluation"
TAG_PROMOTION = "imgsim.promotion"
TAG_PROTOCOL = "imgsim.protocol"
PREFIX = "imgsim."
FIGURE = re.compile(r"(?:precision|map|recall)_at_\d+(?:_(?:seen|unseen))?(?:_label_free)?(?:_low|_high)?|nn1_accuracy")
"""Metrics of an evaluation that a version's tags hold."""


@dataclass(frozen=True)
class Version:
    """A version of a registered model, as the registry describes it.

    Parameters
    ----------
    name, version : str
        Of the registered model, and its number.
    aliases : tuple of str
        Sorted.
    created : datetime
        In UTC.
    metrics : dict of str to float
        Those of the evaluation that its tags hold.
    tags : dict of str to str
    run_id, run_url : str or None
        Of the MLflow run that made it; the address only where MLflow has pages.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    created: datetime
    metrics: dict[str, float]
    tags: dict[str, str]
    run_id: str | None
    run_url: str | None

    @classmethod
    def of(cls, item: ModelVersion, aliases: tuple[str, ...] = (), run_url: str | None = None) -> Version:
        """Read MLflow's description of a version."""
        tags = {str(key): str(value) for key, value in item.tags.items()}
        created = datetime.fromtimestamp(item.creation_timestamp / 1000, UTC)
        number, run = str(item.version), item.run_id or None
        return cls(item.name, number, aliases, created, metrics_of(tags), tags, run, run_url)

    @property
    def uri(self) -> str:
        """``models:/name/version``, for MLflow."""
        return f"models:/{self.name}/{self.version}"

    @property
    def token(self) -> str:
        """Name of its content by its revision and evaluation, or else by its place in the registry."""
        content = self.tags.get(TAG_REVISION, "")[:20] + self.tags.get(TAG_EVALUATION, "")[:8]
        return content or f"{self.name}-{self.version}-{self.created:%Y%m%d%H%M%S}"

    @property
    def promotion(self) -> str:
        """Why it is champion, or why not."""
        return self.tags.get(TAG_PROMOTION, "")

    @property
    def k(self) -> int:
        """Neighbours per query of its evaluation."""
        with suppress(ValueError, KeyError, TypeError):
            return int(json.loads(self.tags[TAG_PROTOCOL])["k"])
        return DEFAULT_K


def metrics_of(tags: dict[str, str]) -> dict[str, float]:
    """Read the metrics that a version's tags hold; a tag that is no number is left out."""
    found = {}
    for name, value in tags.items():
        if name.startswith(PREFIX) and FIGURE.fullmatch(name.removeprefix(PREFIX)):
            with suppress(ValueError):
                found[name.removeprefix(PREFIX)] = float(value)
    return found
