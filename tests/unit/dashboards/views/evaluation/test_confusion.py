import numpy as np

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.evaluation.class_counts import confusion
from dashboards.views.evaluation.confusion import OTHERS, heatmap, worst


def test_confusions_and_own_shares_make_all_neighbours(loaded: Loaded):
    found = confusion(loaded)
    away = found.pairs.groupby("label")["share"].sum().reindex(found.own.index, fill_value=0)
    np.testing.assert_allclose(found.own + away, 1)
    assert (found.pairs["share"].diff().dropna() <= 0).all()


def test_the_heatmap_sums_up_what_it_does_not_show(loaded: Loaded):
    found = confusion(loaded)
    cells = heatmap(found, most=2)
    assert list(dict.fromkeys(cells["label"])) == sorted(worst(found, 2))
    np.testing.assert_allclose(cells.groupby("label")["share"].sum(), 1)
    assert OTHERS in set(cells["other"])
    assert set(cells["other"]) <= {*worst(found, 2), OTHERS}


def test_without_labels_there_is_no_confusion(unlabelled: Loaded):
    assert confusion(unlabelled) is None
