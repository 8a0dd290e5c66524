import numpy as np
import pandas as pd
import pytest

from dashboards.services.decided import Decided, decided, store
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings
from dashboards.services.tidy.label_queue import label_queue, outcome, reviewed


@pytest.fixture
def keys(loaded: Loaded) -> list[str]:
    return loaded.model.images.sha256


def suspects(*votes: tuple[int, int]) -> pd.DataFrame:
    """Suspects with neighbours of the suggested and of their own label; rows 0, 1, ..."""
    table = pd.DataFrame(votes, columns=["votes", "votes_given"])
    return table.assign(row=range(len(table)), probability=0.1, suggestion="mug")


def known(loaded: Loaded, *rows: int) -> Decided:
    for row in rows:
        store().mark(loaded.model.images.sha256[row], "reviewed")
    return decided(loaded)


def test_a_label_or_a_review_settles_a_picture(loaded: Loaded, keys: list[str]):
    alone = [row for row in range(len(loaded)) if keys.count(keys[row]) == 1][:2]
    store().set_label(keys[alone[0]], "mug")
    store().mark(keys[alone[1]], "reviewed")
    assert np.flatnonzero(reviewed(decided(loaded))).tolist() == alone


def test_the_queue_holds_the_doubtful_and_all_if_asked(loaded: Loaded):
    table = suspects((9, 1), (3, 7), (6, 4), (1, 9))
    queue = label_queue(known(loaded), table)
    assert queue.table["row"].tolist() == [0, 2]
    assert queue.beyond == 2
    assert label_queue(known(loaded), table, everything=True).table["row"].tolist() == [0, 1, 2, 3]


def test_as_long_as_a_neighbour_doubts_the_queue_is_not_empty(loaded: Loaded):
    queue = label_queue(known(loaded), suspects((3, 7), (1, 9)))
    assert queue.following()["row"].tolist() == [0, 1]
    assert queue.beyond == 0
    assert len(label_queue(known(loaded), findings.suspects_table(loaded).head(0))) == 0


def test_done_ones_count_and_skipped_ones_come_last(loaded: Loaded, twins):
    rows = [row for row in range(len(loaded)) if row not in twins][:5]
    table = suspects(*[(9, 1)] * 5).assign(row=rows)
    queue = label_queue(known(loaded, rows[1]), table)
    assert (queue.reviewed, len(queue)) == (1, 5)
    assert queue.following()["row"].tolist() == [rows[0], rows[2]]
    assert queue.following([rows[2], rows[0]], most=9)["row"].tolist() == [rows[3], rows[4], rows[2], rows[0]]


def test_the_outcome_tells_what_was_changed(loaded: Loaded, keys: list[str]):
    labels = loaded.model.images.labels
    rows = [row for row in range(len(loaded)) if keys.count(keys[row]) == 1][:4]
    store().set_label(keys[rows[0]], "mug")
    store().set_label(keys[rows[1]], labels[rows[1]])
    queue = label_queue(known(loaded, rows[2]), suspects(*[(9, 1)] * 4).assign(row=rows))
    found = outcome(loaded, decided(loaded), queue)
    assert found.changed == ((labels[rows[0]], "mug", 1),)
    assert (found.count, found.kept) == (1, 2)
