import numpy as np
import pytest

from dashboards.services import decided
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.map import coloring, map_view, places
from dashboards.views.map.coloring import BINS, NONE, Colored
from imgsim.decisions.clusters import name_clusters
from tests.unit.dashboards.views.browse.test_order import bare


@pytest.mark.parametrize("name", coloring.COLORINGS)
def test_every_image_has_a_code_and_the_legend_counts_them(loaded: Loaded, name: str):
    colors = coloring.colored(loaded, name)
    assert colors is not None
    assert colors.codes.shape == (len(loaded),)
    counts = np.bincount(coloring.entry_of(colors, colors.codes), minlength=len(colors.entries))
    assert counts.tolist() == [entry.count for entry in colors.entries]
    assert sum(counts) == len(loaded)
    assert len({entry.key for entry in colors.entries}) == len(colors.entries)


def test_without_insights_the_colours_that_need_none(loaded: Loaded):
    assert list(coloring.available(loaded)) == list(coloring.COLORINGS)
    assert list(coloring.available(bare(loaded))) == ["label", "votes", "hub"]


def test_labels_by_falling_size(loaded: Loaded):
    colors = coloring.colored(loaded, "label")
    counts = [entry.count for entry in colors.entries]
    assert counts == sorted(counts, reverse=True)
    labels = loaded.model.images.labels
    assert all(colors.entries[code].key == labels[row] for row, code in enumerate(colors.codes.tolist()))


def test_groups_and_those_without_one():
    colors = coloring.groups(np.array([1, -1, 1, 0, 1, -1]), ["a", "b"], ["A", "B"], "none")
    assert [(entry.key, entry.name, entry.count) for entry in colors.entries] == [
        ("b", "B", 3),
        ("a", "A", 1),
        (NONE, "none", 2),
    ]
    assert colors.codes.tolist() == [0, 2, 0, 1, 0, 2]
    assert colors.unknown
    assert colors.position("a") == 1
    assert colors.position("c") == -1


def test_figures_in_bins_with_the_ends_clipped():
    values = np.array([-5.0, 0.0, 0.49, 0.999, 1.0, 7.0, np.nan])
    colors = coloring.figures(values, 0.0, 1.0, 1, "unknown")
    assert coloring.entry_of(colors, colors.codes).tolist() == [0, 0, 2, 5, 5, 5, BINS]
    assert [entry.count for entry in colors.entries] == [2, 0, 1, 0, 0, 3, 1]
    assert colors.entries[0].name == "below 0.2"
    assert colors.entries[-2].name == "0.8 and more"
    assert colors.entries[-1].key == NONE


def test_figures_that_are_all_equal_have_a_colour():
    colors = coloring.figures(np.zeros(3), 0.0, 0.0, 1, "unknown")
    assert coloring.entry_of(colors, colors.codes).tolist() == [0, 0, 0]
    assert not colors.unknown


def test_votes_are_the_share_of_neighbours_with_another_label(loaded: Loaded):
    colors: Colored = coloring.colored(loaded, "votes")
    labels, neighbors = loaded.model.images.labels, loaded.model.graph.neighbors
    for row in range(0, len(loaded), 7):
        others = [labels[near] for near in neighbors[row]]
        assert colors.values[row] == pytest.approx(np.mean([other != labels[row] for other in others]))


def test_clusters_are_named_by_their_common_label(loaded: Loaded):
    colors = coloring.colored(loaded, "cluster")
    members = loaded.insight("clusters").tables["members"].set_index("row")["cluster"]
    assert all(colors.entries[code].key == f"found:{members[row]}" for row, code in enumerate(colors.codes.tolist()))
    assert "mostly" in colors.entries[0].name


def test_a_named_cluster_is_an_entry_and_its_codes_have_another_address(loaded: Loaded):
    before = places.addresses(loaded, "cluster")["codes"].removeprefix(f"maps/{loaded.token}/").removesuffix(".bin")
    old = places.file(loaded, before)
    name_clusters(decided.store(), {"<i>": loaded.model.images.sha256[:4]})
    after = places.addresses(loaded, "cluster")["codes"].removeprefix(f"maps/{loaded.token}/").removesuffix(".bin")
    colors = coloring.colored(loaded, "cluster")
    assert "<i>" in [entry.name for entry in colors.entries]
    assert places.file(loaded, after) == colors.codes.astype("<u2").tobytes()
    assert places.file(loaded, before) == old, "a page that is open still gets what its legend says"
    assert places.file(loaded, "cluster") is places.file(loaded, "cluster-00000000") is None
    assert places.rows_in_area(loaded, "", Filters(), "cluster", "name:<i>").tolist() == [
        row for row, key in enumerate(loaded.model.images.sha256) if key in loaded.model.images.sha256[:4]
    ]


def test_groups_with_most_images_that_pass_have_a_colour(loaded: Loaded):
    colors = coloring.colored(loaded, "label")
    everything = np.ones(len(loaded), bool)
    assert map_view.hued(colors, everything) == list(range(min(len(loaded.labels), 8)))
    last = len(loaded.labels) - 1
    assert map_view.hued(colors, colors.codes == last) == [last]
    assert map_view.hued(coloring.colored(loaded, "votes"), everything) == []


def test_more_groups_than_colours_are_gray_and_so_is_none():
    codes = np.repeat(np.arange(-1, 12), 3)
    colors = coloring.groups(codes, list("abcdefghijkl"), list("abcdefghijkl"), "none")
    assert map_view.hued(colors, codes > 1) == [2, 3, 4, 5, 6, 7, 8, 9]
