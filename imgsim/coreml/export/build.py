"""Assembly of the ``MLModel`` of coremltools from a model, with checks of its size and of float16 overflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.spec import Backbone
from imgsim.coreml.export.convert import convert, image_input
from imgsim.coreml.export.network import image_bias, image_network, similarity_head
from imgsim.coreml.export.options import ExportOptions
from imgsim.coreml.export.save import quantize_rows
from imgsim.deployment.rows import centered_rows, rounded_rows
from imgsim.errors import CoreMLError

if TYPE_CHECKING:
    from torch import nn

    from imgsim.references.references import References

_LARGEST_SQUARE = 30_000.0  # half of what float16 holds
_BYTES = {"float32": 4, "mixed": 2, "float16": 2}


def build(
    references: References, network: Backbone, options: ExportOptions, names: list[str] | None, max_megabytes: float
) -> Any:
    """Build an ``MLModel`` of coremltools, not saved yet; ``names`` are the classes of ``outputs="classifier"``.

    Raises
    ------
    CoreMLError
        It is too large, values overflow float16, or the network cannot be converted.
    """
    import torch

    module = _module(references, network, options)
    _refuse_size(module, options, max_megabytes)
    spec = network.spec
    picture = image_input((spec.height, spec.width), image_bias(spec))
    classes = names if options.outputs == "classifier" else None
    mlmodel = convert(module, picture, torch.zeros(1, 3, spec.height, spec.width), options, spec.name, classes)
    n, dim = references.embeddings.shape
    return mlmodel if options.compress is None else quantize_rows(mlmodel, (n, dim))


def _module(references: References, network: Backbone, options: ExportOptions) -> nn.Module:
    rows = center = None
    if options.outputs != "features":
        rows, center = centered_rows(references.embeddings, references.projection is not None)
        _refuse_overflow(rows, options)
        rows = rows if options.compress is None else rounded_rows(rows)
    arithmetic = "float16" if options.arithmetic == "float16" else "float32"
    k = min(options.k, len(references))
    return image_network(network, similarity_head(references.projection, rows, center, options.outputs, k, arithmetic))


def _refuse_overflow(rows: NDArray[np.float32], options: ExportOptions) -> None:
    largest = float(np.einsum("nd,nd->n", rows, rows).max())
    if options.arithmetic == "float16" and largest > _LARGEST_SQUARE:
        raise CoreMLError(
            f"squared lengths of the vectors reach {largest:,.0f}, and float16 ends at 65,504: use precision='mixed', "
            "or create the model with a projection, which has unit vectors."
        )


def _refuse_size(module: nn.Module, options: ExportOptions, limit: float) -> None:
    network = sum(p.numel() for p in module.parameters()) * _BYTES[options.arithmetic]
    head = sum(b.numel() for b in module.buffers()) * (2 if options.arithmetic == "float16" else 4)
    size = (network + head * (0.25 if options.compress else 1)) / 1e6
    if size > limit:
        raise CoreMLError(
            f"the package would take {size:,.0f} MB ({network / 1e6:,.0f} MB network, {head / 1e6:,.0f} MB projection "
            f"and references), the limit is {limit:,.0f}: use compress='int8', outputs='features', a smaller "
            "backbone or projection, or raise max_megabytes."
        )
