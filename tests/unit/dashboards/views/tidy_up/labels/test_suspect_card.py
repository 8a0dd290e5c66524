import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings
from dashboards.services.tidy.findings import Suspect
from dashboards.views.tidy_up.labels.suspect_card import Answer, described, parse


@pytest.mark.parametrize("kind", ["take", "keep", "skip", "details"])
def test_an_answer_about_the_picture_that_is_shown_counts(kind: str):
    assert parse({"kind": kind, "row": 7, "label": "left over"}, 7) == Answer(kind)
    assert parse({"kind": kind, "row": 6}, 7) is None


def test_another_label_is_text_without_space_around():
    assert parse({"kind": "label", "row": 7, "label": " <b>mug</b> "}, 7) == Answer("label", "<b>mug</b>")
    for label in ("  ", 3, None):
        assert parse({"kind": "label", "row": 7, "label": label}, 7) is None


@pytest.mark.parametrize("sent", [None, "take", {}, {"kind": "burn", "row": 7}, {"kind": ["take"], "row": 7}])
def test_anything_else_is_no_answer(sent: object):
    assert parse(sent, 7) is None


def test_the_data_say_what_was_found(loaded: Loaded):
    suspect = findings.suspects(loaded, findings.suspects_table(loaded).head(1))[0]
    sent = described(loaded, suspect, 3, 9, [5])
    assert (sent["row"], sent["label"], sent["suggestion"]) == (suspect.row, suspect.label, suspect.suggestion)
    assert (sent["reviewed"], sent["total"], sent["following"]) == (3, 9, [f"thumbnails/{loaded.token}/5.jpg"])
    assert sent["labels"] == list(loaded.labels)
    odd = Suspect(0, "a\u202eb", None, 0.5, 0, 3, ())
    assert described(loaded, odd, 0, 1, [])["label"] == r"a\u202eb"
