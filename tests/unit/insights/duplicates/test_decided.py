from types import SimpleNamespace

import pandas as pd
import pytest

from imgsim.decisions import open_decisions
from imgsim.decisions.copies import decide_copies
from imgsim.insights.duplicates.cleanup import plan_table
from imgsim.insights.duplicates.decided import LAST, NO_COPY, DecidedCopies, decided_groups
from imgsim.insights.duplicates.find import TABLES
from imgsim.references.insight import Insight
from tests.unit.decisions.sha import A, B, C, D

SHA = [A, A, B, C, D]
PATHS = ["a0", "a1", "b", "c", "d"]


REFERENCES = SimpleNamespace(images=SimpleNamespace(sha256=SHA, paths=PATHS))


@pytest.fixture
def store(home):
    return open_decisions()


def groups(**rows: list[int]) -> pd.DataFrame:
    """A group of each tier with its rows; the first is to be kept."""
    return pd.DataFrame(
        {"group": number, "tier": tier, "row": row, "path": PATHS[row], "keep": row == part[0], "reason": "proposed"}
        for number, (tier, part) in enumerate(rows.items())
        for row in part
    ).assign(bytes=9)


def decided(store) -> DecidedCopies:
    return DecidedCopies.of(REFERENCES, store)


def test_what_nobody_decided_stays_as_proposed(store):
    table = groups(same_bytes=[0, 1], same_picture=[0, 2])
    found = decided_groups(table, decided(store))
    assert found.drop(columns="decided").equals(table)
    assert not found["decided"].any()
    assert decided_groups(table.head(0), decided(store))["decided"].tolist() == []


def test_a_decision_wins_and_says_who_took_it(store):
    decide_copies(store, [A, B], [False, True], by="ann")
    found = decided_groups(groups(same_bytes=[0, 1], same_picture=[0, 2, 3]), decided(store))
    assert found["keep"].tolist() == [True, False, False, True, False]
    assert found["reason"].tolist() == ["proposed", "proposed", "decided by ann", "decided by ann", "proposed"]
    assert found["decided"].tolist() == [False, False, True, True, False]


def test_of_files_with_the_same_bytes_each_is_decided_about(store):
    decide_copies(store, [A, A], [False, True], ["a0", "a1"], by="ann")
    found = decided_groups(groups(same_bytes=[0, 1], look_alike=[0, 3]), decided(store))
    assert found["keep"].tolist() == [False, True, True, False]
    assert found["decided"].tolist() == [True, True, False, False]


def test_the_last_copy_stays(store):
    decide_copies(store, [A, B, C], [False] * 3)
    found = decided_groups(groups(same_picture=[2, 0, 3]), decided(store))
    assert found["keep"].tolist() == [True, False, False]
    assert found["reason"].iloc[0] == LAST


def test_groups_that_hold_no_copies_are_left_out(store):
    store.mark([A, B, C], "not_duplicates")
    known = decided(store)
    assert known.are_different([0, 1, 2, 3])
    assert not known.are_different([0, 1]), "the same bytes are the same picture"
    assert not known.are_different([0, 2, 4])
    assert decided_groups(groups(look_alike=[0, 2, 3]), known).empty
    found = decided_groups(groups(look_alike=[0, 2, 4]), known)
    assert found["keep"].tolist() == [True, True, False], "of a larger group it is kept, too"
    assert found["reason"].tolist() == ["proposed", NO_COPY, "proposed"]


def test_a_group_is_settled_when_all_of_it_is_decided(store):
    assert not decided(store).is_settled("same_picture", [0, 2])
    decide_copies(store, [A], [True])
    assert not decided(store).is_settled("same_picture", [0, 2])
    decide_copies(store, [B], [True])
    assert decided(store).is_settled("same_picture", [0, 2])
    assert not decided(store).is_settled("same_bytes", [0, 1]), "that is about the picture, not about its files"
    store.mark([C, D], "not_duplicates")
    assert decided(store).is_settled("look_alike", [3, 4])


def test_a_picture_that_is_kept_among_its_copies_is_not_yet_among_its_look_alikes(store):
    decide_copies(store, [A, B, C], [True, False, True], group="same_picture")
    known = decided(store)
    assert known.is_settled("same_picture", [0, 2])
    assert not known.is_settled("look_alike", [0, 3])
    assert known.choice("look_alike", 2).keep is False, "what can be spared can be spared"
    decide_copies(store, [A, C], [True, False], group="look_alike")
    assert decided(store).is_settled("look_alike", [0, 3])
    assert decided(store).is_settled("same_picture", [0, 2]), "nor is that forgotten"
    store.mark(A, "keep")
    assert decided(store).choice("look_alike", 0).keep, "a person that names no tier means all"


def test_a_plan_is_made_of_decisions(store):
    decide_copies(store, [A, B], [False, True], by="ann")
    insight = Insight("duplicates", TABLES, {"groups": groups(same_picture=[0, 2, 3])})
    plan = plan_table(insight, decided=decided(store)).set_index("path")
    assert plan["action"].to_dict() == {"b": "keep", "a0": "move", "c": "move"}
    assert set(plan["kept_path"]) == {"b"}
    assert plan["reason"]["b"] == "decided by ann"
    assert plan_table(insight).set_index("path")["action"].to_dict() == {"a0": "keep", "b": "move", "c": "move"}


def test_a_plan_of_several_kept_copies_names_one(store):
    decide_copies(store, [B], [True])
    insight = Insight("duplicates", TABLES, {"groups": groups(same_picture=[0, 2, 3])})
    plan = plan_table(insight, decided=decided(store)).set_index("path")
    assert plan["action"].to_dict() == {"a0": "keep", "b": "keep", "c": "move"}
    assert set(plan["kept_path"]) == {"a0"}
