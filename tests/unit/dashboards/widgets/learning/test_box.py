from dashboards.services.learning.marks import Marks
from dashboards.widgets.learning.box import agreement_words


def test_the_share_of_marks_in_words():
    found = Marks(labels=3, alike=12, unlike=9, agreement=0.871, taught=False)
    assert agreement_words(found) == "Agrees with **87%** of your marks (12 alike pairs, 9 not alike)."


def test_a_version_that_was_taught_by_marks_is_no_proof():
    assert agreement_words(Marks(0, 1, 1, 1.0, taught=True)).endswith("It has learnt from marks, so this is no proof.")


def test_marks_of_one_kind_ask_for_the_other():
    assert "mark some that are not alike, too" in agreement_words(Marks(0, 1, 0, None, taught=False))
    assert "mark some that are alike, too" in agreement_words(Marks(0, 0, 2, None, taught=False))
    assert agreement_words(Marks(5, 0, 0, None, taught=False)) == ""
