import numpy as np

from imgsim.insights.labels.voters import voting_graph


def test_without_learning_the_graph_votes(tiny_model):
    assert voting_graph(tiny_model.references) is tiny_model.graph


def test_on_labels_that_were_learnt_from_the_neighbours_without_labels_vote(tiny_model, tiny_store):
    labels = [label if row % 4 else None for row, label in enumerate(tiny_model.images.labels)]
    learnt = tiny_model.learn(labels, store=tiny_store, others="ignore")
    learning = learnt.references.learning
    assert learning.changed
    graph = voting_graph(learnt.references)
    graph.check()
    fitted = np.arange(40) % 4 > 0
    assert np.array_equal(graph.neighbors[fitted], learning.held_out.label_free[fitted, : graph.k])
    assert np.array_equal(graph.neighbors[~fitted], learnt.graph.neighbors[~fitted])
    assert np.array_equal(graph.distances[~fitted], learnt.graph.distances[~fitted])


def test_after_images_were_removed_the_graph_votes(tiny_model, tiny_store):
    learnt = tiny_model.learn(store=tiny_store, others="ignore").remove([3])
    assert voting_graph(learnt.references) is learnt.graph
