"""The promotion rule, on models of labelled vectors."""

import json

import numpy as np
import pytest

from imgsim.features.embeddings import Embeddings
from imgsim.features.learnt import HeldOut, Learning
from imgsim.mlflow.promotion import Protocol, decide, judge, taken_out
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from imgsim.references.refined import refine
from tests.vector_models import LABELS, clustered, labelled_model

GOOD, BAD = clustered(0.2), clustered(1.5, seed=1)


def unit(matrix):
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_an_equal_model_is_promoted_and_a_worse_one_is_not():
    champion = labelled_model(GOOD)
    same = decide(labelled_model(GOOD), ("3", champion))
    assert same.promote
    assert not same.baseline
    assert same.reason.startswith("not worse than version 3 (precision@10 ")
    worse = decide(labelled_model(BAD), ("3", champion))
    assert not worse.promote
    assert worse.reason.startswith("worse than version 3 (")
    better = decide(champion, ("3", labelled_model(BAD)))
    assert better.promote
    assert better.baseline


def test_refined_and_plain_models_are_compared_by_what_they_find():
    plain = labelled_model(clustered(0.45))
    vectors = refine(Embeddings(unit(plain.embeddings), None), build_graph(unit(plain.embeddings), 10))
    refined = labelled_model(vectors.matrix)
    references = refined.references
    references.replace_rows(references.images, vectors, references.ids, references.graph, None)
    refined.evaluate(10)
    better = decide(refined, ("3", plain))
    assert (better.promote, better.baseline) == (True, True)
    worse = decide(plain, ("3", refined))
    assert not worse.promote
    assert worse.reason.startswith("worse than version 3 (precision@10 ")


def test_models_are_compared_on_the_images_that_both_have():
    """New images of a hard label lower the figure of the whole collection, but not of what was there."""
    easy = np.arange(100)
    harder = GOOD.copy()
    harder[100:] = BAD[100:]
    decision = decide(labelled_model(harder), ("1", labelled_model(GOOD, rows=easy)))
    assert decision.promote
    assert "on 100 images of both" in decision.reason


def test_copies_count_once():
    """Each picture twice, labels at random: a copy is no neighbour that a search has found."""
    labels = np.random.default_rng(0).choice(list("ab"), 60).tolist() * 2
    matrix = np.tile(np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32), (2, 1))
    model = labelled_model(matrix, labels, contents=list(range(60)) * 2, k=1)
    found = judge(model, model, Protocol(1, ()))
    assert "on 60 images of both" in found.figures
    assert float(found.figures.split()[1]) < 0.75


def test_a_chain_of_steps_within_chance_cannot_sink():
    """Each version is a little worse than the one before; the baseline stays the first."""
    matrix = clustered(0.3)
    first = labelled_model(matrix)
    champion, baseline = ("1", first), None
    champions = [first]
    for step in range(2, 22):
        matrix = matrix + np.random.default_rng(step).normal(0, 0.03, matrix.shape).astype(np.float32)
        new = labelled_model(matrix)
        decision = decide(new, champion, baseline)
        assert not decision.baseline
        if decision.promote:
            champion, baseline = (str(step), new), ("1", first)
            champions.append(new)
    precision = [model.evaluation.metrics["precision_at_10"] for model in [*champions, labelled_model(matrix)]]
    assert len(champions) > 2, "steps within chance are accepted"
    assert min(precision[:-1]) > precision[0] - 0.03
    assert precision[-1] < precision[0] - 0.08, "the chain as a whole did get worse"


def test_a_version_of_another_protocol_is_measured_again():
    other = labelled_model(GOOD, k=5)
    assert other.evaluation.k == 5
    found = judge(labelled_model(GOOD), other, Protocol(10, ()))
    assert found.figures.startswith("precision@10 ")
    assert not found.worse


