"""Label review and duplicates on the page Tidy up: each answer is in the store of decisions, and the page goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups, findings
from imgsim.decisions import Decisions, Kind, open_decisions
from tests.dashboard_components import choice, said, send, shown

OpenPage = Callable[..., AppTest]


@pytest.fixture
def store(dashboard_registry: Path) -> Decisions:
    """The store that the page uses."""
    return open_decisions()


def loaded(test: AppTest) -> Loaded:
    assert not test.exception
    return test.session_state["open"].loaded


def section_count(test: AppTest, title: str) -> int:
    options = choice(test.button_group, "section").options
    return int(next(option for option in options if option.startswith(title)).split()[-1])


def answer(test: AppTest, kind: str, **more: Any) -> dict[str, Any] | None:
    """Answer the question about the suspect that is shown; gives the next one."""
    row = shown(test, "suspect")["row"]
    send(test, "suspect", "answer", {"kind": kind, "row": row, **more})
    assert not test.exception
    return shown(test, "suspect")


def test_the_queue_goes_on_and_all_answers_are_kept(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="labels", doubt="any")
    model = loaded(test)
    table = findings.suspects_table(model)
    rows = table["row"].tolist()
    first = shown(test, "suspect")
    assert (first["row"], first["suggestion"]) == (rows[0], table["suggestion"].iloc[0])
    assert (first["reviewed"], first["following"]) == (0, [f"thumbnails/{model.token}/{rows[1]}.jpg"])
    assert {tile["row"] for tile in shown(test, "suspect-voters")["tiles"]} == set(
        model.evaluated_graph.neighbors[rows[0]]
    )

    keys = model.model.images.sha256
    second = answer(test, "take")
    assert (second["row"], second["reviewed"]) == (rows[1], 1)
    assert store.labels() == {keys[rows[0]]: first["suggestion"]}
    assert store.history()["version"].tolist() == [f"models:/{model.name}/{model.version}"]
    third = answer(test, "keep")
    assert (third["row"], third["reviewed"]) == (rows[2], 2)
    assert store.reviewed() == {keys[rows[1]]}
    fourth = answer(test, "label", label=" a new label ")
    assert (fourth["row"], fourth["reviewed"]) == (rows[3], 3)
    assert store.labels()[keys[rows[2]]] == "a new label"

    other = open_page("tidy_up", section="labels", doubt="any")
    assert shown(other, "suspect") == fourth, "another browser goes on at the same place"


def test_a_choice_that_the_browser_lost_with_its_count_changes_nothing(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="labels", doubt="any")
    before = choice(test.button_group, "section").proto
    answer(test, "keep")
    states = test._tree.get_widget_states()
    lost = next((state for state in states.widgets if state.id == before.id), None) or states.widgets.add(id=before.id)
    lost.string_array_value.Clear()  # Chromium on a busy machine: none of the new texts was chosen
    lost.string_array_value.SetInParent()
    test._run(states)
    assert not test.exception
    assert (said(test, "section"), said(test, "doubt")) == ("labels", "any")


def test_skipped_ones_come_last_and_an_old_answer_counts_for_nothing(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="labels", doubt="any")
    first = shown(test, "suspect")
    second = answer(test, "skip")
    assert second["row"] != first["row"]
    assert store.last_action == 0
    send(test, "suspect", "answer", {"kind": "take", "row": first["row"]})
    assert store.last_action == 0, "that suspect is no longer shown"
    for row in findings.suspects_table(loaded(test))["row"].tolist():
        if row != first["row"]:
            store.mark(loaded(test).model.images.sha256[row], "reviewed")
    test.run()
    assert shown(test, "suspect")["row"] == first["row"]


def test_after_the_last_one_the_page_says_what_comes_next(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="labels")
    model = loaded(test)
    before = section_count(test, "Label errors")
    total = shown(test, "suspect")["total"]
    assert before in (total, 0)
    answer(test, "take")
    keys = [model.model.images.sha256[row] for row in findings.suspects_table(model)["row"]]
    store.mark(keys, "reviewed")
    test.run()
    assert shown(test, "suspect") is None
    assert f"{total} doubtful label" in test.success[0].value
    said = "\n".join(item.value for item in test.markdown)
    assert "**1** labelled anew" in said
    assert f"**{total - 1}** kept" in said
    assert f"imgsim learn models:/{model.name}/{model.version}" in test.code[0].value
    assert "imgsim run" in test.code[0].value
    assert section_count(test, "Label errors") == 0


def test_the_list_says_what_was_decided(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="labels", show="list")
    row = findings.suspects_table(loaded(test))["row"].iloc[0]
    store.set_label(loaded(test).model.images.sha256[row], "<b>new</b>")
    test.run()
    assert any(r"labelled \<b\>new" in item.value for item in test.markdown)


def test_copies_are_kept_and_spared_one_by_one(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="duplicates", tier="same_picture")
    model, count = loaded(test), section_count(test, "Duplicates")
    group = shown(test, "copies")["groups"][0]
    proposed, other = (copy["row"] for copy in group["copies"][:2])
    send(test, "copies", "choices", {"keep": [other], "spare": [proposed]})
    keys = model.model.images.sha256
    assert (store.kept(), store.spared()) == ({keys[other]}, {keys[proposed]})
    assert decided.decided(model).copies[other] == "keep"
    plan = duplicate_groups.plan(model, decided.decided(model), ("same_picture",), 0.0).set_index("path")
    paths = model.model.images.paths
    assert plan["action"][[paths[other], paths[proposed]]].tolist() == ["keep", "move"]
    assert plan["reason"][paths[other]].startswith("decided by ")
    if len(group["copies"]) == 2:
        assert group["row"] not in [one["row"] for one in shown(test, "copies")["groups"]]
        assert section_count(test, "Duplicates") == count - 1


def test_the_last_copy_of_a_group_stays(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="duplicates", tier="same_picture")
    rows = [copy["row"] for copy in shown(test, "copies")["groups"][0]["copies"]]
    send(test, "copies", "choices", {"keep": [], "spare": rows})
    assert store.last_action == 0
    assert "has to stay" in test.toast[0].value


def test_of_identical_files_each_is_decided_about(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="duplicates", tier="same_bytes")
    group = shown(test, "copies")["groups"][0]
    send(test, "copies", "group", {"act": "keep_all", "row": group["row"]})
    assert [one.value for one in store.current(Kind.FILE)] == ["keep"] * len(group["copies"])
    assert not store.kept()
    left = shown(test, "copies")
    assert left is None or group["row"] not in [one["row"] for one in left["groups"]]
    test = open_page("tidy_up", section="duplicates", tier="same_bytes", part="decided")
    before = store.last_action
    send(test, "copies", "group", {"act": "accept", "row": group["row"]})
    assert store.last_action == before, "nothing new was decided"
    assert all(copy["keep"] and copy["decided"] for copy in shown(test, "copies")["groups"][0]["copies"])


def test_what_is_no_duplicate_does_not_show_again_until_asked_for(open_page: OpenPage, store: Decisions):
    test = open_page("tidy_up", section="duplicates", tier="same_picture")
    group = shown(test, "copies")["groups"][0]
    send(test, "copies", "group", {"act": "different", "row": group["row"]})
    assert len(store.not_duplicates()) >= 1
    left = shown(test, "copies")
    assert left is None or group["row"] not in [one["row"] for one in left["groups"]]
    assert "Not duplicates 1" in choice(test.button_group, "part").options
    plan = duplicate_groups.plan(loaded(test), decided.decided(loaded(test)), ("same_picture",), 0.0)
    assert group["copies"][0]["title"] not in plan["path"].tolist()

    hidden = open_page("tidy_up", section="duplicates", tier="same_picture", part="different")
    assert [one["row"] for one in shown(hidden, "copies")["groups"]] == [group["row"]]
    send(hidden, "copies", "group", {"act": "copies", "row": group["row"]})
    assert not store.not_duplicates()
    assert shown(hidden, "copies") is None


@pytest.mark.parametrize("tier", ["same_bytes", "same_picture", "look_alike"])
def test_a_page_is_accepted_as_it_is_shown(open_page: OpenPage, store: Decisions, tier: str):
    test = open_page("tidy_up", section="duplicates", tier=tier, threshold="9")
    groups = shown(test, "copies")["groups"]
    limit = duplicate_groups.near_pairs(loaded(test)).bound
    before = len(duplicate_groups.parts(loaded(test), decided.decided(loaded(test)), tier, limit)["left"])
    test.button(key="accept-top").click().run()
    assert not test.exception
    assert store.history()["undone"].tolist() == [False], "a page is one action"
    after = duplicate_groups.parts(loaded(test), decided.decided(loaded(test)), tier, limit)
    assert len(after["left"]) <= before - len(groups)
    rows = [copy["row"] for group in groups for copy in group["copies"]]
    copies = duplicate_groups.copies(loaded(test), decided.decided(loaded(test)))
    assert [copies.choice(tier, row).keep for row in rows] == [c["keep"] for g in groups for c in g["copies"]]


def test_a_store_that_cannot_be_read_is_told_and_the_rest_goes_on(
    open_page: OpenPage, store: Decisions, tmp_path: Path
):
    (tmp_path / "decisions.db").write_bytes(b"this is no database" * 100)
    test = open_page("tidy_up", section="duplicates")
    assert not test.exception
    assert "decisions.db" in test.error[0].value.replace("\\", "")
    assert shown(test, "copies") is None
    test = open_page("tidy_up", section="outliers")
    assert not test.exception
    assert not test.error
    assert shown(test, "tidy-up-page")["tiles"]
