"""What `save` writes, `load_model` reads, and it is the same; what cannot be read again is refused before."""

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import imgsim
from imgsim import schema
from imgsim.creation import create
from imgsim.evaluation import Evaluation
from imgsim.images.table import ImageTable
from imgsim.io import untrusted
from imgsim.references import ids as id_rules
from imgsim.references import thumbnails as thumbnail_file
from imgsim.references.references import References

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LONG = st.integers(1, 5000).map(lambda length: "ü/" * length)
IDS = TEXT.filter(lambda text: not text.endswith("\0"))
VALUES = st.floats(-(2.0**58), 2.0**58, width=32)
METRICS = st.dictionaries(TEXT, st.floats(), max_size=4)


def jpeg(number: int) -> bytes:
    data = BytesIO()
    Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(data, "JPEG")
    return data.getvalue()


def table(draw: Any, n: int) -> ImageTable:
    """Images with any text and number that a column can hold."""
    of = {
        "id": draw(st.lists(INT64, min_size=n, max_size=n, unique=True)),
        "path": draw(st.lists(TEXT | LONG, min_size=n, max_size=n, unique=True)),
        "label": draw(st.lists(st.none() | TEXT | LONG, min_size=n, max_size=n)),
        "sha256": [f"{draw(st.integers(0, 3)):064x}" for _ in range(n)],
        "bytes": draw(st.lists(INT64, min_size=n, max_size=n)),
        "mtime": draw(st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=n, max_size=n)),
        "split": draw(st.lists(st.none() | TEXT, min_size=n, max_size=n)),
    }
    fixed = {"width": [0] * n, "height": [2**31 - 1] * n, "format": ["JPEG"] * n, "orientation": [1] * n}
    rejected = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(schema.REJECTED.names, TEXT)), max_size=3))
    return ImageTable(
        pa.table({**of, **fixed} | {"mtime": pa.array(of["mtime"], schema.IMAGES.field("mtime").type)}), rejected
    )


@st.composite
def models(draw: Any) -> imgsim.SimilarityModel:
    n = draw(st.integers(1, 7))
    matrix = draw(arrays(np.float32, (n, draw(st.integers(1, 5))), elements=VALUES))
    ids = draw(
        st.none()
        | st.lists(INT64, min_size=n, max_size=n, unique=True)
        | st.lists(IDS, min_size=n, max_size=n, unique=True)
    )
    made = create(embeddings=matrix, ids=ids, k=draw(st.integers(1, 9)), progress=False).references
    images = table(draw, n)
    references = References(
        images,
        made._embeddings,
        made.graph,
        images.ids if ids is None else made.ids,
        made.backbone,
        thumbnails=lambda keys: [None if key.endswith("0") else jpeg(int(key, 16)) for key in keys],
        evaluation=draw(
            st.none()
            | METRICS.map(lambda metrics: Evaluation(metrics, pd.DataFrame({"label": pd.Series(dtype="str")}), 3))
        ),
    )
    model = imgsim.SimilarityModel(references)
    if draw(st.booleans()):
        model.insight("outliers")
    return model


@settings(deadline=None, max_examples=60, phases=[Phase.generate])
@given(models())
def test_a_model_comes_back(model: imgsim.SimilarityModel) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "m")
        loaded = imgsim.load_model(Path(folder) / "m")
        assert (loaded.digest, loaded.revision) == (model.digest, model.revision)
        assert (loaded.ids.tolist(), loaded.graph.wanted) == (model.ids.tolist(), model.graph.wanted)
        assert np.array_equal(loaded.embeddings, model.embeddings)
        assert loaded.images.table.equals(model.images.table)
        pd.testing.assert_frame_equal(loaded.rejected, model.rejected)
        assert loaded.thumbnails(range(len(model))) == model.thumbnails(range(len(model)))
        pd.testing.assert_frame_equal(loaded.similarity_graph(k=None), model.similarity_graph(k=None))
        assert (loaded.evaluation is None) == (model.evaluation is None)
        if model.evaluation is not None:
            assert loaded.evaluation.metrics == pytest.approx(model.evaluation.metrics, nan_ok=True)
        for name, insight in model.insights.items():
            assert loaded.insights[name].metrics == pytest.approx(insight.metrics, nan_ok=True, abs=1e-6)
            pd.testing.assert_frame_equal(loaded.insights[name].tables["images"], insight.tables["images"])


