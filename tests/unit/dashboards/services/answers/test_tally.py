"""Labels of an answer."""

from dashboards.services.answers.tally import likely, tally
from dashboards.services.models.loaded_model import Loaded


def test_labels_are_counted_the_most_frequent_first(loaded: Loaded, unlabelled: Loaded):
    labels = loaded.model.images.labels
    first, second = (int(row) for row in (labels.index("cube"), labels.index("torus")))
    assert list(tally(loaded, [first, second, second]).items()) == [("torus", 2), ("cube", 1)]
    assert tally(unlabelled, [0, 1]) == {}


def test_an_answer_speaks_for_the_label_of_more_than_half():
    assert likely({"cube": 3, "torus": 2}, 5) == "cube"
    assert likely({"cube": 3, "torus": 2}, 6) is None
    assert likely({}, 5) is None
