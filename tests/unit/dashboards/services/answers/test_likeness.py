"""Distances in words: figures right by hand, and nothing said where nothing is known."""

from copy import copy
from functools import partial

import numpy as np
import pytest

import imgsim
from dashboards.services.answers import likeness
from dashboards.services.models.loaded_model import Loaded


@pytest.fixture
def line() -> Loaded:
    """Points 0, 1, 2 and 3 on a line, so pairs are 1, 1, 1, 2, 2 and 3 apart."""
    matrix = np.array([[0, 1], [1, 1], [2, 1], [3, 1]], np.float32)
    return Loaded("imgsim-line", "1", "line", imgsim.create(embeddings=matrix, k=2, progress=False))


@pytest.mark.parametrize(("share", "words"), [(1.0, "99.9 %"), (0.9987, "99.8 %"), (0.978, "97 %"), (0.0, "0 %")])
def test_shares_are_rounded_down(share: float, words: str):
    assert likeness._percent(share) == words


def test_a_distance_says_how_many_pairs_are_further_apart(line: Loaded):
    assert likeness.distance_words(line, 1.0) == "closer than 50 % of pairs"
    assert likeness.legend(line, 1.0, 2.0) == (
        "Distance 1.000 of the first: closer than 50 % of pairs. 2.000 of the last: closer than 16 % of pairs."
    )
    assert likeness.legend(line, 1.0, 1.5) == "Distances 1.000 to 1.500: closer than 50 % of pairs."


def test_labels_say_how_many_share_them_at_a_distance(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(likeness, "measure_likeness", partial(likeness.measure_likeness, least=5))
    loaded = Loaded("imgsim-few", "1", "few", loaded.model)
    found = likeness.likeness(loaded)
    known = np.flatnonzero(~np.isnan(found.same))
    assert len(known), "some bin holds 5 pairs"
    middle = float(found.edges[known[0]] + found.edges[known[0] + 1]) / 2
    share = round(found.same[known[0]] * 100)
    assert likeness.distance_words(loaded, middle).endswith(f"; at this distance {share} % share the label")


def test_labels_that_a_metric_was_learnt_from_say_nothing(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    learnt = Loaded("imgsim-learnt", "1", "learnt", copy(loaded.model))
    monkeypatch.setattr(type(loaded.model.references), "learning", property(lambda _: object()))
    assert not len(likeness.likeness(learnt).same)
    assert "label" not in likeness.distance_words(learnt, 0.5)
