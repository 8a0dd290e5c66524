"""open_clip's networks as torch modules: their half for pictures, their half for texts, and their tokenizer."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.state_dict import not_weights
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.text.clip_tokenizer import clean, clip_tokenizer
from imgsim.backbones.text.fast_tokenizer import padded
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Source:
    """Origin of a network: open_clip's own name for it, its configuration, and its weights."""

    architecture: str
    config: dict[str, Any]
    preprocessing: dict[str, Any]
    weights: Path | None
    origin: str
    licence: str


def make_network(source: Source, options: NetworkOptions) -> Any:
    """Make the whole network in 32 bits on the CPU; weights are read as tensors alone."""
    import torch
    from open_clip import CLIP, CoCa, CustomTextCLIP
    from open_clip.factory import load_checkpoint

    config = json.loads(json.dumps(source.config))
    if options.image_size:
        config["vision_cfg"]["image_size"] = options.image_size
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    hugging_face = "hf_model_name" in config["text_cfg"]
    if hugging_face:
        config["text_cfg"]["hf_model_pretrained"] = False
    custom = config.pop("custom_text", False) or hugging_face
    kind: Any = (CoCa if "multimodal_cfg" in config else CustomTextCLIP) if custom else CLIP
    try:
        with torch.random.fork_rng(devices=[]), _silent():
            torch.manual_seed(0)
            network = kind(**config)
    except Exception as error:
        raise BackboneError(f"open_clip cannot make {source.architecture}: {shorten(error)}.") from error
    if source.weights is not None:
        try:
            with _silent():
                load_checkpoint(network, str(source.weights), strict=True, weights_only=True)
        except Exception as error:
            reason = "it holds something else than tensors" if "weights_only" in str(error) else shorten(error)
            raise not_weights(source.weights, source.architecture, reason) from error
    if options.image_size and hasattr(network.visual, "set_input_size"):  # networks of timm
        network.visual.set_input_size(options.image_size)
    return network.eval()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let open_clip say nothing about weights that are loaded afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def image_module(network: Any) -> nn.Module:
    """Return a module from normalised pixels (n, 3, h, w) to vectors (n, dim), not normalised."""
    from torch import Tensor, nn

    class ImageTower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visual = network.visual

        def forward(self, x: Tensor) -> Tensor:
            found: Any = self.visual(x)
            vector: Tensor = found[0] if isinstance(found, tuple) else found
            return vector

    return ImageTower().eval()


def text_module(network: Any) -> nn.Module:
    """Return a module from tokens (n, context) to vectors (n, dim), not normalised."""
    from torch import Tensor, nn

    class TextHalf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            network.visual = None
            self.network = network

        def forward(self, ids: Tensor) -> Tensor:
            vector: Tensor = self.network.encode_text(ids, normalize=False)
            return vector

    return TextHalf().eval()


def make_tokenizer(source: Source, options: NetworkOptions) -> tuple[str, Callable[[str], list[int]]]:
    """Return the tokenizer as JSON, and open_clip's own as a function of a text."""
    import open_clip

    try:
        own = open_clip.get_tokenizer(source.architecture, cache_dir=options.cache_dir and str(options.cache_dir))
    except Exception as error:
        raise BackboneError(f"the tokenizer of {source.architecture} is not there: {shorten(error)}.") from error

    def ids_of(text: str) -> list[int]:
        found: list[int] = own([text])[0].tolist()
        return found

    context = int(source.config["text_cfg"].get("context_length", 77))
    cleaning = source.config["text_cfg"].get("tokenizer_kwargs", {}).get("clean")
    if hasattr(own, "bpe_ranks"):
        merges = sorted(own.bpe_ranks, key=own.bpe_ranks.get)
        return clip_tokenizer(own.encoder, merges, context, cleaning or "lower"), ids_of
    cleaning = cleaning or ("canonicalize" if type(own).__name__ == "SigLipTokenizer" else "whitespace")
    return padded(own.tokenizer, context, clean(cleaning)), ids_of
