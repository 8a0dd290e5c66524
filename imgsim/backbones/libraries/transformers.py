"""Networks of the library transformers as backbones: ``transformers:ID[@revision]`` or ``transformers:FOLDER``.

Plain vision networks (DINOv2, ViT, ConvNeXt ...) give one vector a picture. Of networks for pictures and texts (CLIP,
SigLIP, SigLIP 2 of fixed resolution) it is the one that they compare with texts, and their text tower comes with it.
No code of a repository is run.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.hub import HUB, LOCAL, content_digest, find_file, network_folder
from imgsim.backbones.libraries.huggingface.input import input_settings
from imgsim.backbones.libraries.licences import warn_unless_free
from imgsim.backbones.libraries.model_card import CARD, card_licence
from imgsim.backbones.libraries.state_dict import not_weights, read_state
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import Backbone, make_spec
from imgsim.backbones.text.fast_tokenizer import padded
from imgsim.backbones.text.tower import TextTower
from imgsim.distribution import install_command
from imgsim.errors import BackboneError, MissingExtraError
from imgsim.io.error_text import shorten
from imgsim.io.paths import expand

if TYPE_CHECKING:
    from torch import nn

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
PREPROCESSING = ("preprocessor_config.json", "processor_config.json")
TEXT_KINDS = ("clip", "siglip", "metaclip_2")
"""Kinds (``model_type``) whose text tower needs tokens alone."""
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    CARD,
)


@dataclass(frozen=True)
class _Source:
    """Folder, configuration and weights of a network; without weights they are random."""

    name: str
    folder: Path
    config: Any
    weights: Path | None

    @property
    def has_text(self) -> bool:
        """True if this kind of network has a text tower that needs tokens alone."""
        return self.config.model_type in TEXT_KINDS


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return a vision network of transformers.

    Parameters
    ----------
    name : str
        A folder, the id of a repository of the hub with ``@revision`` or without, or one of both after ``local-dir:``
        or ``hf-hub:``.
    options : NetworkOptions
        With another ``pooling`` than ``"model"`` the feature does not lie in the space of texts, so there is no text
        tower.

    Raises
    ------
    MissingExtraError
        transformers is not installed.
    BackboneError
        No network there; one that needs other inputs than pictures of one size; weights that do not fit.
    """
    _library()
    source = _source(name, options)
    own = input_settings(source.folder, source.config, name)
    found = own if options.image_size is None else own.at(options.image_size, options.image_size)
    content = "random" if source.weights is None else content_digest(source.weights)
    identity = hashlib.sha256(f"{content} {content_digest(source.folder / CONFIG)}".encode()).hexdigest()
    text = source.has_text and options.pooling == "model"
    licence = card_licence(source.folder)
    if source.weights is not None:
        warn_unless_free(source.name, licence)
    crop_from = found.crop_from(options.resize, name)
    spec = make_spec(
        f"transformers:{source.config.model_type}",
        identity,
        (found.height, found.width),
        found.mean,
        found.std,
        "random, untrained" if source.weights is None else f"file {source.weights.name}",
        licence,
        interpolation=found.interpolation,
        crop_from=crop_from,
        pooling=options.pooling,
        crop_floor=bool(crop_from),
        revision=options.revision or "",
        has_text=text,
    )
    resized = None if found == own else options.image_size

    def build() -> nn.Module:
        from imgsim.backbones.libraries.huggingface.modules import image_module

        return image_module(_network(source), options.pooling, (found.height, found.width), resized)

    def tower() -> TextTower:
        return _tower(source)

    return Backbone(replace(spec, name=source.name), build, text=tower if text else None)


def _library() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            f"Networks called transformers:... need the library transformers: {install_command('transformers')}."
        ) from error
    return transformers


def _source(name: str, options: NetworkOptions) -> _Source:
    """Find configuration and weights; they are downloaded if need be."""
    transformers = _library()
    full = name
    if not name.startswith((HUB, LOCAL)):
        full = f"{LOCAL}{name}" if expand(name, "the folder of transformers:").is_dir() else f"{HUB}{name}"
    own = options.weights is None
    needed = [[CONFIG], PREPROCESSING, *([WEIGHTS] if own else [])]
    folder = network_folder(full, options, needed, _TOKENIZER_FILES)
    try:
        with _silent():
            config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise BackboneError(f"{folder / CONFIG} is no network that transformers has: {shorten(error)}.") from error
    given = None if own or options.random else Path(str(options.weights))
    weights = find_file(folder, WEIGHTS) if own else given
    return _Source(name if full == name else f"transformers:{name}", folder, config, weights)


def _network(source: _Source) -> Any:
    """Make the network in 32 bits on the CPU; weights are read as tensors alone."""
    import torch

    transformers = _library()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = transformers.AutoModel.from_config(source.config, dtype=torch.float32, trust_remote_code=False)
    except Exception as error:
        raise BackboneError(f"transformers cannot make {source.name}: {shorten(error)}.") from error
    if source.weights is not None:
        network = _with_weights(type(network), source, source.weights)
    return network.eval()


def _with_weights(kind: Any, source: _Source, path: Path) -> Any:
    """Load weights; those that no file has are an error, but for a pooling layer, which is then left out."""
    import torch

    state = read_state(path, source.name)
    try:
        with _silent():
            network, found = kind.from_pretrained(
                None,
                config=source.config,
                state_dict=state,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except Exception as error:
        raise not_weights(path, source.name, shorten(error)) from error
    if other := sorted(key for key, *_ in found["mismatched_keys"]):
        raise not_weights(path, source.name, f"{len(other)} tensors have other shapes, such as {other[0]}")
    missing = sorted(found["missing_keys"])
    if lacking := [key for key in missing if not key.startswith("pooler.")]:
        raise not_weights(path, source.name, f"it lacks {len(lacking)} tensors, such as {lacking[0]}")
    if missing:  # trained for classes: its pooling layer would be random numbers
        network.pooler = None
    return network


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let transformers write neither bars nor reports to stderr."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _tower(source: _Source) -> TextTower:
    from imgsim.backbones.libraries.huggingface.modules import text_module

    transformers = _library()
    try:
        own = transformers.AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise BackboneError(f"the tokenizer of {source.name} cannot be read: {shorten(error)}.") from error
    context = int(source.config.text_config.max_position_embeddings)

    def ids_of(text: str) -> list[int]:
        ids: list[int] = own(text, padding="max_length", truncation=True, max_length=context)["input_ids"]
        return ids

    network = _network(source)
    bias = getattr(network, "logit_bias", None)
    return TextTower(
        text_module(network),
        padded(own, context),
        context,
        float(network.logit_scale.detach().exp()),
        None if bias is None else float(bias.detach()),
        ids_of,
    )
