"""The interface that an MLflow model of imgsim declares: input and output columns, parameters, an example."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from imgsim.arguments import DEFAULT_K
from imgsim.mlflow.pyfunc import OUTPUT_COLUMNS

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from imgsim.model import SimilarityModel


def signature_of(model: SimilarityModel) -> ModelSignature:
    """Return the MLflow signature of `SimilarityPyfunc.predict` for this model."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    id_type = "long" if np.asarray(model.ids).dtype.kind in "iu" else "string"
    inputs = {"image": "string", "path": "string", "id": id_type}
    if model.references.text is not None:
        inputs["text"] = "string"
    found = {"query": "long", "rank": "long", "id": id_type, "distance": "double"}
    outputs = {name: found.get(name, "string") for name in OUTPUT_COLUMNS}
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in inputs.items()]),
        outputs=Schema([ColSpec(kind, name, required=name == "query") for name, kind in outputs.items()]),
        params=ParamSchema(
            [ParamSpec("k", "long", DEFAULT_K), ParamSpec("radius", "double", None), ParamSpec("label", "string", None)]
        ),
    )


def example_of(model: SimilarityModel) -> pd.DataFrame:
    """Make a query that this model can answer: its first thumbnail as base64, else (no picture, no network) its id."""
    thumbnail = None if model.references.onnx is None else model.thumbnails([0])[0]
    if thumbnail is None:
        return pd.DataFrame({"id": np.asarray(model.ids)[:1]})
    return pd.DataFrame({"image": [base64.b64encode(thumbnail).decode("ascii")]})
