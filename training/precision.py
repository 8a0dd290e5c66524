"""Half precision, where it is fast."""

from __future__ import annotations

from functools import cache

import torch


@cache
def fast_bfloat16(device: torch.device) -> bool:
    """Tell if ``device`` computes in bfloat16; a processor without it only emulates it, five times slower."""
    return device.type != "cpu" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