@pytest.mark.parametrize("images", [1, 2, 3, 8])
def test_few_images_work(images):
    rows = np.arange(images)
    small = labelled_model(GOOD, rows=rows)
    assert Protocol.of(small).k >= 1
    assert decide(small, ("1", labelled_model(GOOD, rows=rows))).promote


def test_recall_decides_without_labels():
    nobody = [None] * len(LABELS)
    exact, rough = labelled_model(GOOD, nobody), labelled_model(GOOD, nobody)
    graph, rows = rough.references.graph, np.arange(len(LABELS))
    graph.neighbors.setflags(write=True)
    graph.neighbors[:, 5:] = exact_knn(rough.embeddings, rough.embeddings, len(rows) - 1, rows)[0][:, -5:]
    decision = decide(rough, ("1", exact))
    assert not decision.promote
    assert "recall@10 1.0000 to 0." in decision.reason
    assert decide(exact, ("1", rough)).promote


def test_a_champion_that_holds_what_was_taken_out_gives_way():
    left = labelled_model(BAD, rows=np.arange(1, 200))
    decision = decide(left, ("7", labelled_model(GOOD)))
    assert decision.promote
    assert decision.reason.startswith("version 7 holds a picture that was taken out; worse than version 7 (")
    assert not decision.baseline


def test_what_was_taken_out_is_known_by_content():
    both = labelled_model(GOOD).images
    assert taken_out(both, both) == 0
    assert taken_out(both[:50], both) == 150
    assert taken_out(both, both[:50]) == 0


def test_a_collection_without_a_picture_in_common_replaces_the_old_one():
    decision = decide(labelled_model(GOOD, rows=np.arange(100)), ("1", labelled_model(GOOD, rows=np.arange(100, 200))))
    assert decision.promote
    assert "100 pictures that were taken out" in decision.reason


def test_the_protocol_names_labels_that_are_no_queries():
    labels = ["BACKGROUND_Google" if label == "a" else label for label in LABELS]
    assert Protocol.of(labelled_model(GOOD, labels)).background == ("BACKGROUND_Google",)
    protocol = Protocol.of(labelled_model(GOOD, k=4))
    assert json.loads(protocol.to_json()) == {"k": 4, "background": [], "copies": "left out"}


def learnt(model, held_out):
    """The model as one that was learnt from its labels; ``held_out`` are the vectors of fits that did not see them."""
    lists = build_graph(held_out, 20, "exact").neighbors
    folds, labels = np.zeros(len(model), np.int64), [(label,) for label in model.images.labels]
    kept = HeldOut(lists, lists)
    record = Learning("0" * 64, "auto", "whitened by labels", tuple("abcdefgh"), {}, labels, folds, kept)
    references = model.references
    vectors = Embeddings(references.embeddings, None, learning=record)
    references.replace_rows(references.images, vectors, references.ids, references.graph, None)
    model.evaluate(10)
    return model


def test_a_metric_that_knows_its_labels_by_heart_is_not_promoted():
    """Its vectors separate the labels, but those of fits that did not see them do not."""
    by_heart = learnt(labelled_model(clustered(0.01)), BAD)
    decision = decide(by_heart, ("1", labelled_model(clustered(0.6))))
    assert not decision.promote
    assert decision.reason.startswith("worse than version 1 (precision@10 ")
    assert by_heart.evaluation.metrics["precision_at_10"] < 0.5


def test_a_metric_that_learnt_something_is_promoted():
    better = learnt(labelled_model(clustered(0.01)), GOOD)
    decision = decide(better, ("1", labelled_model(BAD)))
    assert (decision.promote, decision.baseline) == (True, True)


def test_a_learnt_metric_whose_images_changed_is_not_judged_by_what_it_was_taught():
    model = learnt(labelled_model(clustered(0.01)), GOOD)
    model.remove([199])
    found = judge(model, labelled_model(BAD), Protocol(10, ()))
    assert not found.better
    assert "no labels" in found.figures
