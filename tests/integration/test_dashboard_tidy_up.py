"""The page Tidy up in every section, over a real registry."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups, findings
from imgsim.insights.registry import INSIGHTS
from tests import twins
from tests.dashboard_components import choice, said, send, shown

OpenPage = Callable[..., AppTest]


def loaded(test: AppTest) -> Loaded:
    assert not test.exception
    return test.session_state["open"].loaded


def words(test: AppTest) -> str:
    return "\n".join(item.value for item in [*test.caption, *test.markdown, *test.success, *test.info])


def galleries(test: AppTest, prefix: str) -> list[list[dict]]:
    keys = [element.key for element in test.get("bidi_component") if str(element.key).startswith(prefix)]
    return [shown(test, key)["tiles"] for key in keys]


@pytest.mark.parametrize("section", findings.SECTIONS)
def test_every_section_opens(open_page: OpenPage, section: str):
    test = open_page("tidy_up", section=section)
    loaded(test)
    options = choice(test.button_group, "section").options
    assert any(option.startswith("Rejected files") for option in options)


@pytest.mark.parametrize("section", [name for name in findings.SECTIONS if name != "rejected"])
def test_a_version_without_insights_says_how_to_get_them(open_page: OpenPage, section: str, monkeypatch):
    monkeypatch.setattr(Loaded, "insight", lambda self, name: None)
    test = open_page("tidy_up", section=section)
    loaded(test)
    assert "registered without" in test.info[0].value


def test_rejected_files_with_reasons_and_one_reason_only(open_page: OpenPage):
    test = open_page("tidy_up", section="rejected")
    rejected = loaded(test).model.rejected
    kinds, files = (item.value for item in test.dataframe)
    assert kinds["files"].sum() == len(files) == len(rejected)
    assert files["path"].tolist() == rejected["path"].tolist()
    test = open_page("tidy_up", section="rejected", reason=str(kinds["reason"][0]))
    assert len(test.dataframe[1].value) == kinds["files"][0]


def test_outliers_are_shown_and_narrowed_by_the_sidebar(open_page: OpenPage):
    test = open_page("tidy_up", section="outliers", version="1")
    every = shown(test, "tidy-up-page")["tiles"]
    assert [tile["row"] for tile in every] == findings.outliers(loaded(test))["row"].tolist()[:40]
    label = every[0]["label"]
    test = open_page("tidy_up", section="outliers", version="1", label=label)
    assert {tile["label"] for tile in shown(test, "tidy-up-page")["tiles"]} == {label}
    assert "pass the filters of the sidebar" in words(test)


def test_suspects_with_those_that_vote_against_them(open_page: OpenPage):
    test = open_page("tidy_up", section="labels", show="list")
    found = findings.suspects_table(loaded(test))
    assert len(found)
    groups = galleries(test, "suspect-")
    assert len(groups) == min(len(found), 8)
    assert [group[0]["row"] for group in groups] == found["row"].tolist()[:8]
    assert groups[0][1]["same"] is False


def test_groups_begin_with_the_image_to_keep(open_page: OpenPage):
    for tier in ("same_bytes", "same_picture"):
        test = open_page("tidy_up", section="duplicates", tier=tier)
        table = duplicate_groups.tier_groups(loaded(test), tier)
        groups = [group["copies"] for group in shown(test, "copies")["groups"]]
        assert [copy["row"] for group in groups for copy in group] == table["row"].tolist()
        assert [[copy["keep"] for copy in group] for group in groups] == [
            [True] + [False] * (len(group) - 1) for group in groups
        ]


def test_the_threshold_of_the_url_makes_the_look_alikes(open_page: OpenPage):
    test = open_page("tidy_up", section="duplicates", tier="look_alike")
    found = duplicate_groups.near_pairs(loaded(test))
    assert len(test.get("vega_lite_chart")) == 1
    wide = open_page("tidy_up", section="duplicates", tier="look_alike", threshold=f"{found.bound:.6f}")
    groups = duplicate_groups.look_alike_groups(loaded(wide), found.bound)
    assert f"of {sum(map(len, groups)):,} images" in words(wide) or not groups


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "x", "9" * 400])
def test_a_threshold_that_makes_no_sense_is_none(open_page: OpenPage, text: str):
    loaded(open_page("tidy_up", section="duplicates", tier="look_alike", threshold=text))


def test_moving_the_slider_puts_the_threshold_into_the_url(open_page: OpenPage):
    test = open_page("tidy_up", section="duplicates", tier="look_alike")
    bound = duplicate_groups.near_pairs(loaded(test)).bound
    test.slider(key="look-alike-threshold").set_value(bound).run()
    assert float(said(test, "threshold")) == pytest.approx(bound, abs=1e-4)


def test_quality_issues_one_by_one(open_page: OpenPage):
    test = open_page("tidy_up", section="quality")
    for issue, count in findings.issue_counts(loaded(test)).items():
        rows = shown(open_page("tidy_up", section="quality", issue=issue), "tidy-up-page")["tiles"]
        assert len(rows) == min(count, 40)


def test_hubs_and_antihubs(open_page: OpenPage):
    test = open_page("tidy_up", section="hubs", kind="antihubs")
    found = findings.hubs(loaded(test))
    assert test.metric[0].value == f"{found.metrics['max_in_degree']:,.0f}"
    if len(found.antihubs):
        assert len(shown(test, "tidy-up-page")["tiles"]) == min(len(found.antihubs), 40)


def test_a_click_on_a_picture_asks_with_it(open_page: OpenPage):
    test = open_page("tidy_up", section="outliers", version="1")
    row = shown(test, "tidy-up-page")["tiles"][0]["row"]
    key = loaded(test).key(row)
    send(test, "tidy-up-page", "action", {"kind": "query", "row": row})
    assert said(test, "q") == key
    assert shown(test, "tidy-up-page") is None


def test_a_section_that_was_chosen_is_in_the_link_even_if_it_is_the_default(open_page: OpenPage):
    test = open_page("tidy_up")
    default = choice(test.button_group, "section").value
    choice(test.button_group, "section").set_value("hubs").run()
    choice(test.button_group, "section").set_value(default).run()
    assert said(test, "section") == default


def test_an_insight_of_the_registry_has_a_section(open_page: OpenPage, monkeypatch):
    monkeypatch.setitem(INSIGHTS, "twins", twins.ROW)
    test = open_page("tidy_up", section="twins")
    assert "registered without twins" in test.info[0].value
    model = loaded(test).model
    found = twins.find_twins(model.references)
    monkeypatch.setitem(model.references.insights, "twins", found)
    test = open_page("tidy_up", section="twins")
    assert f"Twins {len(found.tables['images'])}" in choice(test.button_group, "section").options
    assert twins.ROW.description in words(test)
    pictures = shown(test, "tidy-up-page")["tiles"]
    assert {item["row"] for item in pictures} <= set(found.tables["images"]["row"])
    assert test.dataframe[0].value["path"].tolist() == twins.highlights(found)["path"].tolist()
