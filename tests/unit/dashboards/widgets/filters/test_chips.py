from dashboards.state import View
from dashboards.widgets.filters.chips import chips

ALL = ("labels", "path", "tags", "clusters", "reviewed", "quality", "sizes", "dates")
VIEW = View(
    labels=("cat", "<b>"),
    path="holiday",
    tags=("later",),
    clusters=("owls",),
    reviewed="no",
    quality=("blurry",),
    sizes=("tiny",),
    dates="2020-02-01..2020-02-29",
)


def test_each_filter_that_is_on_is_said_in_words():
    assert chips(VIEW, ALL) == [
        ("label", "cat", "cat"),
        ("label", "<b>", "<b>"),
        ("path", "holiday", "path with holiday"),
        ("tag", "later", "tag later"),
        ("cluster", "owls", "cluster owls"),
        ("reviewed", "no", "not reviewed"),
        ("quality", "blurry", "blurry"),
        ("pixels", "tiny", "below 0.05 megapixels"),
        ("date", "2020-02-01..2020-02-29", "changed 2020-02-01 to 2020-02-29"),
    ]
    assert chips(View(), ALL) == []


def test_only_filters_that_act_on_the_page_are_said():
    assert [parameter for parameter, _, _ in chips(VIEW, ("path", "k"))] == ["path"]
