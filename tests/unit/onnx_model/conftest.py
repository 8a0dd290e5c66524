"""The tiny model as a network of its own, exported once per kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

import imgsim
from imgsim.deployment import DeviceExport


@pytest.fixture(scope="session")
def exported(
    tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., DeviceExport]:
    """``exported(outputs, compress)``: an export of the tiny model with paths as ids, made once."""
    made: dict[tuple[str, str | None], DeviceExport] = {}

    def export(outputs: str = "distance", compress: str | None = None) -> DeviceExport:
        if (outputs, compress) not in made:
            path: Path = tmp_path_factory.mktemp("onnx") / "Shapes.onnx"
            made[outputs, compress] = tiny_model.export_onnx(
                path, outputs=outputs, k=7, compress=compress, ids="path", mlflow_run_id="r1"
            )
        return made[outputs, compress]

    return export
