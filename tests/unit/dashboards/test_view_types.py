"""The types that the views' JavaScript declares are those of what Python sends and takes."""

import re
from pathlib import Path
from typing import Any, get_args

import dashboards
from dashboards.services import graph_walk
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Term
from dashboards.views.map import coloring, map_view
from dashboards.views.search import query_view
from dashboards.views.walk import walk_view
from dashboards.widgets import gallery

FOLDER = Path(dashboards.__file__).parent
TYPES: dict[str, list[str]] = {}
for path in FOLDER.rglob("*.js"):
    for comment in re.findall(r"/\*\*(?:(?!\*/).)*\*/", path.read_text("utf-8"), re.DOTALL):
        for name in re.findall(r"@typedef \{object\} (\w+)", comment):
            TYPES[name] = re.findall(r"@property \{.*\} (\w+)", comment)


def fields(sent: dict[str, Any]) -> list[str]:
    return sorted(sent)


def declared(name: str) -> list[str]:
    return sorted(TYPES[name])


def test_gallery(loaded: Loaded):
    tile = gallery.tile(loaded, 1)
    sent = gallery._data(loaded, [tile], ["query"], "medium", "Pictures")
    assert fields(sent) == declared("GalleryData")
    assert fields(sent["tiles"][0]) == declared("TileData")


def test_every_action_of_python_has_a_name_an_icon_and_a_key():
    text = (FOLDER / "widgets" / "js" / "actions.js").read_text("utf-8")
    table = dict(re.findall(r"^  (\w+): \{(.*?)\},?$", text, re.MULTILINE | re.DOTALL))
    assert set(table) >= set(get_args(gallery.Kind))
    keys = [re.search(r'key: "(.)"', table[kind])[1] for kind in get_args(gallery.Kind)]
    assert len(set(keys)) == len(keys)


def test_query(loaded: Loaded):
    sent = query_view.described(loaded, [Term(0, 1.0), Term(1, -0.5)], [loaded.key(2)], ())
    assert fields(sent) == declared("QueryData")
    assert fields(sent["terms"][0]) == declared("Term")
    assert fields(sent["past"][0]) == declared("Past")
    text = (FOLDER / "views" / "search" / "query_view.js").read_text("utf-8")
    kinds = re.search(r"@typedef \{(.*)\} StepKind", text)[1]
    assert sorted(re.findall(r"\w+", kinds)) == sorted(get_args(query_view.Kind))


def test_walk(loaded: Loaded):
    sent = walk_view.described(loaded, graph_walk.walk(loaded.model.graph, 0), links=True, dim=set())
    assert fields(sent) == declared("WalkData")
    assert fields(sent["nodes"][0]) == declared("WalkNode")
    assert fields(sent["edges"][0]) == declared("WalkEdge")


def test_map(loaded: Loaded):
    colors = coloring.colored(loaded, "label")
    sent = map_view.described(loaded, colors, map_view.Scene("label"))
    assert fields(sent) == declared("MapData")
    assert fields(sent["legend"]) == declared("LegendData")
    text = (FOLDER / "views" / "map" / "map_view.js").read_text("utf-8")
    addresses = re.search(r"@property \{\{(.*)\}\} addresses", text)[1]
    assert sorted(re.findall(r"(\w+):", addresses)) == fields(sent["addresses"])
    legend = (FOLDER / "views" / "map" / "js" / "legend.js").read_text("utf-8")
    entry = re.search(r"@typedef \{\{(.*)\}\} LegendEntry", legend)[1]
    assert sorted(re.findall(r"(\w+):", entry)) == fields(sent["legend"]["entries"][0])
