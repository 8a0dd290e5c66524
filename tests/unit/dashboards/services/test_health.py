import pandas as pd

from dashboards.services import health
from dashboards.services.models.loaded_model import Loaded


def test_a_version_without_insights_has_no_findings(bare: Loaded):
    assert health.outliers(bare).empty
    assert health.suspects_table(bare).empty
    assert health.issue_counts(bare) == {}
    assert health.issue_rows(bare, "dark").empty
    assert health.hubs(bare) is None
    assert health.leak_note(bare) is None


def test_reasons_that_differ_in_names_and_figures_are_one_kind():
    rejected = pd.DataFrame(
        {
            "path": ["a", "b", "c", "d"],
            "stage": ["header", "header", "decode", "header"],
            "reason": [
                "'a.txt' is 12 bytes long (it begins with the bytes 54 68)",
                "'b.txt' is 4,096 bytes long (it begins with the bytes 00 01)",
                "truncated",
                "'c.txt' is 7 bytes long",
            ],
        }
    )
    kinds = health.rejected_kinds(rejected)
    assert kinds.values.tolist() == [["header", "'…' is # bytes long", 3], ["decode", "truncated", 1]]
    assert (health.reason_kind(rejected["reason"]) == kinds["reason"][0]).tolist() == [True, True, False, True]
    assert health.rejected_kinds(rejected.head(0)).empty


def test_outliers_come_most_unusual_first(loaded: Loaded):
    found = health.outliers(loaded)
    assert found["score"].is_monotonic_decreasing
    assert len(found)


def test_suspects_come_with_the_neighbours_that_vote_against_them_first(loaded: Loaded):
    table = health.suspects_table(loaded)
    assert len(table)
    assert table["probability"].is_monotonic_decreasing
    labels = loaded.model.images.labels
    for suspect in health.suspects(loaded, table.head(5)):
        order = [(not voter.against, voter.distance) for voter in suspect.voters]
        assert order == sorted(order)
        assert {voter.row for voter in suspect.voters} == set(loaded.evaluated_graph.neighbors[suspect.row].tolist())
        for voter in suspect.voters:
            assert voter.against == (labels[voter.row] != suspect.label)


def test_a_label_is_suspect_as_long_as_one_neighbour_disagrees(loaded: Loaded):
    every = loaded.model.insights["label_errors"].tables["images"]
    suspects = health.suspects_table(loaded)
    left_out = every[~every["row"].isin(suspects["row"])]
    assert (left_out["votes"] == 0).all()
    assert health.is_doubtful(suspects).sum() == loaded.model.insights["label_errors"].metrics["outvoted"]


def test_issues_come_worst_first(loaded: Loaded):
    for issue, count in health.issue_counts(loaded).items():
        rows = health.issue_rows(loaded, issue)
        assert len(rows) == count > 0
        assert rows["score"].is_monotonic_decreasing


def test_hubs_and_antihubs(loaded: Loaded):
    found = health.hubs(loaded)
    assert (found.antihubs["in_degree"] == 0).all()
    assert found.hubs["in_degree"].max() == found.metrics["max_in_degree"], "of pictures: copies count once"


def test_why_nothing_can_leak(loaded: Loaded):
    assert "nothing can leak" in health.leak_note(loaded)
