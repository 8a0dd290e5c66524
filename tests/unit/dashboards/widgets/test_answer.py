from dashboards.services.search import Hit, Results
from dashboards.widgets.answer import summary

HITS = [Hit(4, 1, 0.1, True, None), Hit(7, 2, 0.2, False, None), Hit(9, 3, 0.3, None, None)]


def test_one_line_about_an_answer():
    text = summary(Results(HITS, 0.00123, 1234, 0), "a*b")
    assert text == "**3** nearest of 1,234 · **1** labelled a\\*b like the query · 1.2 ms"


def test_without_label_and_with_folded_duplicates():
    assert (
        summary(Results(HITS[:1], 0.5, 10, 2), None) == "**1** nearest of 10 · 2 near-duplicates collapsed · 500.0 ms"
    )


def test_nothing_found():
    assert summary(Results([], 0.001, 0, 0), "cube") == "**0** nearest of 0 · 1.0 ms"
