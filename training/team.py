"""Several processes train one network: each on its own batches, their weights averaged every few steps.

Local SGD (Stich 2019). On a CPU two processes of one thread saw 7 times the crops of one process of two threads, which
wait for each other in every layer while anything else runs on the machine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import distributed

EVERY = 8
"""Steps between two averages."""


class Team:
    """One of ``size`` processes that know each other by a file; a team of one needs none."""

    def __init__(self, rank: int = 0, size: int = 1, meeting: Path | None = None) -> None:
        self.rank, self.size = rank, size
        if size > 1:
            loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
            os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
            distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Put the mean of all members into each tensor."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        distributed.all_reduce(flat)
        means = torch.split(flat / self.size, [tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors, means, strict=True):
            tensor.detach().copy_(mean.view_as(tensor))

    def agree(self, value: bool) -> bool:
        """Return what the first member says."""
        if self.size == 1:
            return value
        said = torch.tensor(int(value))
        distributed.broadcast(said, 0)
        return bool(said.item())

    def leave(self) -> None:
        """End what `__init__` began."""
        if self.size > 1:
            distributed.destroy_process_group()
