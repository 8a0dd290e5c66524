"""Whatever is asked: an answer, or an error of the library; on the command line, at the flavour and at the model."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app
from imgsim.mlflow.pyfunc import OUTPUT_COLUMNS, SimilarityPyfunc
from tests.memory import bounded_memory
from tests.property.fuzzing import MEMORY, damaged, examples
from tests.zoo.making import jpeg

TEXT = st.text(max_size=20)
PICTURES = damaged(st.just(jpeg()))
ENCODED = PICTURES.map(lambda data: base64.b64encode(data).decode())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=20)
CELLS = (
    SCALARS
    | PICTURES
    | PICTURES.map(lambda data: base64.b64encode(data).decode())
    | st.lists(st.integers(), max_size=2)
)
TABLES = st.dictionaries(st.sampled_from(["image", "path", "id", "other"]), st.lists(CELLS, max_size=3), max_size=2)
OPTIONS = st.dictionaries(st.sampled_from(["k", "radius", "label", "other"]), SCALARS, max_size=3)


@pytest.fixture(scope="module")
def saved(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a folder."""
    tiny_model.save(tmp_path_factory.mktemp("asked") / "m.imgsim")
    return next(tmp_path_factory.getbasetemp().glob("asked*/m.imgsim"))


@pytest.fixture(autouse=True, scope="module")
def _bounded(tiny_model: imgsim.SimilarityModel) -> Iterator[None]:
    tiny_model.query(jpeg())
    with bounded_memory(MEMORY):
        yield


def _frame(columns: dict[str, list[Any]]) -> Any:
    length = max(map(len, columns.values()), default=0)
    filled = {name: (cells + [None] * length)[:length] for name, cells in columns.items()}
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in filled.items()})


@examples(150)
@given(TABLES.map(_frame) | st.lists(CELLS, max_size=3) | SCALARS, OPTIONS)
def test_the_flavour(tiny_model: imgsim.SimilarityModel, data: Any, options: dict[str, Any]) -> None:
    try:
        answer = SimilarityPyfunc(tiny_model).predict(data, options)
    except imgsim.ImgsimError as error:
        assert str(error)
        return
    assert tuple(answer.columns) == OUTPUT_COLUMNS
    answered = answer["error"].isna()
    assert answer.loc[answered, "distance"].astype(float).ge(0).all()
    assert answer.loc[~answered, "error"].map(bool).all()


ARRAYS = st.sampled_from(
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((2, 2, 4), np.float32),
        np.full((1, 8), np.nan, np.float32),
        np.zeros((3,), object),
        np.zeros((2, 8), np.int64),
        np.array([["a", "b"]]),
    ]
)


@examples(150)
@given(CELLS | ARRAYS | st.lists(CELLS, max_size=3), SCALARS, SCALARS)
def test_the_model(tiny_model: imgsim.SimilarityModel, x: Any, k: Any, radius: Any) -> None:
    try:
        answer = tiny_model.query(x, k=k, radius=radius)
    except imgsim.ImgsimError as error:
        assert str(error)
    else:
        assert answer["distance"].ge(0).all()


COMMANDS = st.sampled_from(["load", "query", "graph", "evaluate", "duplicates", "outliers", "report", "nonsense", ""])
WORDS = TEXT | st.sampled_from(
    ["MODEL", "PICTURE", "-k", "0", "-1", "3", "1e9", "nan", "--json", "--radius", "--label", "-o", "/dev/null/x.csv",
     "x.nothing", "--", "--help", "/", "models:/none", "s3://", "file://", "\0", "\udcff"]
)  # fmt: skip


@examples(80)
@given(COMMANDS, st.lists(WORDS, max_size=4))
def test_the_command_line(
    saved: Path, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = next(tiny_images.rglob("*.jpg"))
    places = {"MODEL": str(saved), "PICTURE": str(picture), "/": str(tmp_path)}
    result = CliRunner().invoke(app, [command, *(places.get(word, word) for word in words)])
    assert result.exit_code in (0, 1, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
