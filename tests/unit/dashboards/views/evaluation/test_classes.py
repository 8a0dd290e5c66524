import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.evaluation.class_counts import class_rows, confusion
from dashboards.views.evaluation.classes import ORDERS, class_table


@pytest.mark.parametrize("order", [*ORDERS, "nonsense"])
def test_classes_come_in_the_order_asked_for(loaded: Loaded, order: str):
    table = class_table(loaded.model.evaluation, order)
    _, column, rising = ORDERS.get(order, ORDERS["weakest"])
    values = table[column].tolist()
    assert values == sorted(values, reverse=not rising)
    assert set(table["label"]) == set(loaded.labels)


def test_the_images_of_a_class_come_hardest_first(loaded: Loaded):
    rows, counts = class_rows(loaded, "cube", "")
    labels = loaded.model.images.labels
    assert {labels[row] for row in rows} == {"cube"}
    assert len(rows) == labels.count("cube")
    assert list(counts) == sorted(counts)
    expected = sum(labels[near] == "cube" for near in loaded.model.graph.neighbors[rows[0]])
    assert counts[0] == expected


def test_the_images_of_a_class_among_another(loaded: Loaded):
    pair = confusion(loaded).pairs.iloc[0]
    rows, counts = class_rows(loaded, pair["label"], pair["other"])
    assert len(rows)
    assert (counts > 0).all()
    assert list(counts) == sorted(counts, reverse=True)
    assert counts.sum() == pair["count"]


def test_a_label_the_model_does_not_have_has_no_images(loaded: Loaded):
    for asked in (("ship", ""), ("cube", "ship")):
        rows, counts = class_rows(loaded, *asked)
        assert len(rows) == len(counts) == 0
