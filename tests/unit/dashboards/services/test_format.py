import pytest

from dashboards.services.format import counted, size_of, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("flower/flower_01.jpg", "flower/flower_01.jpg"),
        ("Größe 花.jpg", "Größe 花.jpg"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff.jpg", "\\udcff.jpg"),
        ("<b>", "<b>"),
        (12, "12"),
    ],
)
def test_nothing_hides_in_a_name(text: object, shown: str):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_240_000, "9.2 MB"), (123_400_000, "123 MB"), (5e12, "5000 GB")],
)
def test_bytes_in_words(count: float, words: str):
    assert size_of(count) == words


def test_counts_with_their_unit():
    assert counted(1, "group") == "1 group"
    assert counted(2000, "copy", "copies", mark="**") == "**2,000** copies"
