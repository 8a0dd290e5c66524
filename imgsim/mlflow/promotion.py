"""The promotion rule: which version of a model is served, as the alias ``champion``.

A new version becomes champion if it is not worse than the present champion, and not worse than the *baseline*. The
baseline is the best version so far: the first champion, until another is better than it beyond chance. It is named by
a tag of the champion. Steps that are each within chance cannot sink below it.

Versions are compared by their tables, never by stored figures, on the images that both have (by content, each picture
once), with the labels and the protocol of the new version:

- with labels, by precision@k, paired (`imgsim.evaluation.paired`); a metric that was learnt from labels is judged by
  fits that have not seen the label of the image that asks;
- otherwise by recall of the graph, which may be `RECALL_TOLERANCE` lower;
- with nothing to compare, the new version becomes champion.

A champion that holds a picture that the new version lacks gives way in any case: the picture was taken out, and must
not be served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.comparison import counterparts
from imgsim.errors import RegistryError
from imgsim.evaluation import BACKGROUND, label_codes, recall
from imgsim.evaluation.paired import paired_precision
from imgsim.mlflow.download import load_version
from imgsim.mlflow.version import TAG_PROMOTION, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from imgsim.images.table import ImageTable
    from imgsim.model import SimilarityModel

CHALLENGER, CHAMPION = "challenger", "champion"
TAG_BASELINE = "imgsim.baseline"
TAG_COMPARED = "imgsim.compared_with"
RECALL_TOLERANCE = 0.005
_REFUSED = "not champion"
SAME_PICTURE = ("same_bytes", "same_picture")


@dataclass(frozen=True)
class Protocol:
    """Protocol of a measurement: ``k`` neighbours per query, labels that are no queries; copies are left out."""

    k: int
    background: tuple[str, ...]

    @classmethod
    def of(cls, model: SimilarityModel) -> Protocol:
        """Return the protocol of a model's evaluation."""
        found = model.evaluation
        if found is None or not len(found.per_class):
            return cls(min(DEFAULT_K, max(1, model.graph.k)) if found is None else found.k, BACKGROUND)
        names, codes = label_codes(model.images.labels)
        several = names[np.bincount(codes[codes >= 0], minlength=len(names)) > 1]
        return cls(found.k, tuple(sorted(set(several.tolist()) - set(found.per_class["label"]))))

    def to_json(self) -> str:
        """Return the text of the tag."""
        return json.dumps({"k": self.k, "background": self.background, "copies": "left out"})


@dataclass(frozen=True)
class Judgement:
    """A new version against another: better or worse beyond chance, and the figures as text."""

    better: bool
    worse: bool
    figures: str


@dataclass(frozen=True)
class Decision:
    """Decision if a new version becomes champion, why, and whether it is the new baseline."""

    promote: bool
    reason: str
    baseline: bool


def judge(new: SimilarityModel, other: SimilarityModel, protocol: Protocol) -> Judgement:
    """Compare two models on the images that both have, each picture once."""
    across = counterparts(new.images, other.images)
    rows = _distinct(new, np.flatnonzero(across >= 0))
    labels = [new.images.labels[row] for row in rows]
    found = paired_precision(
        _found_by(other, across[rows]), _found_by(new, rows), labels, protocol.k, protocol.background
    )
    if found is not None:
        return Judgement(found.better, found.worse, str(found))
    k = min(protocol.k, new.graph.k, other.graph.k)
    after, before = (_recall(model, k) for model in (new, other))
    if after is None or before is None:
        return Judgement(False, False, "no figures to compare")
    lower = after < before - RECALL_TOLERANCE
    return Judgement(after > before + RECALL_TOLERANCE, lower, f"recall@{k} {before:.4f} to {after:.4f}, no labels")


def decide(
    new: SimilarityModel, champion: tuple[str, SimilarityModel], baseline: tuple[str, SimilarityModel] | None = None
) -> Decision:
    """Apply the rule of this module.

    Parameters
    ----------
    new : SimilarityModel
        The new version.
    champion, baseline : tuple of str and SimilarityModel
        Number and model of the present champion, and of the baseline unless it is the champion.
    """
    protocol = Protocol.of(new)
    others = [champion] if baseline is None else [champion, baseline]
    judged = {number: judge(new, model, protocol) for number, model in others}
    gone = taken_out(new.images, champion[1].images)
    better = judged[others[-1][0]].better
    if gone:
        pictures = "a picture that was" if gone == 1 else f"{gone:,} pictures that were"
        return Decision(True, f"version {champion[0]} holds {pictures} taken out; {_told(judged)}", better)
    return Decision(not any(found.worse for found in judged.values()), _told(judged), better)


def _found_by(model: SimilarityModel, rows: NDArray[np.int64]) -> NDArray[np.float32] | NDArray[np.int32]:
    """Return the embeddings of rows; of a learnt metric their neighbours by fits that have not seen their labels.

    Where those are not known (images were added or removed since), only rows without taught labels have neighbours.
    """
    learning = model.references.learning
    if learning is None or not learning.changed:
        return model.embeddings[rows]
    pictures = np.arange(len(model)) if model.evaluation is None else model.evaluation.pictures
    pictures = np.arange(len(model)) if pictures is None else pictures
    place = np.full(len(model), -1, np.int32)
    place[pictures[rows]] = np.arange(len(rows))
    if learning.held_out is None:
        listed = model.graph.neighbors[rows].copy()
        listed[learning.folds[rows] >= 0] = -1
    else:
        listed = learning.held_out.learnt[rows]
    found = np.where(listed >= 0, place[pictures[listed]], -1)
    return np.where(found == np.arange(len(rows))[:, None], -1, found).astype(np.int32)


