from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dashboards.services import decided, filters
from dashboards.services.filters import Filters, cluster_counts, label_counts, mask, parse_dates, tag_counts
from dashboards.services.models.loaded_model import Loaded


def rows(loaded: Loaded, filters: Filters) -> set[int]:
    return set(mask(loaded, filters).nonzero()[0].tolist())


def test_no_filter_passes_all(loaded: Loaded):
    assert not Filters()
    assert mask(loaded, Filters()).all()


def test_labels(loaded: Loaded):
    labels = loaded.model.images.labels
    assert rows(loaded, Filters(("cube", "torus"))) == {
        i for i, label in enumerate(labels) if label in ("cube", "torus")
    }


def test_labels_that_are_not_there_pass_nothing(loaded: Loaded):
    assert not mask(loaded, Filters(("no such label",))).any()


def test_a_part_of_the_path_without_regard_to_case(loaded: Loaded):
    paths = loaded.model.images.paths
    assert rows(loaded, Filters(path="CUBE/")) == {i for i, path in enumerate(paths) if "cube/" in path.lower()}


def test_text_is_no_pattern(loaded: Loaded):
    assert not mask(loaded, Filters(path="cube.*")).any()
    assert rows(loaded, Filters(path="<IMG SRC")), "a name that is markup is found by its text"


def test_both_must_pass(loaded: Loaded):
    assert rows(loaded, Filters(("torus",), "cube/")) == set()


def test_the_mask_is_shared_and_cannot_be_changed(loaded: Loaded):
    shared = mask(loaded, Filters(("cube",)))
    assert mask(loaded, Filters(("cube",))) is shared
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = True


def test_tags_and_reviews_as_they_are_decided_now(loaded: Loaded):
    keys, store = loaded.model.images.sha256, decided.store()
    tagged = {row for row, key in enumerate(keys) if key in (keys[0], keys[5])}
    store.add_tag([keys[0], keys[5]], "later")
    store.add_tag([keys[1]], "cluster:later")
    store.mark([keys[0]], "reviewed")
    seen = decided.stamp()
    assert rows(loaded, Filters(tags=("later",), seen=seen)) == tagged, "a cluster's name is no tag"
    done = {row for row, key in enumerate(keys) if key == keys[0]}
    assert rows(loaded, Filters(reviewed="yes", seen=seen)) == done
    assert rows(loaded, Filters(tags=("later",), reviewed="no", seen=seen)) == tagged - done
    assert tag_counts(decided.known(loaded)) == {"later": len(tagged)}
    assert set(cluster_counts(decided.known(loaded))) == {"later"}


def test_a_store_that_cannot_be_used_holds_nothing(loaded: Loaded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 100)
    monkeypatch.setenv("IMGSIM_DECISIONS", str(broken))
    assert decided.stamp() == ""
    assert decided.known(loaded).tags == {}
    assert not mask(loaded, Filters(tags=("later",))).any()


def test_sizes_and_quality(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    images = loaded.model.images
    small = images.column("width") * images.column("height") < 50_000
    assert rows(loaded, Filters(sizes=("tiny",))) == set(small.nonzero()[0].tolist())
    blurry = np.arange(len(loaded)) < 3
    monkeypatch.setattr(filters, "quality_masks", lambda _: {"blurry": blurry})
    assert rows(loaded, Filters(quality=("blurry", "no such issue"))) == {0, 1, 2}


def test_days_on_which_files_were_changed(loaded: Loaded):
    old = {row for row, path in enumerate(loaded.model.images.paths) if path.startswith("cube/")}
    assert 0 < len(old) < len(loaded)
    assert rows(loaded, Filters(dates="2020-02-29..2020-02-29")) == old
    assert rows(loaded, Filters(dates="2020-03-01..2100-01-01")) == set(range(len(loaded))) - old
    assert rows(loaded, Filters(dates="2020-01-01..2020-02-28")) == set()
    first, last = filters.date_range(loaded)
    assert first == date(2020, 2, 29) < last


def test_images_without_a_date_pass_no_filter_by_date(unlabelled: Loaded):
    assert filters.date_range(unlabelled) is None
    assert not mask(unlabelled, Filters(dates="0001-01-01..9999-12-31")).any()


@pytest.mark.parametrize("text", ["", "2020-02-29", "2020-03-01..2020-02-29", "2020-02-30..2020-03-01", "..", "a..b"])
def test_what_is_no_range_of_days(text: str):
    assert parse_dates(text) is None


def test_images_with_an_issue_of_quality(loaded: Loaded, bare: Loaded):
    issues = loaded.insight("quality").tables["issues"]
    found = filters.quality_masks(loaded)
    assert {name: flags.sum() for name, flags in found.items()} == issues["issue"].value_counts().to_dict()
    assert filters.quality_masks(bare) == {}


def test_labels_are_counted(loaded: Loaded):
    labels = [label for label in loaded.model.images.labels if label is not None]
    assert label_counts(loaded) == {label: labels.count(label) for label in sorted(set(labels))}
