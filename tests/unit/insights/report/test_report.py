import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

import imgsim
from imgsim import schema
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.insights.compute import compute
from imgsim.insights.registry import INSIGHTS
from imgsim.insights.report import sections
from imgsim.insights.report.html import BIG, STYLE
from imgsim.insights.report.report import FILE, Report, render_report
from imgsim.references.insight import Insight
from imgsim.references.references import References

VOID = {"meta", "img", "wbr"}


class Balanced(HTMLParser):
    """Collects addresses and identifiers; fails on tags that are not closed in order."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open, self.addresses, self.ids, self.tags = [], [], [], set()
        self.feed(document)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def model(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "m"
    tiny_model.save(folder)
    loaded = imgsim.load_model(folder)
    compute(loaded.references)
    return loaded


def test_a_page_that_needs_nothing_but_itself(model):
    document = render_report(model.references, "tiny").html
    page = Balanced(document)
    sections = ["duplicates", "label_errors", "leaks", "outliers", "quality", "clusters", "map", "graph", "rejected"]
    assert page.ids == sections
    assert [name for name in page.addresses if name.startswith("#")] == [f"#{name}" for name in sections]
    assert all(name.startswith(("#", "data:image/")) for name in page.addresses)
    assert not {"script", "link", "iframe"} & page.tags
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "\x00" not in document
    assert document == render_report(model.references, "tiny").html, "the same model gives the same page"


def test_names_are_text_and_never_markup(model, tmp_path):
    nasty = '<script>alert("x")</script>\x003\x00 & é漢'
    table = model.images.table
    labels = pa.array([f"<b>{label}" for label in model.images.labels])
    paths = pa.array([f"{number}{nasty}" for number in range(len(model))])
    for name, column in {"label": labels, "path": paths}.items():
        table = table.set_column(table.column_names.index(name), schema.IMAGES.field(name), column)
    rejected = [{"path": nasty, "stage": "decode", "reason": "<img src=x onerror=alert(1)>"}]
    images = ImageTable(table, rejected)
    vectors = Embeddings(model.embeddings, model.projection)
    other = References(
        images,
        vectors,
        model.graph,
        model.ids,
        model.backbone,
        thumbnails=model.references.thumbnail_source,
        evaluation=model.evaluation,
    )
    compute(other)
    document = render_report(other, "<i>title</i>").html
    Balanced(document)
    assert "<script" not in document
    assert "<b>s" not in document
    assert "onerror=alert(1)&gt;" in document
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/<wbr>script&gt;" in document, "paths are shown, as text"
    render_report(other, "again").save(tmp_path)
    assert Report.load(tmp_path).digest == render_report(other, "again").digest


def test_doubtful_labels_are_shown_where_none_is_likely_wrong(model):
    table = model.insight("label_errors").tables["images"]
    for probability, lead, first in ((0.2, "None is more likely wrong than right", 3), (0.9, "The surest 20", 20)):
        insight = Insight(
            "label_errors",
            INSIGHTS["label_errors"].tables,
            {"images": table.assign(probability=probability)},
            {"expected_errors": 1.2},
        )
        section = sections.label_errors(model.references, insight)
        assert lead in section.lead
        assert "About 1 label in all" in section.lead
        assert section.body.count("bad first") == first
        assert section.count == ("0" if first == 3 else f"{len(table):,}")


def test_what_is_not_carried_has_no_section(model):
    bare = imgsim.create(embeddings=np.asarray(model.embeddings), progress=False)
    bare.insight("outliers")
    page = Balanced(render_report(bare.references, "vectors").html)
    assert page.ids == ["outliers", "graph", "rejected"]
    assert "img" not in page.tags
    assert bare.evaluation is not None


def test_big_thumbnails_are_made_smaller(model, rng):
    from io import BytesIO

    from PIL import Image

    noise = BytesIO()
    Image.fromarray(rng.integers(0, 256, (160, 160, 3), np.uint8)).save(noise, "JPEG", quality=95)
    assert len(noise.getvalue()) > BIG
    loud = References(
        model.images,
        Embeddings(model.embeddings, model.projection),
        model.graph,
        model.ids,
        model.backbone,
        thumbnails=lambda keys: [noise.getvalue()] * len(keys),
        insights=model.insights,
    )
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", render_report(loud, "loud").html)
    assert pictures
    assert max(map(len, pictures)) < len(noise.getvalue()) * 4 / 3 / 2


def test_a_page_of_the_worst_case_stays_small():
    tiers = len(sections.TIERS)
    duplicates = tiers * sections.GROUPS * sections.MEMBERS
    errors = sections.ERRORS * (1 + sections.VOTERS)
    rest = 2 * sections.TILES + (len(sections.ISSUES) + 1) * sections.FEW
    pictures = duplicates + errors + rest + 2 * sections.GROUPS
    assert pictures * BIG * 4 / 3 < 6e6


def test_a_missing_page_is_named(tmp_path):
    with pytest.raises(imgsim.ModelFormatError, match=FILE):
        Report.load(tmp_path)
