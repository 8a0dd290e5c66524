"""The table in, table out interface that MLflow calls."""

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.mlflow.flavor import save_model
from imgsim.mlflow.pyfunc import OUTPUT_COLUMNS, SimilarityPyfunc
from imgsim.mlflow.signature import example_of, signature_of
from tests.text_models import colour_images, colour_model


@pytest.fixture
def served(tiny_model: imgsim.SimilarityModel) -> SimilarityPyfunc:
    return SimilarityPyfunc(tiny_model)


@pytest.fixture
def pictures(tiny_model: imgsim.SimilarityModel) -> list[bytes]:
    return [tiny_model.images.read_bytes(i) for i in range(3)]


def test_base64_bytes_path_and_id_give_the_same_answer(
    served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel, pictures: list[bytes]
) -> None:
    text = [base64.b64encode(data).decode() for data in pictures]
    by_id = served.predict(pd.DataFrame({"id": tiny_model.ids[:3]}), {"k": 5})
    assert list(by_id.columns) == list(OUTPUT_COLUMNS)
    assert by_id["query"].tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert by_id["rank"].tolist() == [1, 2, 3, 4, 5] * 3
    assert by_id["distance"].tolist()[::5] == [0.0] * 3
    assert by_id["error"].isna().all()
    others = [
        pd.DataFrame({"image": pictures}),
        pd.DataFrame({"image": text}),
        pd.DataFrame({"image": [f"data:image/jpeg;base64,{one}" for one in text]}),
        pd.DataFrame({"path": tiny_model.images.locations[:3]}),
        pictures,
        pd.Series(text),
    ]
    for data in others:
        pd.testing.assert_frame_equal(served.predict(data, {"k": 5}), by_id, atol=1e-6)
    pd.testing.assert_frame_equal(served.predict([int(i) for i in tiny_model.ids[:3]], {"k": 5}), by_id)


def test_it_says_which_image_each_neighbour_is(served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel) -> None:
    found = served.predict(pd.DataFrame({"id": tiny_model.ids[3:4]}))
    assert len(found) == 10
    images = tiny_model.images
    where = [list(tiny_model.ids).index(i) for i in found["id"]]
    assert found["path"].tolist() == [images.paths[i] for i in where]
    assert found["label"].tolist() == [images.labels[i] for i in where]


