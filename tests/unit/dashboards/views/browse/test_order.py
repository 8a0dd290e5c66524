import numpy as np
import pytest

from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.browse import order
from imgsim.model import SimilarityModel
from imgsim.references.references import References

NO_FILTERS = Filters()


def bare(loaded: Loaded) -> Loaded:
    """The same images without insights and thumbnails."""
    whole = loaded.model.references
    plain = SimilarityModel(References(whole.images, whole._embeddings, whole.graph, whole.ids, whole.backbone))
    return Loaded("imgsim-bare", "1", "bare", plain)


@pytest.mark.parametrize("sort", order.SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_an_order_holds_every_image_once(loaded: Loaded, sort: str, reverse: bool):
    rows = order.sorted_rows(loaded, sort, reverse, 3)
    assert sorted(rows.tolist()) == list(range(len(loaded)))
    assert rows.dtype == np.int32


def test_all_orders_are_there_and_without_insights_those_that_need_none(loaded: Loaded):
    assert list(order.available(loaded)) == list(order.SORTS)
    assert list(order.available(bare(loaded))) == ["path", "label", "hub", "size", "date", "random"]


def test_by_path(loaded: Loaded):
    paths = [loaded.model.images.paths[row] for row in order.sorted_rows(loaded, "path")]
    assert paths == sorted(paths)
    assert [loaded.model.images.paths[row] for row in order.sorted_rows(loaded, "path", True)] == paths[::-1]


def test_by_label_and_within_a_label_by_path(loaded: Loaded):
    images = loaded.model.images
    found = [(images.labels[row], images.paths[row]) for row in order.sorted_rows(loaded, "label")]
    assert found == sorted(found)


def test_the_most_unusual_first_as_the_insight_says(loaded: Loaded):
    table = loaded.insight("outliers").tables["images"]
    scores = dict(zip(table["row"], table["score"], strict=True))
    found = [scores[row] for row in order.sorted_rows(loaded, "outlier").tolist()]
    assert found == sorted(found, reverse=True)
    assert [scores[row] for row in order.sorted_rows(loaded, "outlier", True).tolist()] == sorted(found)


def test_hubs_first_by_how_many_list_them(loaded: Loaded):
    counts = loaded.in_degree[order.sorted_rows(loaded, "hub")]
    assert (np.diff(counts) <= 0).all()
    assert counts[0] > counts[-1]


def test_the_largest_first(loaded: Loaded):
    images = loaded.model.images
    pixels = (images.column("width").astype(int) * images.column("height"))[order.sorted_rows(loaded, "size")]
    assert (np.diff(pixels) <= 0).all()


def test_the_blurriest_first_and_images_without_a_figure_last_both_ways(loaded: Loaded):
    sharpness = order.figures_of(loaded, "sharpness")
    rising = sharpness[order.sorted_rows(loaded, "sharpness")]
    assert (np.diff(rising[np.isfinite(rising)]) >= 0).all()
    gaps = np.array([3.0, np.nan, 1.0, np.nan, 2.0])
    one, other = np.argsort(gaps, kind="stable"), np.argsort(-gaps, kind="stable")
    assert one.tolist()[-2:] == other.tolist()[-2:] == [1, 3]


def test_a_seed_gives_a_random_order_again_and_another_one_another(loaded: Loaded):
    first = order.sorted_rows(loaded, "random", False, 7)
    assert order.sorted_rows(loaded, "random", seed=7).tolist() == first.tolist()
    assert order.sorted_rows(loaded, "random", seed=8).tolist() != first.tolist()
    assert first.tolist() != order.sorted_rows(loaded, "path").tolist()


def test_orders_are_computed_once_and_nobody_can_change_them(loaded: Loaded):
    rows = order.sorted_rows(loaded, "outlier")
    assert order.sorted_rows(loaded, "outlier") is rows
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1


def test_filters_keep_the_order(loaded: Loaded):
    rows, folded = order.select_rows(loaded, "outlier", False, 0, Filters(("torus",)), False)
    labels = loaded.model.images.labels
    assert folded == 0
    assert rows.tolist() == [row for row in order.sorted_rows(loaded, "outlier").tolist() if labels[row] == "torus"]


def test_of_duplicates_the_first_in_the_order_stays(loaded: Loaded, twins: tuple[int, int]):
    rows, folded = order.select_rows(loaded, "path", False, 0, NO_FILTERS, True)
    back, _ = order.select_rows(loaded, "path", True, 0, NO_FILTERS, True)
    groups = loaded.duplicate_group
    assert folded == len(loaded) - len(rows) > 0
    assert len(set(rows.tolist()) & set(twins)) <= 1
    shown = groups[rows]
    assert len(shown[shown >= 0]) == len(set(groups[groups >= 0].tolist())), "one of each group"
    assert set(rows.tolist()) != set(back.tolist())


def test_tiles_say_the_figure_they_are_sorted_by(loaded: Loaded):
    rows = order.sorted_rows(loaded, "hub")[:2].tolist()
    assert order.notes(loaded, "hub", rows)[0] == f"shows up in {loaded.in_degree[rows[0]]} answers"
    assert order.notes(loaded, "path", rows) == ["", ""]
    assert all("outlier score" in note for note in order.notes(loaded, "outlier", rows))
    assert order.notes(loaded, "date", rows)[0][:2] == "20"
