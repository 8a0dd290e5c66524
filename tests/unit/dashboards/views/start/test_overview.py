"""Figures of the start page."""

import numpy as np

from dashboards.services.decided import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.counts import counts
from dashboards.views.start import overview


def test_the_figures_are_those_of_the_other_pages(loaded: Loaded):
    if loaded.model.evaluation is None:
        loaded.model.evaluate()
    found = overview.overview(loaded)
    groups = loaded.duplicate_group
    assert found.spare == sum(int((groups == group).sum()) - 1 for group in set(groups.tolist()) - {-1})
    assert found.spare > 0
    assert found.doubtful == counts(loaded, decided(loaded))["labels"]
    worst = [precision for _, precision in found.worst]
    assert worst == sorted(loaded.model.evaluation.per_class["precision"])[: overview.WORST]
    assert found.precision == loaded.model.evaluation.metrics[f"precision_at_{found.k}"]


def test_what_is_not_known_is_not_said(bare: Loaded, unlabelled: Loaded):
    assert overview.overview(bare).spare is None
    assert overview.overview(bare).doubtful is None
    assert overview.overview(unlabelled).worst == ()
    assert overview.overview(unlabelled).precision is None


def test_samples_show_many_labels_and_each_image_once(loaded: Loaded):
    rows = overview.samples(loaded)
    assert len(set(rows)) == 6
    assert set(loaded.label_codes[list(rows)]) == set(np.unique(loaded.label_codes))
    assert len(overview.samples(loaded, 10_000)) == len(loaded)
