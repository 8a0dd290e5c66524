"""`export_onnx`: resize, network, projection and reference vectors as one ONNX file, verified before it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.deployment.device_export import MAX_MEGABYTES, DeviceExport
from imgsim.deployment.files import open_to_all
from imgsim.deployment.metadata import common_metadata, default_description
from imgsim.deployment.probes import Probe, reference_probes
from imgsim.deployment.publish import publish, refuse_existing, side_file_of
from imgsim.deployment.reference_ids import app_names, refuse_contradiction
from imgsim.deployment.side_file import GOLDEN, side_file
from imgsim.deployment.verification import FAILED, NOT_VERIFIED, VerificationReport
from imgsim.errors import OnnxModelError
from imgsim.io.paths import absolute
from imgsim.onnx_model.build import build
from imgsim.onnx_model.loaded_model import OnnxModel
from imgsim.onnx_model.options import OnnxOptions, check_path
from imgsim.onnx_model.verification import compare, largest_side

if TYPE_CHECKING:
    from onnx import ModelProto

    from imgsim.references.references import References

INSIDE, STRETCH, CENTER = "inside", "scaleFill", "centerCrop"
"""Who resizes pictures: the model, or the app, by the names that Apple's Vision gave these."""


def export_onnx(
    references: References,
    path: str | Path,
    *,
    outputs: str = "distance",
    k: int = DEFAULT_K,
    compress: str | None = None,
    any_size: bool = True,
    include_ids: bool = True,
    ids: str | Sequence[Any] | None = None,
    labels: str | Sequence[Any] | None = None,
    description: str = "",
    verify: int = 8,
    overwrite: bool = False,
    mlflow_run_id: str | None = None,
    max_megabytes: float = MAX_MEGABYTES,
) -> DeviceExport:
    """Write an ONNX file that takes a picture and answers with the distances of `SimilarityModel.query`.

    The file takes an RGB picture as uint8 (height, width, 3). It resizes it as Python does, to the bit, and holds the
    network that Python runs; all is in float32. Operators are ONNX's own, of the operator set of the network (at least
    13). Beside it lies ``<name>.onnx.references.json``: ids, labels and test images with their expected answers, as for
    Core ML.

    Parameters
    ----------
    path : str or Path
        Ends in ``.onnx``.
    outputs : {"distance", "topk", "features"}
        ``distance`` float32 (n,); ``indices`` int32 and ``distances`` float32 (k,), nearest first; or ``features``
        float32 (d,), the embedding, for apps that keep references themselves.
    k : int
        Neighbours of ``"topk"``, at most n.
    compress : {"int8"}, optional
        Reference rows in 8 bits with a float scale each: a quarter of their size.
    any_size : bool
        Take pictures of any size. Otherwise the input has the network's size, which accelerators prefer, and the app
        resizes.
    include_ids : bool
        Store ids and labels in the file; without them an app sees row numbers.
    ids : str or sequence of n, optional
        Ids of the references in the app: a column of the images (``"path"``) or unique values; default
        ``model.ids``.
    labels : str or sequence of n, optional
        A column of the images or values; default: the images' labels, if they have any.
    description : str
        One sentence; default: network and number of references.
    verify : int
        Reference images to compare with Python before the file is written; 0 skips it.
    overwrite : bool
        Replace a file that is there.
    mlflow_run_id : str, optional
        Noted in the metadata.
    max_megabytes : float
        A file expected to be larger is refused.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument outside its domain, repeated ids, a path that is taken.
    OnnxModelError
        No network, too large, resizing that ONNX does not have, or a file that disagrees with Python.
    """
    start = time.perf_counter()
    target = absolute(path)
    check_path(target)
    options = OnnxOptions(outputs, k, compress, any_size)
    refuse_existing(target, overwrite)
    if verify:
        arguments.positive_int(verify, "verify")
    refuse_contradiction(include_ids, ids, labels)
    names, tags = app_names(references, ids, labels, include_ids)
    model = build(references, options, max_megabytes)
    about = _about(references, options, names, tags, mlflow_run_id)
    _describe(model, about, description or default_description(references, outputs))
    largest = largest_side(references.backbone)
    probes = reference_probes(references, max(GOLDEN, verify), largest=largest)
    with publish(target, overwrite) as (file, side):
        file.write_bytes(model.SerializeToString(deterministic=True))
        side.write_text(side_file(references, names, tags, probes, about, any_size=any_size), encoding="utf-8")
        for item in (file, side):
            open_to_all(item)
        report = _verified(file, target, references, probes[:verify])
        written = OnnxModel(file)
    n, dim = references.embeddings.shape
    size, seconds = target.stat().st_size, time.perf_counter() - start
    return DeviceExport(target, side_file_of(target), size, written.inputs, written.outputs, n, dim, seconds, report)


def _about(
    references: References,
    options: OnnxOptions,
    names: Sequence[str] | None,
    tags: Sequence[str] | None,
    mlflow_run_id: str | None,
) -> dict[str, str]:
    """Return the metadata, with the versions of the libraries that made the file."""
    resized = CENTER if references.backbone.crop_from else STRETCH
    crop = INSIDE if options.any_size else resized
    made_with = {f"imgsim.{name}": version(name) for name in ("onnx", "onnxruntime")}
    return made_with | common_metadata(
        references, options.outputs, "float32", options.compress, crop, names, tags, mlflow_run_id
    )


def _describe(model: ModelProto, about: dict[str, str], description: str) -> None:
    model.doc_string = description
    model.ClearField("metadata_props")
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value)


def _verified(file: Path, target: Path, references: References, probes: Sequence[Probe]) -> VerificationReport:
    if not probes:
        return VerificationReport(NOT_VERIFIED, "verify=0 was asked for.")
    report = compare(file, references, probes)
    if report.status == FAILED:
        raise OnnxModelError(
            f"{target} is not written: {report.reason} Report this network as a bug of imgsim. verify=0 writes it all "
            "the same."
        )
    return report
