"""The types that the views' JavaScript declares are those of what Python sends and takes."""

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args

from streamlit.testing.v1 import AppTest

import dashboards
from dashboards.services import graph_walk
from dashboards.services.decided import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Term
from dashboards.services.tidy import duplicate_groups, findings
from dashboards.views.map import coloring, map_view
from dashboards.views.neighbours import walk_view
from dashboards.views.search import find_view, query_view
from dashboards.views.tidy_up.duplicates import copies
from dashboards.views.tidy_up.labels import suspect_card
from dashboards.widgets import gallery
from dashboards.widgets.decisions import bulk, bulk_bar
from dashboards.widgets.sharing import share_view
from dashboards.widgets.shell import undo

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
    sent = gallery._data(loaded, [tile], ["query"], "medium", "Pictures") | gallery._list(
        loaded, "key", [1], None, True
    )
    assert fields(sent) == declared("GalleryData")
    assert fields(sent["tiles"][0]) == declared("TileData")


def test_every_action_of_python_has_a_name_an_icon_and_a_key():
    text = (FOLDER / "widgets" / "js" / "actions.js").read_text("utf-8")
    table = dict(re.findall(r"^  (\w+): \{(.*?)\},?$", text, re.MULTILINE | re.DOTALL))
    assert set(table) >= set(get_args(gallery.Kind))
    keys = [re.search(r'key: "(.)"', table[kind])[1] for kind in get_args(gallery.Kind)]
    assert len(set(keys)) == len(keys)


def test_bulk_bar(loaded: Loaded):
    assert fields(bulk_bar.described(loaded, ["a"], ["b"], None)) == declared("BulkData")
    assert sorted(field.name for field in dataclasses.fields(bulk.Request)) == declared("BulkRequest")
    text = (FOLDER / "widgets" / "decisions" / "bulk_bar.js").read_text("utf-8")
    buttons = re.search(r"const BUTTONS = .*?\n\}\);", text, re.DOTALL)[0]
    assert re.findall(r"^  (\w+): \{", buttons, re.MULTILINE) == list(get_args(bulk.Kind))


def test_undo():
    assert fields(undo.described()) == declared("UndoData")


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


def test_suspect_card(loaded: Loaded):
    suspect = findings.suspects(loaded, findings.suspects_table(loaded).head(1))[0]
    assert fields(suspect_card.described(loaded, suspect, 1, 9, [2])) == declared("SuspectData")
    text = (FOLDER / "views" / "tidy_up" / "labels" / "suspect_card.js").read_text("utf-8")
    kinds = re.search(r"@typedef \{(.*)\} AnswerKind", text)[1]
    assert sorted(re.findall(r"\w+", kinds)) == sorted(get_args(suspect_card.Kind))


def test_copies(loaded: Loaded):
    groups = duplicate_groups.parts(loaded, decided(loaded), "same_bytes")["left"][:1]
    sent = copies.described(
        loaded, [duplicate_groups.group_table(loaded, decided(loaded), "same_bytes", groups)], ["accept"]
    )
    assert fields(sent) == declared("CopiesData")
    assert fields(sent["groups"][0]) == declared("CopyGroup")
    assert fields(sent["groups"][0]["copies"][0]) == declared("Copy")
    text = (FOLDER / "views" / "tidy_up" / "duplicates" / "copy_nodes.js").read_text("utf-8")
    acts = re.search(r"@typedef \{(.*)\} GroupAct", text)[1]
    assert sorted(re.findall(r"\w+", acts)) == sorted(get_args(copies.Act))


def test_shell():
    def script() -> None:
        import streamlit as st

        from dashboards.state import View
        from dashboards.widgets.shell.shell import described, reveal

        reveal("list")
        reveal("list")
        st.session_state["sent"] = described(View(model="imgsim-tiny", version="2"))

    test = AppTest.from_function(script).run()
    sent = test.session_state["sent"]
    assert sent == {"reveal": "list", "turn": 2, "pin": {"model": "imgsim-tiny", "version": "2"}}
    assert fields(sent) == declared("ShellData")


def test_find():
    sent = find_view.described("a", ["b"], "help")
    assert fields(sent) == declared("FindData")


def test_share():
    assert fields(share_view.described("2")) == declared("ShareData")
