"""State dicts: the weights of a network, read as tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import Tensor

_WRAPPERS = ("state_dict", "model", "module", "state_dict_ema", "model_ema")


def read_state(path: Path, network: str) -> dict[str, Tensor]:
    """Read a state dict from .safetensors, else from torch's format, tensors alone; a checkpoint is unwrapped.

    Raises
    ------
    BackboneError
        The file cannot be read, or holds something else; ``network`` is named in the message.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = shorten(error)
        if "weights_only" in reason:  # torch's advice is to run whatever is in the file
            reason = "it holds something else than tensors"
        raise not_weights(path, network, reason) from error
    found = next((found[key] for key in _WRAPPERS if isinstance(found, Mapping) and _is_state(found.get(key))), found)
    if not _is_state(found):
        raise not_weights(path, network, "it holds no tensors by name")
    return dict(found)


def not_weights(path: Path, network: str, reason: str) -> BackboneError:
    """Return the error of a file that does not hold weights of a network."""
    return BackboneError(
        f"{path} is not a state dict of {network}: {reason}. Save one with torch.save(model.state_dict(), path)."
    )


def _is_state(value: Any) -> bool:
    import torch

    return isinstance(value, Mapping) and bool(value) and all(isinstance(v, torch.Tensor) for v in value.values())