def test_bad_rows_are_rows_with_a_reason(
    served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel, pictures: list[bytes]
) -> None:
    broken = pictures[0][: len(pictures[0]) // 2]
    found = served.predict(pd.DataFrame({"image": ["?!", pictures[1], b"", broken, None, pictures[2]]}), {"k": 2})
    assert found["query"].tolist() == [0, 1, 1, 2, 3, 4, 5, 5]
    bad = found[found["query"].isin([0, 2, 3, 4])]
    assert bad["error"].map(lambda reason: isinstance(reason, str) and len(reason) > 5).all()
    assert bad[["rank", "id", "path", "label", "distance"]].map(lambda cell: cell is None).all(axis=None)
    good = found[found["query"].isin([1, 5])]
    alone = served.predict(pd.DataFrame({"image": [pictures[1], pictures[2]]}), {"k": 2})
    assert good["id"].tolist() == alone["id"].tolist()
    assert good["error"].tolist() == [None] * 4
    json.dumps(found.to_dict(orient="records"), allow_nan=False)  # what the scoring server does


def test_unknown_ids_and_missing_files_are_bad_rows(
    served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    found = served.predict(pd.DataFrame({"id": [int(tiny_model.ids[0]), 10**9]}), {"k": 1})
    assert found["query"].tolist() == [0, 1]
    assert "1000000000" in found["error"][1]
    found = served.predict(pd.DataFrame({"path": [str(tmp_path / "gone.jpg"), 7]}))
    assert found["query"].tolist() == [0, 1]
    assert "gone.jpg" in found["error"][0]


def test_no_rows_give_no_rows(served: SimilarityPyfunc) -> None:
    found = served.predict(pd.DataFrame({"image": []}))
    assert list(found.columns) == list(OUTPUT_COLUMNS)
    assert found.empty


def test_radius_and_label(served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel) -> None:
    ids = pd.DataFrame({"id": tiny_model.ids[:2]})
    near = served.predict(ids, {"k": 40, "radius": 0.0})
    assert near["distance"].tolist() == [0.0] * len(near)
    other = tiny_model.images.labels[-1]
    found = served.predict(ids, {"k": 3, "label": other})
    assert found["label"].tolist() == [other] * 6
    assert found["rank"].tolist() == [1, 2, 3] * 2
    everything = served.predict(ids, {"k": len(tiny_model.ids)})
    wanted = everything[(everything["label"] == other) & (everything["query"] == 0)]
    assert found["id"].tolist()[:3] == wanted["id"].tolist()[:3]


@pytest.mark.parametrize(
    ("data", "params", "why"),
    [
        (pd.DataFrame({"picture": ["x"]}), None, "exactly one of"),
        (pd.DataFrame({"image": ["x"], "id": [1]}), None, "exactly one of"),
        (pd.DataFrame({"id": [0]}), {"k": 0}, "at least 1"),
        (pd.DataFrame({"id": [0]}), {"k": 2.5}, "at least 1"),
        (pd.DataFrame({"id": [0]}), {"radius": -1.0}, "radius"),
        (pd.DataFrame({"id": [0]}), {"label": "no such label"}, "no such label"),
        (pd.DataFrame({"id": [0]}), {"kk": 3}, "kk"),
    ],
)
def test_a_senseless_request_is_an_error(
    served: SimilarityPyfunc, data: pd.DataFrame, params: dict[str, object] | None, why: str
) -> None:
    with pytest.raises(ArgumentError, match=why):
        served.predict(data, params)


def test_wrong_type_is_a_type_error(served: SimilarityPyfunc) -> None:
    with pytest.raises(ArgumentTypeError, match="DataFrame"):
        served.predict(3.5)


def test_a_server_does_not_read_its_own_files(
    served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"path": tiny_model.images.locations[:1]})
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    assert "IMGSIM_ALLOW_PATHS=1" in served.predict(frame)["error"][0]
    monkeypatch.setenv("IMGSIM_ALLOW_PATHS", "1")
    assert len(served.predict(frame)) == 10
    monkeypatch.delenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT")
    monkeypatch.setenv("IMGSIM_ALLOW_PATHS", "0")
    assert "IMGSIM_ALLOW_PATHS=1" in served.predict(frame)["error"][0]


def test_signature_and_example_fit_the_model(served: SimilarityPyfunc, tiny_model: imgsim.SimilarityModel) -> None:
    described = signature_of(tiny_model)
    assert described.inputs.input_names() == ["image", "path", "id"]
    assert described.outputs.input_names() == list(OUTPUT_COLUMNS)
    assert {spec.name: spec.default for spec in described.params.params} == {"k": 10, "radius": None, "label": None}
    found = served.predict(example_of(tiny_model))
    assert found["error"].isna().all()
    assert found["rank"].tolist() == list(range(1, 11))


def test_a_model_of_bare_embeddings_answers_by_id() -> None:
    rng = np.random.default_rng(0)
    model = imgsim.create(embeddings=rng.normal(size=(20, 8)).astype(np.float32), ids=np.arange(100, 120))
    served = SimilarityPyfunc(model)
    assert list(example_of(model).columns) == ["id"]
    found = served.predict(example_of(model), {"k": 3})
    assert found["id"][0] == 100
    assert found["error"].isna().all()


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> imgsim.SimilarityModel:
    base = tmp_path_factory.mktemp("words")
    return colour_model(colour_images(base / "images"), imgsim.FeatureStore(base / "store"))


def test_texts_are_a_column_of_queries(coloured: imgsim.SimilarityModel) -> None:
    found = SimilarityPyfunc(coloured).predict(pd.DataFrame({"text": ["a red car", "", "blue"]}), {"k": 2})
    expected = coloured.query(text=["a red car", "blue"], k=2)
    answered = found[found["error"].isna()]
    assert answered["query"].tolist() == [0, 0, 2, 2]
    assert answered["id"].tolist() == expected["reference_label"].tolist()
    np.testing.assert_allclose(answered["distance"].astype(float), expected["distance"], atol=1e-6)
    assert found["error"].dropna().tolist() == ["the text is empty: write what to look for."]
    limited = SimilarityPyfunc(coloured).predict(pd.DataFrame({"text": ["red"]}), {"k": 9, "label": "blue"})
    assert set(limited["label"]) == {"blue"}


def test_texts_are_declared_where_they_are_understood(
    coloured: imgsim.SimilarityModel, tiny_model: imgsim.SimilarityModel, served: SimilarityPyfunc
) -> None:
    assert "text" in signature_of(coloured).inputs.input_names()
    assert "text" not in signature_of(tiny_model).inputs.input_names()
    with pytest.raises(imgsim.BackboneError, match="no text tower"):
        served.predict(pd.DataFrame({"text": ["red"]}))


def test_the_environment_holds_a_tokenizer_where_texts_are_understood(
    coloured: imgsim.SimilarityModel, tiny_model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    for name, model in {"coloured": coloured, "tiny": tiny_model}.items():
        save_model(model, tmp_path / name)
        wanted = (tmp_path / name / "requirements.txt").read_text()
        assert ("tokenizers==" in wanted) == (model is coloured)
