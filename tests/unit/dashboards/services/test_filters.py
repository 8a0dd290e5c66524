import pytest

from dashboards.services.filters import Filters, mask
from dashboards.services.models.loaded_model import Loaded


def rows(loaded: Loaded, filters: Filters) -> set[int]:
    return set(mask(loaded, filters).nonzero()[0].tolist())


def test_no_filter_passes_all(loaded: Loaded):
    assert not Filters()
    assert mask(loaded, Filters()).all()


def test_labels(loaded: Loaded):
    labels = loaded.model.images.labels
    assert rows(loaded, Filters(("cube", "torus"))) == {
        i for i, label in enumerate(labels) if label in ("cube", "torus")
    }


def test_labels_that_are_not_there_pass_nothing(loaded: Loaded):
    assert not mask(loaded, Filters(("no such label",))).any()


def test_a_part_of_the_path_without_regard_to_case(loaded: Loaded):
    paths = loaded.model.images.paths
    assert rows(loaded, Filters(path="CUBE/")) == {i for i, path in enumerate(paths) if "cube/" in path.lower()}


def test_text_is_no_pattern(loaded: Loaded):
    assert not mask(loaded, Filters(path="cube.*")).any()
    assert rows(loaded, Filters(path="<IMG SRC")), "a name that is markup is found by its text"


def test_both_must_pass(loaded: Loaded):
    assert rows(loaded, Filters(("torus",), "cube/")) == set()


def test_the_mask_is_shared_and_cannot_be_changed(loaded: Loaded):
    shared = mask(loaded, Filters(("cube",)))
    assert mask(loaded, Filters(("cube",))) is shared
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = True
