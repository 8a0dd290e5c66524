import json
from base64 import b64decode
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from dashboards.services.filters import Filters, mask
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.map import coloring, places
from dashboards.views.map.map_view import Scene, _key, described
from tests.unit.dashboards.views.browse.test_order import bare

ALL = "0.0~10000.0~10000.10000~0.10000"
LEFT = "0.0~5000.0~5000.10000~0.10000"


@pytest.fixture
def _in_memory(loaded: Loaded) -> Iterator[None]:
    registry.MODELS.clear()
    registry.MODELS.get(loaded.token, lambda: loaded)
    yield
    registry.MODELS.clear()


def ask(path: str) -> Response:
    """What the server would answer to an address, relative to the page."""
    scope = {"type": "http", "path": f"/{path.removeprefix('/')}", "method": "GET", "headers": []}
    for pattern in (places.FILES, places.NAMES):
        match, more = Route(pattern, places.answer).matches(scope)
        if match is Match.FULL:
            return places.answer(Request({**scope, **more}))
    raise AssertionError(f"no route has {path}")


def test_places_are_the_insights_from_left_to_right_and_bottom_to_top(loaded: Loaded):
    table = loaded.insight("map").tables["map"]
    found = places.places(loaded)
    assert found.shape == (len(loaded), 2)
    assert found[table["row"][0]] == pytest.approx([(table["x"][0] + 1) / 2, (table["y"][0] + 1) / 2])
    assert places.places(bare(loaded)) is None


@pytest.mark.usefixtures("_in_memory")
def test_points_and_codes_are_two_bytes_each(loaded: Loaded):
    addresses = places.addresses(loaded, "label")
    points, codes = ask(addresses["points"]), ask(addresses["codes"])
    sent = np.frombuffer(points.body, "<u2").reshape(-1, 2)
    assert np.abs(sent / 65535 - places.places(loaded)).max() < 1e-5
    assert np.frombuffer(codes.body, "<u2").tolist() == coloring.colored(loaded, "label").codes.tolist()
    assert "immutable" in points.headers["cache-control"]
    assert points.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("_in_memory")
def test_names_are_data(loaded: Loaded):
    row = next(i for i, path in enumerate(loaded.model.images.paths) if "<img" in path)
    answer = ask(f"{places.addresses(loaded, 'label')['names']}{row}.json")
    assert json.loads(answer.body) == {"path": loaded.model.images.paths[row], "label": "cube"}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("_in_memory")
@pytest.mark.parametrize(
    "path",
    ["/maps/tiny-token/nothing.bin", "/maps/other/points.bin", "/maps/tiny-token/99999.json", "/maps/other/0.json"],
)
def test_what_is_not_there(path: str):
    assert ask(path).status_code == 404


@pytest.mark.parametrize("text", ["", "1.1", "1.1~2.2", "a.b~1.2~3.4", "1.1~2.2~3.3;", "1.1 2.2 3.3", "-1.1~2.2~3.3"])
def test_what_is_no_area(text: str):
    assert places.parse_area(text) is None


def test_an_area_has_a_bounded_number_of_corners():
    assert len(places.parse_area("~".join(["1.1"] * 5000))) == places.MOST_CORNERS


@pytest.mark.parametrize(
    ("text", "sound"), [("5000.5000.250", True), ("1.2", False), ("1.2.3.4", False), ("<b>", False)]
)
def test_views(text: str, sound: bool):
    assert places.valid_view(text) == (text if sound else "")


def test_a_box_holds_what_lies_in_it(loaded: Loaded):
    points = places.places(loaded)
    assert places.inside_polygon(points, places.parse_area(LEFT)).tolist() == (points[:, 0] < 0.5).tolist()


def test_a_hole_and_a_dent_are_outside():
    dented = np.array([[0, 0], [1, 0], [1, 1], [0.5, 0.2], [0, 1]], np.float64)
    points = np.array([[0.5, 0.1], [0.5, 0.6], [0.05, 0.5], [2, 0.5]], np.float32)
    assert places.inside_polygon(points, dented).tolist() == [True, False, True, False]


