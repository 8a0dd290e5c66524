"""Saving of a converted model: int8 quantisation of rows, reproducible bytes."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from imgsim.coreml.export.convert import import_coremltools, silence
from imgsim.deployment.files import open_to_all
from imgsim.errors import CoreMLError

_DATE = "com.github.apple.coremltools.conversion_date"


def quantize_rows(mlmodel: Any, shape: tuple[int, int]) -> Any:
    """Quantise the matrix of ``shape`` to int8 with one float scale per row.

    Raises
    ------
    CoreMLError
        The model has no such matrix.
    """
    import_coremltools()
    import coremltools.optimize.coreml as cto

    with silence():
        sizes = cto.get_weights_metadata(mlmodel, weight_threshold=0)
        names = [name for name, weight in sizes.items() if tuple(weight.val.shape) == shape]
        if len(names) != 1:
            raise CoreMLError(f"cannot compress: {len(names)} matrices of {shape} instead of one; leave compress out.")
        rows = cto.OpLinearQuantizerConfig(
            mode="linear_symmetric", dtype="int8", granularity="per_channel", weight_threshold=0
        )
        return cto.linear_quantize_weights(mlmodel, cto.OptimizationConfig(op_name_configs={names[0]: rows}))


def write(mlmodel: Any, path: Path, output_shape: tuple[int, ...] | None = None) -> None:
    """Save to ``path`` (``.mlpackage`` or ``.mlmodel``).

    ``output_shape`` is written into the description if coremltools leaves it out (NeuralNetwork).
    """
    if output_shape is not None:
        for output in mlmodel._spec.description.output:
            if output.type.HasField("multiArrayType") and not output.type.multiArrayType.shape:
                output.type.multiArrayType.shape[:] = output_shape
    with silence():
        mlmodel.save(str(path))
    if path.is_dir():
        _name_by_content(path)
    else:
        path.write_bytes(_canonical(path.read_bytes()))
    open_to_all(path)


def _name_by_content(package: Path) -> None:
    """Replace random identifiers by ones from paths and drop the date, so that equal models give equal files."""
    manifest = package / "Manifest.json"
    text = manifest.read_text()
    entries = json.loads(text)["itemInfoEntries"]
    for identifier, entry in entries.items():
        text = text.replace(identifier, str(uuid.uuid5(uuid.NAMESPACE_URL, entry["path"])).upper())
    content = json.loads(text)
    content["itemInfoEntries"] = dict(sorted(content["itemInfoEntries"].items()))
    manifest.write_text(json.dumps(content, indent=4) + "\n")
    root = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
    spec = package / "Data" / root
    spec.write_bytes(_canonical(spec.read_bytes()))


def _canonical(data: bytes) -> bytes:
    from coremltools.proto import Model_pb2

    message = Model_pb2.Model()
    message.ParseFromString(data)
    message.description.metadata.userDefined.pop(_DATE, None)
    return bytes(message.SerializeToString(deterministic=True))
