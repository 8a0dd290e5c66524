"""The ONNX file of a version: made when it is asked for, and how a page in a browser calls it."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from dashboards.views.phone_app.package import keep_zip
from imgsim.mlflow.registry import PREFIX
from imgsim.onnx_model import export_onnx

if TYPE_CHECKING:
    from dashboards.services.models.loaded_model import Loaded
    from imgsim.mlflow.version import Version

PICTURES = 8
"""Pictures that a file is compared with Python by before it is given out."""
CALL = """import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create("NAME.onnx");
const about = await (await fetch("NAME.onnx.references.json")).json();     // ids, labels, test images
const image = new ort.Tensor("uint8", rgb, [height, width, 3]);            // the picture, in its own size
const { distance } = await session.run({ image });                         // the numbers of model.query in Python
const rows = [...distance.data.keys()].sort((a, b) => distance.data[a] - distance.data[b]);
console.log(rows.slice(0, 5).map((row) => about.ids[row]));
"""


def name_of(version: Version) -> str:
    """Return the name of the file, without its suffix."""
    return version.name.removeprefix(PREFIX)


def command(version: Version) -> str:
    """Write the command line that makes the file."""
    name = name_of(version)
    return f"imgsim export {version.uri} {name}.onnx --ids path\n"


def archive(loaded: Loaded, version: Version) -> Path:
    """Zip the file and its side file; made and verified once per content, kept on disk.

    Raises
    ------
    OnnxModelError
        It cannot be made from this version, or disagrees with Python.
    """

    def write(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            target = Path(folder) / f"{name_of(version)}.onnx"
            made = export_onnx(loaded.model.references, target, ids="path", verify=PICTURES)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
                for file in (made.path, made.references):
                    bundle.write(file, f"{name_of(version)}/{file.name}")

    return keep_zip("onnx", loaded.token, write)
