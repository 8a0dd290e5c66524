import pandas as pd

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings


def test_a_version_without_insights_has_no_findings(bare: Loaded):
    assert findings.outliers(bare).empty
    assert findings.suspects_table(bare).empty
    assert findings.issue_counts(bare) == {}
    assert findings.issue_rows(bare, "dark").empty
    assert findings.hubs(bare) is None
    assert findings.leak_note(bare) is None


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
    kinds = findings.rejected_kinds(rejected)
    assert kinds.values.tolist() == [["header", "'…' is # bytes long", 3], ["decode", "truncated", 1]]
    assert (findings.reason_kind(rejected["reason"]) == kinds["reason"][0]).tolist() == [True, True, False, True]
    assert findings.rejected_kinds(rejected.head(0)).empty


def test_outliers_come_most_unusual_first(loaded: Loaded):
    found = findings.outliers(loaded)
    assert found["score"].is_monotonic_decreasing
    assert len(found)


def test_suspects_come_with_the_neighbours_that_vote_against_them_first(loaded: Loaded):
    table = findings.suspects_table(loaded)
    assert len(table)
    assert table["probability"].is_monotonic_decreasing
    labels = loaded.model.images.labels
    for suspect in findings.suspects(loaded, table.head(5)):
        order = [(not voter.against, voter.distance) for voter in suspect.voters]
        assert order == sorted(order)
        assert {voter.row for voter in suspect.voters} == set(loaded.evaluated_graph.neighbors[suspect.row].tolist())
        for voter in suspect.voters:
            assert voter.against == (labels[voter.row] != suspect.label)


def test_a_label_is_suspect_as_long_as_one_neighbour_disagrees(loaded: Loaded):
    every = loaded.model.insights["label_errors"].tables["images"]
    suspects = findings.suspects_table(loaded)
    left_out = every[~every["row"].isin(suspects["row"])]
    assert (left_out["votes"] == 0).all()
    assert findings.is_doubtful(suspects).sum() == loaded.model.insights["label_errors"].metrics["outvoted"]


def test_issues_come_worst_first(loaded: Loaded):
    for issue, count in findings.issue_counts(loaded).items():
        rows = findings.issue_rows(loaded, issue)
        assert len(rows) == count > 0
        assert rows["score"].is_monotonic_decreasing


def test_hubs_and_antihubs(loaded: Loaded):
    found = findings.hubs(loaded)
    assert (found.antihubs["in_degree"] == 0).all()
    assert found.hubs["in_degree"].max() == found.metrics["max_in_degree"], "of pictures: copies count once"


def test_why_nothing_can_leak(loaded: Loaded):
    assert "nothing can leak" in findings.leak_note(loaded)
