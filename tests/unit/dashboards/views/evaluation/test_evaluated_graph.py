import numpy as np

from dashboards.services.models.loaded_model import Loaded


def test_no_copy_is_among_the_neighbours_that_were_evaluated(loaded: Loaded):
    pictures = loaded.model.evaluation.pictures
    around = pictures[loaded.evaluated_graph.neighbors]
    assert loaded.evaluated_graph.k == loaded.model.evaluation.k
    assert (around != pictures[:, None]).all()
    assert (np.diff(np.sort(around, axis=1), axis=1) > 0).all()


def test_without_labels_they_are_the_graph(unlabelled: Loaded):
    k = unlabelled.model.evaluation.k
    assert np.array_equal(unlabelled.evaluated_graph.neighbors, unlabelled.model.graph.neighbors[:, :k])
