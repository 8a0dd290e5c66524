import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.decisions import open_decisions
from imgsim.evaluation import BACKGROUND
from imgsim.features.embeddings import Embeddings
from imgsim.learning.supervision import read_supervision
from tests.vector_models import labelled_model

NAMES = np.array(["cat", "cat", "dog", "dog", "bird", "bird"])


@pytest.fixture(scope="module")
def references():
    found = labelled_model(np.eye(6, dtype=np.float32), NAMES, k=3).references
    found.replace_rows(found.images, Embeddings(found.embeddings, None), found.ids, found.graph, None)
    return found


def read(references, labels=None, pairs=None, decisions=None):
    return read_supervision(references, labels, pairs, BACKGROUND, decisions)


class TestLabels:
    def test_those_of_the_images_by_default(self, references):
        assert read(references).labels == [(name,) for name in NAMES]

    def test_a_column(self, references):
        assert read(references, "label").labels == read(references).labels

    def test_the_top_folder(self, tiny_model):
        found = read_supervision(tiny_model.references, "top-folder", None, BACKGROUND)
        assert found.labels == [(path.split("/")[0],) for path in tiny_model.images.paths]
        assert len(set(found.labels)) > 1

    def test_a_sequence_with_gaps_lists_and_numbers(self, references):
        labels = [None, float("nan"), ["b", "a", "b"], {"a"}, 7, 7]
        assert read(references, labels).labels == [(), (), ("a", "b"), ("a",), ("7",), ("7",)]

    def test_a_mapping_leaves_the_others_without(self, references):
        found = read(references, {0: "x", 1: "x", np.int64(5): "y"})
        assert found.labels == [("x",), ("x",), (), (), (), ("y",)]
        assert found.labelled.tolist() == [True, True, False, False, False, True]

    def test_the_background_is_no_class(self, references):
        found = read(references, ["BACKGROUND_Google", "a", "a", "b", None, "BACKGROUND_Google"])
        assert found.background.tolist() == [True, False, False, False, False, True]
        assert not found.labelled[0]

    def test_other_labels_have_another_digest(self, references):
        assert read(references).digest == read(references, list(NAMES)).digest
        assert read(references).digest != read(references, list(NAMES[::-1])).digest
        assert read(references).digest != read(references, pairs=[(0, 1, True)]).digest

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([None] * 6, "no image has a label"),
            (["cat"] * 4 + [None] * 2, "all labelled images are 'cat': label images of at least one other class"),
            (list("abcdef"), "each of the 6 labels is of one image only"),
            (["a"] * 5, "5 labels for 6 images"),
            ({0: "a", 17: "b", 21: "b"}, r"labels name 2 images that the model does not hold: 17, 21\. Add them first"),
            ("kind", "there is no column 'kind'"),
        ],
    )
    def test_labels_that_cannot_teach_are_told(self, references, labels, message):
        with pytest.raises(imgsim.ArgumentError, match=message):
            read(references, labels)

    @pytest.mark.parametrize("labels", [7, [1.5] * 6, b"labels"])
    def test_what_is_no_label_is_told(self, references, labels):
        with pytest.raises(imgsim.ArgumentTypeError, match="label"):
            read(references, labels)


class TestPairs:
    def test_each_once_whatever_its_direction(self, references):
        found = read(references, pairs=[(3, 1, True), (1, 3, True), (0, 5, False)])
        assert found.alike.tolist() == [[1, 3]]
        assert found.unlike.tolist() == [[0, 5]]

    def test_a_table(self, references):
        pairs = pd.DataFrame({"left": [0], "right": [2], "alike": [False], "by": ["me"]})
        assert read(references, pairs=pairs).unlike.tolist() == [[0, 2]]

    def test_alone_they_are_enough(self, references):
        assert not read(references, [None] * 6, [(0, 1, True)]).labelled.any()

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            ([(0, 1, True), (1, 0, False)], "1 pairs are alike and not alike at once, the first of 0, 1: decide"),
            ([(2, 2, False)], "holds the image 2 twice"),
            ([(0, 99, True)], r"pairs name 1 images that the model does not hold: 99\."),
            ([(0, 1)], "a pair is"),
            (pd.DataFrame({"left": [0], "right": [1]}), r"lacks \['alike'\]"),
        ],
    )
    def test_pairs_that_cannot_be_are_told(self, references, pairs, message):
        with pytest.raises(imgsim.ArgumentError, match=message):
            read(references, pairs=pairs)

    def test_a_verdict_is_true_or_false(self, references):
        with pytest.raises(imgsim.ArgumentTypeError, match="True or False, not 'yes'"):
            read(references, pairs=[(0, 1, "yes")])


def test_decisions_take_the_place_of_labels_and_add_pairs(references, tmp_path):
    first, fifth, elsewhere = (f"{row:064x}" for row in (0, 4, 77))
    with open_decisions(tmp_path / "decisions.db") as decided:
        decided.set_label(first, "dog")
        decided.set_label(elsewhere, "elsewhere")
        decided.mark_pairs([first, elsewhere], [fifth, fifth], alike=False)
        decided.mark_pairs(elsewhere, fifth, alike=True)
    found = read(references, pairs=[(2, 3, True)], decisions=tmp_path / "decisions.db")
    assert found.labels[:2] == [("dog",), ("cat",)]
    assert found.alike.tolist() == [[2, 3]]
    assert found.unlike.tolist() == [[0, 4]]
