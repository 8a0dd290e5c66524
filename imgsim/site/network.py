"""Network of a site: ONNX Runtime Web and the model as ONNX, with which the browser answers a picture itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ArgumentError
from imgsim.io.paths import expand
from imgsim.onnx_model.export import export_onnx

if TYPE_CHECKING:
    from imgsim.references.references import References

RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
PACKAGE = "onnxruntime-web@1.30.0"


def check_runtime(folder: str | Path) -> Path:
    """Return the path of a folder with ONNX Runtime Web.

    Raises
    ------
    ArgumentError
        A file of it is missing; says where to get them.
    """
    found = expand(folder)
    missing = [name for name in RUNTIME if not (found / name).is_file()]
    if missing:
        raise ArgumentError(
            f"{found} has no {missing[0]}: give the folder `dist` of ONNX Runtime Web, which you get by "
            f"`npm pack {PACKAGE}` and unpacking the file."
        )
    return found


def write_network(references: References, runtime: Path, folder: Path, k: int) -> None:
    """Write the model, which answers with ``k`` rows, and the files of the runtime into a folder."""
    folder.mkdir()
    for name in RUNTIME:
        shutil.copyfile(runtime / name, folder / name)
    export_onnx(references, folder / "model.onnx", outputs="topk", k=k, include_ids=False)
