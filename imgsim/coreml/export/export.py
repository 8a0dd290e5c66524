"""`export_coreml`: network, projection and reference vectors as one Core ML model, verified before it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.backbones.spec import Backbone
from imgsim.coreml.export import save
from imgsim.coreml.export.build import build
from imgsim.coreml.export.convert import import_coremltools
from imgsim.coreml.export.metadata import CROP, describe, made_with
from imgsim.coreml.export.options import ExportOptions, is_program
from imgsim.coreml.export.source import source_network
from imgsim.coreml.export.verify import compare
from imgsim.coreml.runtime.interface import read_feature
from imgsim.deployment.device_export import MAX_MEGABYTES, DeviceExport
from imgsim.deployment.files import open_to_all, size_of
from imgsim.deployment.metadata import common_metadata, default_description
from imgsim.deployment.probes import Probe, reference_probes
from imgsim.deployment.publish import publish, refuse_existing, side_file_of
from imgsim.deployment.reference_ids import app_names, refuse_contradiction
from imgsim.deployment.side_file import GOLDEN, side_file
from imgsim.deployment.verification import FAILED, NOT_VERIFIED, VerificationReport
from imgsim.errors import ArgumentError, CoreMLError
from imgsim.io.paths import absolute

if TYPE_CHECKING:
    from torch import nn

    from imgsim.references.references import References


def export_coreml(
    references: References,
    path: str | Path,
    *,
    outputs: str = "distance",
    k: int = DEFAULT_K,
    precision: str | None = None,
    compress: str | None = None,
    minimum_target: str = "iOS16",
    include_ids: bool = True,
    ids: str | Sequence[Any] | None = None,
    labels: str | Sequence[Any] | None = None,
    author: str = "",
    license: str = "",
    version: str = "",
    description: str = "",
    verify: int = 8,
    overwrite: bool = False,
    backbone: str | nn.Module | Backbone | None = None,
    weights: str | Path | None = None,
    mlflow_run_id: str | None = None,
    max_megabytes: float = MAX_MEGABYTES,
) -> DeviceExport:
    """Write a Core ML model that takes a picture and answers with the distances of `SimilarityModel.query`.

    Preprocessing is inside the model: an app hands over a picture, stretched to the input size (Vision's
    ``scaleFill``). Beside the package lies ``<name>.references.json``: ids, labels and test images with
    their expected answers.

    Parameters
    ----------
    path : str or Path
        ``.mlpackage`` (ML Program) or ``.mlmodel`` (NeuralNetwork, iOS 13 and newer; float32, and imgsim
        cannot run it here, so that it asks for ``verify=0``).
    outputs : {"distance", "topk", "classifier", "features"}
        ``distance`` float32 (n,); ``indices`` int32 and ``distances`` float32 (k,), nearest first; the id
        of the nearest reference as ``nearest`` with all scores ``1 / (1 + distance)`` as
        ``nearest_probs``; or ``features`` float32 (d,), the embedding, for apps that keep references
        themselves.
    k : int
        Neighbours of ``"topk"``, at most n.
    precision : {"mixed", "float16", "float32"}, optional
        Default ``"mixed"``: the network in float16, projection and distances in float32.
    compress : {"int8"}, optional
        Reference rows in 8 bits with a float scale each: a quarter of their size. Needs iOS 16.
    minimum_target : {"iOS15", "iOS16", "iOS17", "iOS18", "iOS26"}
        Oldest system of an ML Program.
    include_ids : bool
        Store ids and labels in the package; without them an app sees row numbers (the classes of a classifier
        are ids in any case).
    ids : str or sequence of n, optional
        Ids of the references in the app: a column of the images (``"path"``) or unique values; default
        ``model.ids``.
    labels : str or sequence of n, optional
        A column of the images or values; default: the images' labels, if they have any.
    author, license, version, description : str
        Shown by Xcode.
    verify : int
        Reference images to compare with Python before the package is written; 0 skips it.
    overwrite : bool
        Replace a package that is there.
    backbone, weights
        The network as given to `create`; needed if it cannot be found by its name.
    mlflow_run_id : str, optional
        Noted in the metadata.
    max_megabytes : float
        A package expected to be larger is refused.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument outside its domain, repeated class names, a path that is taken.
    CoreMLError
        No or another network, too large, too large values for float16, an operation that cannot be
        converted (`UnsupportedOperationError`), or an export that disagrees with Python or cannot be verified.
    MissingExtraError
        coremltools is not installed.
    """
    start = time.perf_counter()
    target = absolute(path)
    options = ExportOptions(outputs, k, precision, compress, minimum_target, is_program(target))
    refuse_existing(target, overwrite)
    if verify:
        arguments.positive_int(verify, "verify")
    _refuse_unverifiable(target, options, verify)
    refuse_contradiction(include_ids, ids, labels)
    network = source_network(references, backbone, weights)
    names, tags = app_names(references, ids, labels, include_ids, classes=outputs == "classifier")
    import_coremltools()
    mlmodel = build(references, network, options, names, max_megabytes)
    about = made_with() | common_metadata(
        references, outputs, options.arithmetic, compress, CROP, names, tags, mlflow_run_id
    )
    describe(mlmodel, about, author, license, version, description or default_description(references, outputs))
    probes = reference_probes(references, max(GOLDEN, verify))
    with publish(target, overwrite) as (package, side):
        save.write(mlmodel, package, None if options.program else _shape(references, options))
        side.write_text(side_file(references, names, tags, probes, about), encoding="utf-8")
        open_to_all(side)
        report = _verified(package, target, references, probes[:verify])
    inputs, answers = _signature(mlmodel)
    n, dim = references.embeddings.shape
    size, seconds = size_of(target), time.perf_counter() - start
    return DeviceExport(target, side_file_of(target), size, inputs, answers, n, dim, seconds, report)


def _refuse_unverifiable(target: Path, options: ExportOptions, verify: int) -> None:
    if verify and not options.program:
        raise ArgumentError(
            f"{target} cannot be verified here, because imgsim runs ML Programs only: write an .mlpackage, or pass "
            "verify=0 and compare its golden images on a device."
        )


def _shape(references: References, options: ExportOptions) -> tuple[int]:
    n, dim = references.embeddings.shape
    return (n,) if options.outputs == "distance" else (dim,)


def _verified(package: Path, target: Path, references: References, probes: Sequence[Probe]) -> VerificationReport:
    if not probes:
        return VerificationReport(NOT_VERIFIED, "verify=0 was asked for.")
    report = compare(package, references, probes)
    if report.status == FAILED:
        raise CoreMLError(
            f"{target} is not written: {report.reason} Try precision='float32'; if it fails there too, report this "
            "network as a bug of imgsim. verify=0 writes it all the same."
        )
    if report.status == NOT_VERIFIED:
        raise CoreMLError(
            f"{target} is not written, because it cannot be verified here: {report.reason} verify=0 writes it all the "
            "same; then compare its golden images on a device."
        )
    return report


def _signature(mlmodel: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Describe inputs and outputs by name, in words."""
    description = mlmodel.get_spec().description
    inputs, outputs = ({item.name: _kind(item) for item in items} for items in (description.input, description.output))
    return inputs, outputs


def _kind(message: Any) -> str:
    """Describe an input or output: ``image 224x224 RGB``, ``float32 [9144]``, ``string``, ``dictionary``."""
    feature = read_feature(message)
    if feature.kind == "image":
        height, width, _ = feature.shape
        return f"image {width}x{height} {feature.color}"
    return f"{feature.dtype} {list(feature.shape)}" if feature.kind == "array" else feature.kind
