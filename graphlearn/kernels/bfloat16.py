"""Whether a device multiplies matrices of bfloat16 in its own instructions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

# Named as torch.cpu.get_capabilities does: x86's two sets, then ARM's.
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def _capabilities() -> Mapping[str, Any]:
    if hasattr(torch.cpu, "get_capabilities"):
        found: Mapping[str, Any] = torch.cpu.get_capabilities()
        return found
    # Before it, torch told of x86 alone, and under a name that is no promise.
    asked = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, question, lambda: False)() for name, question in asked.items()}


@lru_cache(maxsize=16)
def multiplies_bfloat16(device: str) -> bool:
    """Whether it pays to multiply matrices in bfloat16 on a kind of device.

    Where the hardware has no instructions for it torch widens every factor first. With other CPUs
    emulated by ``ONEDNN_MAX_CPU_ISA`` a step of ogbl-ddi's wide GraphSAGE took half as long again
    as in float32 with AVX512 alone, and thirty times as long with AVX2 (one call of each, by a
    script that was not kept).

    Args:
        device: ``"cpu"`` or ``"cuda"``; of other kinds nothing is known, which is no.

    Example:
        >>> multiplies_bfloat16("meta")
        False
    """
    if device == "cpu":
        known = _capabilities()
        return any(bool(known.get(name)) for name in _INSTRUCTIONS)
    if device == "cuda" and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return False