def _told(judged: Mapping[str, Judgement]) -> str:
    parts = []
    for number, found in judged.items():
        verdict = "worse" if found.worse else "better" if found.better else "not worse"
        parts.append(f"{verdict} than version {number} ({found.figures})")
    return ", ".join(parts)


def taken_out(new: ImageTable, old: ImageTable) -> int:
    """Count the pictures of an older table that a newer one lacks, by content; those without bytes by their path."""
    mine, theirs = (
        {sha or f"path {path}" for sha, path in zip(table.sha256, table.paths, strict=True)} for table in (new, old)
    )
    return len(theirs - mine)


def _distinct(model: SimilarityModel, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of ``rows`` that are the first of their picture: equal bytes, or found by ``duplicates``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = {sha: row for row, sha in reversed(list(enumerate(model.images.sha256))) if sha}
    edges = [(row, first.get(sha, row)) for row, sha in enumerate(model.images.sha256)]
    if "duplicates" in model.insights:
        groups = model.insights["duplicates"].tables["groups"]
        same = groups[groups["tier"].isin(SAME_PICTURE)]
        edges += list(zip(same["row"], same.groupby("group")["row"].transform("min"), strict=True))
    one, other = np.array(edges, np.int64).reshape(-1, 2).T
    _, picture = connected_components(coo_array((np.ones(len(one)), (one, other)), (len(model), len(model))))
    _, at = np.unique(picture[rows], return_index=True)
    return np.asarray(np.sort(rows[at]), np.int64)


def _recall(model: SimilarityModel, k: int) -> float | None:
    return recall(model.embeddings, model.graph, k).get(f"recall_at_{k}") if k else None


def promote(client: MlflowClient, version: ModelVersion, model: SimilarityModel, tracking_uri: str | None) -> None:
    """Make a version challenger, and champion by the rule; tags keep the decision.

    A version that was compared with the present champion before is not compared again.

    Parameters
    ----------
    client : MlflowClient
    version : ModelVersion
    model : SimilarityModel
        Its content.
    tracking_uri : str or None
        Where other versions are downloaded from.
    """
    name, number = version.name, str(version.version)
    client.set_registered_model_alias(name, CHALLENGER, number)
    champion = aliases(client, name).get(CHAMPION)
    tags = client.get_model_version(name, number).tags
    verdict = tags.get(TAG_PROMOTION, "")
    if champion is not None and (
        (verdict and champion == number) or (verdict.startswith(_REFUSED) and tags.get(TAG_COMPARED) == champion)
    ):
        return
    decision, baseline = _decision(client, name, model, number, champion, tracking_uri)
    verdict = CHAMPION if decision.promote else f"{_REFUSED}, version {champion} stays"
    facts = {TAG_PROMOTION: f"{verdict}: {decision.reason}", TAG_BASELINE: baseline, TAG_COMPARED: champion or number}
    for tag, value in facts.items():  # before the alias: a run killed between them leaves a version to decide on
        client.set_model_version_tag(name, number, tag, value)
    if decision.promote:
        client.set_registered_model_alias(name, CHAMPION, number)


def make_champion(client: MlflowClient, version: Version) -> None:
    """Make a version champion because a person says so; it is the baseline of later ones, too.

    Parameters
    ----------
    client : MlflowClient
    version : Version
    """
    before = aliases(client, version.name).get(CHAMPION, version.version)
    facts = {TAG_PROMOTION: f"{CHAMPION}: chosen by hand", TAG_BASELINE: version.version, TAG_COMPARED: before}
    for tag, value in facts.items():
        client.set_model_version_tag(version.name, version.version, tag, value)
    client.set_registered_model_alias(version.name, CHAMPION, version.version)


def _decision(
    client: MlflowClient,
    name: str,
    model: SimilarityModel,
    number: str,
    champion: str | None,
    tracking_uri: str | None,
) -> tuple[Decision, str]:
    """Decide on a version; return the decision and the number of the baseline from then on."""
    if champion is None or champion == number:
        return Decision(True, f"first champion of this collection; {_figures(model)}", True), number
    old = _model(client, name, champion, tracking_uri)
    if old is None:
        return Decision(True, f"the files of version {champion} are missing or damaged", True), number
    named = client.get_model_version(name, champion).tags.get(TAG_BASELINE, champion)
    best = _model(client, name, named, tracking_uri) if named not in (champion, number) else None
    decision = decide(model, (champion, old), None if best is None else (named, best))
    stays = named if best is not None or named == number else champion
    return decision, number if decision.baseline else stays


def _figures(model: SimilarityModel) -> str:
    found = {} if model.evaluation is None else model.evaluation.metrics
    main = [name for name in found if re.fullmatch(r"(precision|recall)_at_\d+", name)]
    return ", ".join(f"{name.replace('_at_', '@')} {found[name]:.4f}" for name in main) or "no figures"


def _model(client: MlflowClient, name: str, number: str, tracking_uri: str | None) -> SimilarityModel | None:
    """Load a version; None if it is gone, or its files are missing or damaged."""
    from mlflow.exceptions import MlflowException

    try:
        return load_version(Version.of(client.get_model_version(name, number)), tracking_uri)
    except RegistryError as error:
        if error.kind != "broken":
            raise
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    return None


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Return alias to version of a registered model; empty when there is no such model."""
    found = client.search_registered_models(f"name = '{name}'")
    return {str(alias): str(version) for model in found for alias, version in model.aliases.items()}
