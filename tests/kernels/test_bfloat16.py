from __future__ import annotations

import pytest
import torch

from graphlearn.kernels import multiplies_bfloat16

asked_anew = multiplies_bfloat16.__wrapped__


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ({}, False),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
    ],
)
def test_a_cpu_is_asked_for_its_instructions(
    known: dict, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert asked_anew("cpu") is answer


@pytest.mark.parametrize("answer", [False, True])
def test_older_versions_of_torch_know_of_x86_alone(
    answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: answer, raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert asked_anew("cpu") is answer


def test_cuda_is_asked_without_emulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation
    )
    assert asked_anew("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not asked_anew("cuda")
    assert not asked_anew("meta")
