"""The packaged form of the network: its folded convolutions, float16 safetensors."""

from __future__ import annotations

from pathlib import Path

from imgsim.backbones.get import get_backbone
from imgsim.backbones.mini.network import MiniEncoder
from imgsim.io.atomic import atomic_path


def write_packaged(network: MiniEncoder, path: Path) -> None:
    """Write what ``backbone="mini", weights=path`` reads."""
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().half().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(state))


def read_packaged(path: Path) -> MiniEncoder:
    """Read what `write_packaged` wrote, as float32.

    Raises
    ------
    BackboneError
        ``path`` cannot be read or holds something else.
    """
    network = get_backbone("mini", path).build()
    assert isinstance(network, MiniEncoder)
    return network