@settings(deadline=None)  # matplotlib is imported by the first
@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=30))
def test_the_even_odd_rule_agrees_with_matplotlib_on_a_pentagon(points: list[tuple[float, float]]):
    from matplotlib.path import Path

    angle = np.arange(5) * 2 * np.pi / 5
    pentagon = 0.5 + 0.43 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    at = np.array(points, np.float32)
    edges = np.min(np.abs(_edge_distances(at, pentagon)), axis=0)
    clear = edges > 1e-4  # on an edge either answer is right
    assert (places.inside_polygon(at, pentagon) == Path(pentagon).contains_points(at))[clear].all()


def _edge_distances(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    ends = np.roll(corners, -1, axis=0)
    along = ends - corners
    share = np.clip(((points[None] - corners[:, None]) * along[:, None]).sum(2) / (along**2).sum(1)[:, None], 0, 1)
    return np.linalg.norm(points[None] - corners[:, None] - share[..., None] * along[:, None], axis=2)


def test_selected_rows_pass_filters_and_legend(loaded: Loaded):
    labels = loaded.model.images.labels
    assert places.rows_in_area(loaded, ALL, Filters(), "label", "").tolist() == list(range(len(loaded)))
    only = places.rows_in_area(loaded, ALL, Filters(), "label", "torus").tolist()
    assert only == [row for row, label in enumerate(labels) if label == "torus"]
    both = places.rows_in_area(loaded, LEFT, Filters(path="torus"), "label", "torus")
    assert set(both.tolist()) == set(np.flatnonzero(places.places(loaded)[:, 0] < 0.5).tolist()) & set(only)
    assert places.rows_in_area(loaded, "", Filters(), "label", "torus").tolist() == only, "anywhere"
    assert len(places.rows_in_area(loaded, "nonsense", Filters(), "label", "")) == 0
    assert len(places.rows_in_area(loaded, ALL, Filters(), "label", "no such label")) == 0


def test_with_a_figure_the_highest_come_first(loaded: Loaded):
    scores = coloring.colored(loaded, "outlier").values
    found = scores[places.rows_in_area(loaded, ALL, Filters(), "outlier", "")]
    assert (np.diff(found) <= 0).all()


def test_what_the_browser_is_sent_is_small_and_text_is_visible(loaded: Loaded):
    colors = coloring.groups(np.zeros(len(loaded), int), ["x"], ["a\u202eb"], "none")
    data = described(loaded, colors, Scene("label", filters=Filters(("cube",)), area=LEFT, query=3, hits=[1, 2]))
    json.dumps(data)
    assert data["legend"]["entries"] == [{"place": 0, "name": "a\\u202eb", "count": len(loaded)}]
    bits = np.unpackbits(np.frombuffer(b64decode(data["passed"]), np.uint8), bitorder="little")[: len(loaded)]
    assert bits.astype(bool).tolist() == mask(loaded, Filters(("cube",))).tolist()
    assert data["area"][1:3] == [[0.5, 1.01], [0.5, -0.01]], "downwards, as the browser draws"
    assert described(loaded, colors, Scene("label"))["passed"] is None, "nothing to send when all pass"


def test_long_legends_are_cut(loaded: Loaded):
    names = [str(number) for number in range(1000)]
    data = described(loaded, coloring.groups(np.arange(len(loaded)), names, names, "none"), Scene("label"))
    assert len(data["legend"]["entries"]) == 200
    assert data["legend"]["groups"] == 1000


@pytest.mark.parametrize("sent", [None, "0", 1.0, True, -2, 10_000, {}])
def test_what_is_no_line_of_the_legend(loaded: Loaded, sent: object):
    assert _key(coloring.colored(loaded, "label"), sent) is None


def test_lines_of_the_legend(loaded: Loaded):
    colors = coloring.colored(loaded, "label")
    assert _key(colors, -1) == ""
    assert _key(colors, 0) == colors.entries[0].key
