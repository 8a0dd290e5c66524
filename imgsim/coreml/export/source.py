"""Search for the torch network of a model's features, which the conversion needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.get import get_backbone, is_data
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.errors import BackboneError, CoreMLError

if TYPE_CHECKING:
    from torch import nn

    from imgsim.references.references import References


def source_network(
    references: References, backbone: str | nn.Module | Backbone | None, weights: str | Path | None
) -> Backbone:
    """Return the network given, else the one that the model was created with in this process, else that of its name.

    Raises
    ------
    CoreMLError
        The model has no network, or the network found has another fingerprint.
    """
    spec = references.backbone
    if not spec.height:
        raise CoreMLError(
            "this model was made from vectors and has no network to export. Create it from images; or convert your own "
            "network and keep the vectors in the app."
        )
    if backbone is None and weights is None and references.network is not None:
        return _in_torch(references.network)
    if weights is None and backbone is None and spec.weights.startswith("random"):
        weights = "random"
    if backbone is None and not is_data(spec.name):  # importing a module runs it: only on the user's own word
        raise CoreMLError(
            f"the model's network is called {spec.name!r}; pass it as backbone= if you trust the code it names."
        )
    try:
        found = get_backbone(spec.name if backbone is None else backbone, weights, **_options(spec, backbone))
    except BackboneError as error:
        raise CoreMLError(
            f"the model's network {spec.name!r} (weights: {spec.weights}) is not known here: {error} Pass it "
            "as backbone= and weights=, as to create()."
        ) from error
    if _in_torch(found).spec.network != spec.network:
        raise CoreMLError(
            f"the network found is not the one of the model's features: the model was made with {spec.name}, weights: "
            f"{spec.weights} ({spec.network}); found was {found.spec.name}, weights: {found.spec.weights} "
            f"({found.spec.network}). Pass the same backbone= and weights= as to create()."
        )
    return found


def _in_torch(network: Backbone) -> Backbone:
    if network.write_onnx is not None:
        raise CoreMLError(
            f"Core ML needs a torch network, and {network.spec.name} is an ONNX file: create the model with the torch "
            "form of that network."
        )
    return network


def _options(spec: BackboneSpec, backbone: object) -> dict[str, Any]:
    """Return the options that a named network was loaded with, as far as it has options."""
    name = spec.name if backbone is None else backbone
    if not isinstance(name, str) or not is_data(name) or name == "mini":
        return {}
    return {
        "image_size": spec.height,
        "pooling": spec.pooling,
        "resize": "model" if spec.crop_from else "stretch",
        "revision": spec.revision or None,
    }
