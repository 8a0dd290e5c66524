from dashboards.services.decided import decided, store
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups, findings
from dashboards.services.tidy.counts import counts


def test_counts_are_those_of_the_insights_while_nothing_is_decided(loaded: Loaded):
    found = counts(loaded, decided(loaded))
    assert set(found) == set(findings.SECTIONS)
    assert found["rejected"] == len(loaded.model.rejected) > 0
    duplicates = loaded.model.insights["duplicates"].metrics
    assert found["duplicates"] == duplicates["same_bytes_groups"] + duplicates["same_picture_groups"] > 0
    assert found["leaks"] is None, "there are no splits, so nothing was counted"
    assert found["outliers"] == loaded.model.insights["outliers"].metrics["outliers"]
    assert found["labels"] == loaded.model.insights["label_errors"].metrics["outvoted"]


def test_a_version_without_insights_has_no_counts(bare: Loaded):
    found = counts(bare, decided(bare))
    assert {name for name, count in found.items() if count is None} == set(findings.SECTIONS) - {"rejected"}


def test_what_is_decided_no_longer_counts(loaded: Loaded):
    before = counts(loaded, decided(loaded))
    keys = loaded.model.images.sha256
    group = duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"][0]
    store().mark([keys[row] for row in group], "keep")
    table = findings.suspects_table(loaded)
    doubtful = table["row"][findings.is_doubtful(table)].tolist()
    store().mark([keys[row] for row in table["row"]], "reviewed")
    after = counts(loaded, decided(loaded))
    assert after["duplicates"] == before["duplicates"] - 1
    assert (before["labels"], after["labels"]) == (len(doubtful), 0)