def vector_model(**options: Any) -> imgsim.SimilarityModel:
    return imgsim.create(embeddings=np.random.default_rng(0).random((40, 3)), progress=False, **options)


class TestLimits:
    def test_many_ids_lie_in_a_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many there are, the manifest stays within what a reader takes."""
        model = vector_model(ids=[f"{number:080}" for number in range(40)])
        model.save(tmp_path / "m")
        monkeypatch.setattr(untrusted, "MAX_JSON", (tmp_path / "m" / "manifest.json").stat().st_size)
        vector_model(ids=[f"{number:0800}" for number in range(40)]).save(tmp_path / "longer")
        assert (tmp_path / "longer" / "manifest.json").stat().st_size < untrusted.MAX_JSON + 9
        monkeypatch.undo()
        assert imgsim.load_model(tmp_path / "m").ids.tolist() == model.ids.tolist()

    def test_ids_that_no_reader_takes_are_refused_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(id_rules, "MAX_ID_CHARACTERS", 400)
        vector_model(ids=[f"{number:010}" for number in range(40)])
        with pytest.raises(imgsim.ArgumentError, match="at most 400"):
            vector_model(ids=[f"{number:011}" for number in range(40)])

    @pytest.mark.parametrize("ids", [["a\0"], ["\udcff"], [2**63], [-(2**63) - 1], [1.5], [True], [None], "abc"])
    def test_ids_that_cannot_be_stored(self, ids: Any) -> None:
        with pytest.raises((imgsim.ArgumentError, imgsim.ArgumentTypeError)):
            imgsim.create(embeddings=np.ones((1, 3)), ids=ids, progress=False)

    def test_a_table_that_packs_well_is_no_trap(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(untrusted, "FLOOR", 0)
        monkeypatch.setattr(untrusted, "EXPANSION", 4)
        reason = "the same long reason for every one of them " * 5
        rejected = [{"path": f"{number}.jpg", "stage": "list", "reason": reason} for number in range(3000)]
        references = vector_model().references
        references.images = references.images.with_rejected(rejected)
        imgsim.SimilarityModel(references).save(tmp_path / "m")
        assert len(imgsim.load_model(tmp_path / "m").rejected) == 3000

    def test_thumbnails_are_read_by_the_few(
        self, tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No table of all of them is made in memory, whose size 32-bit offsets would limit."""
        monkeypatch.setattr(thumbnail_file, "GROUP_ROWS", 8)
        monkeypatch.setattr(thumbnail_file, "_BLOCK", 16)
        tiny_model.save(tmp_path / "m")
        loaded, read = imgsim.load_model(tmp_path / "m"), []
        whole = untrusted.BoundedParquet.read

        def counted(self: Any, groups: Any = None, columns: Any = None) -> pa.Table:
            found = whole(self, groups, columns)
            read.append((columns, len(found)))
            return found

        monkeypatch.setattr(untrusted.BoundedParquet, "read", counted)
        assert loaded.thumbnails([5]) == tiny_model.thumbnails([5])
        keys, group = read
        assert keys == (["sha256"], len(set(tiny_model.images.sha256)))
        assert group[0] == ["thumbnail"]
        assert 1 <= group[1] <= 8
        assert loaded.thumbnails(range(40)) == tiny_model.thumbnails(range(40))

    @pytest.mark.parametrize("size", [1e19, 1e30, 1e300])
    def test_vectors_whose_distances_would_be_infinite(self, size: float) -> None:
        for use in (lambda x: imgsim.create(embeddings=x, progress=False), imgsim.build_graph, vector_model().query):
            with pytest.raises(imgsim.ImgsimError, match=r"too large|infinity"):
                use(np.full((4, 3), size))
