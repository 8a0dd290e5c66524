"""Torch module of a network of timm: its weights loaded and checked, its features pooled."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.pooling import no_class_token, pool_map, pool_tokens
from imgsim.backbones.libraries.state_dict import not_weights, read_state
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class TimmNetwork:
    """A network of timm: ``config`` is its pretrained configuration, ``arguments`` go to its constructor.

    ``size`` is the input (height, width), ``resized`` tells if it is not the network's own. ``called`` is its name in
    messages. Without a file of ``weights`` they are seeded random numbers.
    """

    architecture: str
    tag: str
    config: dict[str, Any]
    arguments: dict[str, Any]
    size: tuple[int, int]
    resized: bool
    pooling: str
    called: str = ""
    weights: Path | None = None


def build(network: TimmNetwork) -> nn.Module:
    """Return the module: normalised (n, 3, h, w) to features (n, dim).

    Raises
    ------
    BackboneError
        The weights do not fit, or the network has no such input size or pooling.
    """
    import torch

    state = None if network.weights is None else read_state(network.weights, network.called)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = _create(network, state)
    return _running(pooled(module.eval(), network.pooling, network.called), network)


def _running(module: nn.Module, network: TimmNetwork) -> nn.Module:
    """Return the module once it has taken a picture of the input's size."""
    import torch

    try:
        with torch.inference_mode():
            module(torch.zeros(1, 3, *network.size))
    except BackboneError:
        raise
    except Exception as error:
        raise _no_such_size(network, error) from error
    return module


def _no_such_size(network: TimmNetwork, error: Exception) -> BackboneError:
    height, width = network.size
    return BackboneError(
        f"{network.called} cannot take pictures of {height} x {width} pixels: {shorten(error)}. Another image_size may "
        "fit."
    )


def _create(network: TimmNetwork, state: dict[str, Tensor] | None) -> nn.Module:
    import timm

    arguments = dict(network.arguments)
    if network.resized and network.config.get("fixed_input_size"):
        arguments["img_size"] = network.size
    name = ".".join(part for part in (network.architecture, network.tag) if part)
    with _problems() as problems:
        try:
            module: nn.Module = timm.create_model(
                name,
                pretrained=state is not None,
                pretrained_cfg_overlay=_overlay(network.config, state),
                num_classes=0,
                **arguments,
            )
        except Exception as error:
            if state is not None and network.weights is not None and "load" in str(error):
                raise not_weights(network.weights, network.called, shorten(error)) from error
            raise _no_such_size(network, error) from error
    if problems and network.weights is not None:
        raise not_weights(network.weights, network.called, problems[0])
    return module


def _overlay(config: dict[str, Any], state: dict[str, Tensor] | None) -> dict[str, Any]:
    """Return what replaces timm's own configuration: weights as they were read, from no other source."""
    from dataclasses import fields

    from timm.models import PretrainedCfg

    known = {field.name for field in fields(PretrainedCfg)}
    return {key: value for key, value in config.items() if key in known} | {"state_dict": state, "source": ""}


@contextmanager
def _problems() -> Iterator[list[str]]:
    """Collect what timm logs about weights that are missing or of no use."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if text.startswith(("Missing keys", "Unexpected keys")):
                found.append(shorten(Exception(text.partition(" This ")[0]), 160))

    logger = logging.getLogger("timm.models._builder")
    collector, level, propagate = Collector(), logger.level, logger.propagate
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        logger.setLevel(level)
        logger.propagate = propagate


def pooled(module: nn.Module, pooling: str, name: str) -> nn.Module:
    """Return ``module`` as it is for ``"model"``, else one around it that pools its last map or tokens.

    Raises
    ------
    BackboneError
        The network has no class token, or no tokens that can be told apart.
    """
    if pooling == "model":
        return module
    from torch import nn

    network: Any = module
    prefix = getattr(network, "num_prefix_tokens", None)
    if pooling == "cls" and (not prefix or getattr(network, "cls_token", None) is None):
        raise no_class_token(name)
    last = getattr(network, "output_fmt", "NCHW") == "NHWC"
    norm = getattr(network, "fc_norm", None) or nn.Identity()

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Tensor) -> Tensor:
            y: Any = self.network.forward_features(x)
            if y.ndim == 4:
                return pool_map(y.permute(0, 3, 1, 2) if last else y, pooling, name)
            if y.ndim != 3 or prefix is None:
                raise BackboneError(f"{name} has neither a feature map nor tokens: use pooling='model'.")
            pooled_tokens: Tensor = norm(pool_tokens(y, pooling, prefix))
            return pooled_tokens

    return Pooled().eval()
