import pytest

from dashboards.services import decided
from dashboards.services.learning.marks import Marks, marks


def test_nothing_is_marked_at_first(loaded):
    assert marks(loaded) == Marks(0, 0, 0, None, taught=False)


def test_files_of_the_same_bytes_are_one_picture(loaded, twins):
    keys, store = loaded.model.images.sha256, decided.store()
    other, far = [row for row in range(len(loaded)) if keys.count(keys[row]) == 1][:2]
    store.mark_pairs(keys[twins[0]], keys[other], alike=True)
    store.mark_pairs(keys[other], keys[far], alike=False)
    store.set_label(keys[twins[0]], "tree")
    found = marks(loaded)
    assert (found.labels, found.alike, found.unlike) == (1, 1, 1)
    near, apart = (
        float(((loaded.model.embeddings[one] - loaded.model.embeddings[two]) ** 2).sum())
        for one, two in ((twins[0], other), (other, far))
    )
    assert found.agreement == pytest.approx(1.0 if near < apart else 0.0)
