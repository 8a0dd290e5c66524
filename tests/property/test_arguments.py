"""Whatever is given to a public function: a result, or an error of the library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.insights.registry import INSIGHTS

GARBAGE: dict[str, Any] = {
    "None": None,
    "True": True,
    "-1": -1,
    "0": 0,
    "2**70": 2**70,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "empty text": "",
    "text": "nonsense",
    "null": "a\0b",
    "surrogate": "\udcff",
    "long text": "x" * 5000,
    "colons": "://",
    "bytes": b"\xff\xfe",
    "empty list": [],
    "list of None": [None],
    "list of objects": [object()],
    "ragged": [[1.0], [1.0, 2.0]],
    "nested": [[[1]]],
    "dict": {"a": 1},
    "object": object(),
    "class": dict,
    "function": len,
    "path": Path("/proc/nowhere/at/all"),
    "device": Path("/dev/null"),
    "folder": Path("/proc/self"),
    "floats": np.full((2, 3), 0.5),
    "not finite": np.array([[np.nan, np.inf]], np.float32),
    "huge": np.full((3, 8), 1e30),
    "too large": np.full((3, 8), 1e300),
    "empty array": np.empty((0, 8), np.float32),
    "scalar array": np.array(3),
    "objects": np.array([object(), None]),
    "complex": np.ones((2, 8), complex),
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "unsigned": np.array([2**64 - 1], np.uint64),
    "bools": np.array([True, False]),
    "frame": pd.DataFrame({"a": [1]}),
    "empty frame": pd.DataFrame(),
    "series": pd.Series(["x", None]),
}
Call = Callable[[Any], Any]


@pytest.fixture(scope="module")
def model(tiny_model: imgsim.SimilarityModel, tiny_store: imgsim.FeatureStore) -> imgsim.SimilarityModel:
    return imgsim.create(tiny_model.images[::8], store=tiny_store, backbone="mini", progress=False)


VECTORS = np.random.default_rng(0).random((12, 8), np.float32)


def calls(model: imgsim.SimilarityModel, folder: Path) -> dict[str, Call]:
    """Each public function with one argument to fill in; the others are right."""
    images = model.images
    return {
        "load_images": imgsim.load_images,
        "load_images random": lambda x: imgsim.load_images(folder, random_order=True, seed=x),
        "load_images labels": lambda x: imgsim.load_images(folder, labels=x),
        "load_images options": lambda x: imgsim.load_images(folder, storage_options=x),
        "create": imgsim.create,
        "create vectors": lambda x: imgsim.create(embeddings=x, progress=False),
        "create ids": lambda x: imgsim.create(embeddings=VECTORS, ids=x, progress=False),
        "create k": lambda x: imgsim.create(embeddings=VECTORS, k=x, progress=False),
        "create method": lambda x: imgsim.create(embeddings=VECTORS, method=x, progress=False),
        "create seed": lambda x: imgsim.create(embeddings=VECTORS, seed=x, progress=False),
        "create workers": lambda x: imgsim.create(embeddings=VECTORS, workers=x, progress=False),
        "create backbone": lambda x: imgsim.create(images, backbone=x, progress=False) if x is not None else None,
        "create weights": lambda x: (
            imgsim.create(images, weights=x, backbone="mini", progress=False) if x is not None else None
        ),
        "get_backbone image_size": lambda x: imgsim.get_backbone("timm:test_resnet", "random", image_size=x),
        "get_backbone pooling": lambda x: imgsim.get_backbone("timm:test_resnet", "random", pooling=x),
        "get_backbone resize": lambda x: imgsim.get_backbone("timm:test_resnet", "random", resize=x),
        "get_backbone revision": lambda x: imgsim.get_backbone("timm:test_resnet", "random", revision=x),
        "get_backbone cache_dir": lambda x: imgsim.get_backbone("timm:test_resnet", "random", cache_dir=x),
        "create projection": lambda x: imgsim.create(images, projection=x, backbone="mini", progress=False),
        "create batch_size": lambda x: imgsim.create(images, batch_size=x, backbone="mini", progress=False),
        "create device": lambda x: imgsim.create(images, device=x, backbone="mini", progress=False),
        "create column": lambda x: imgsim.create(images, ids=x, backbone="mini", progress=False),
        "create store": lambda x: imgsim.create(images, store=x, backbone="mini", progress=False),
        "load_model": imgsim.load_model,
        "build_graph": imgsim.build_graph,
        "build_graph k": lambda x: imgsim.build_graph(VECTORS, x),
        "build_graph folder": lambda x: imgsim.build_graph(VECTORS, method="partitioned", folder=x),
        "compare": lambda x: imgsim.compare(model, x),
        "compare sample": lambda x: imgsim.compare(model, model, sample=x),
        "compare seed": lambda x: imgsim.compare(model, model, seed=x),
        "get_backbone": imgsim.get_backbone,
        "FeatureStore": lambda x: imgsim.FeatureStore(x) if x is not None else None,
        "ImageTable": imgsim.ImageTable,
        "ImageTable.load": imgsim.ImageTable.load,
        "images rows": lambda x: images[x],
        "images filter_by": images.filter_by,
        "images column": images.column,
        "images save": images.save,
        "images location": images.location,
        "query": model.query,
        "query k": lambda x: model.query(0, k=x),
        "query radius": lambda x: model.query(0, radius=x),
        "query ids": lambda x: model.query([0, 1], ids=x),
        "query among": lambda x: model.query(0, among=x),
        "embed_pixels": model.embed_pixels,
        "show": model.show,
        "graph k": lambda x: model.similarity_graph(k=x),
        "graph radius": lambda x: model.similarity_graph(radius=x),
        "graph output": lambda x: model.similarity_graph(output=x),
        "graph self": lambda x: model.similarity_graph(include_self_edges=x),
        "graph method": lambda x: model.similarity_graph(method=x),
        "evaluate": model.evaluate,
        "evaluate background": lambda x: model.evaluate(background=x),
        "insight": model.insight,
        **{
            f"insight {name} {param}": lambda x, name=name, param=param: model.insight(name, **{param: x})
            for name, kind in INSIGHTS.items()
            for param in kind.params
            if param != "progress"
        },
        "thumbnails": model.thumbnails,
        "add": lambda x: imgsim.SimilarityModel(model.references).add(x) if x is not None else None,
        "add store": lambda x: model.__copy__().add(images[:1], store=x),
        "remove": lambda x: model.__copy__().remove(x),
        "summary": model.summary,
        "save": lambda x: model.save(x),
        "save overwrite": lambda x: model.save("some.imgsim", overwrite=x),
        "unpack_sample": lambda x: imgsim.unpack_sample(x) if x is not None else None,
        "graph load": imgsim.NeighborGraph.load,
        "evaluation load": imgsim.Evaluation.load,
        "export_coreml": model.export_coreml,
        "export_onnx": model.export_onnx,
    }


@pytest.mark.parametrize("what", GARBAGE)
def test_a_result_or_an_error_of_the_library(
    model: imgsim.SimilarityModel,
    tiny_images: Path,
    shared_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))  # with the features
    monkeypatch.chdir(tmp_path)  # names of files that are written are relative
    raw = []
    for name, call in calls(model, tiny_images).items():
        try:
            call(GARBAGE[what])
        except imgsim.ImgsimError as error:
            if not str(error):
                raw.append(f"{name}: no reason")
        except Exception as error:  # noqa: BLE001
            raw.append(f"{name}: {error!r}")
    assert not raw
