from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from graphlearn.errors import CheckpointError
from graphlearn.train.tensor_file import (
    FORMAT,
    KEY,
    describe,
    load_into,
    read_tensors,
    write_tensors,
)


def test_every_kind_of_dense_tensor_comes_back(tmp_path: Path) -> None:
    base = torch.arange(12, dtype=torch.float64).view(3, 4)
    tensors = {
        "whole": base,
        "tied": base,
        "view": base[1],
        "transposed": base.t(),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 4),
        "empty too": torch.empty(0, 4),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "mask": torch.tensor([True, False]),
        "weight": nn.Parameter(torch.ones(2)),
    }
    write_tensors(tmp_path / "a", "test", tensors, {"a": [1, None, 0.1]})
    found, state = read_tensors(tmp_path / "a", "test")
    assert state == {"a": [1, None, 0.1]}
    assert found.keys() == tensors.keys()
    for name, value in tensors.items():
        assert torch.equal(found[name], value), name
        assert describe(found[name]) == describe(value)


@pytest.mark.parametrize("value", [torch.eye(2).to_sparse(), {"step": 1}])
def test_what_is_no_dense_tensor_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(CheckpointError, match="extra is .*expected a dense tensor"):
        write_tensors(tmp_path / "a", "test", {"extra": value}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_tensors(path, "test", {"a": torch.ones(7)}, {"b": 1})
    content = path.read_bytes()
    for cut in range(0, len(content), 5):
        path.write_bytes(content[:cut])
        with pytest.raises(CheckpointError, match="could not be read.*truncated"):
            read_tensors(path, "test")


@pytest.mark.parametrize("content", [b"\x80\x04K\x01.", b"{}", bytes(64), b"\xff" * 64])
def test_a_file_of_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(CheckpointError):
        read_tensors(tmp_path / "a", "test")


@pytest.mark.parametrize("where", ["a tensor", "the state"])
def test_a_file_of_which_a_byte_changed_is_refused(tmp_path: Path, where: str) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, "weights", {"w": torch.arange(9.0), "empty": torch.ones(0)}, {"seed": 7})
    content = bytearray(path.read_bytes())
    at = len(content) - 3 if where == "a tensor" else content.index(b"7", content.index(b"seed"))
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged: .* checksum .*; remove it"):
        read_tensors(path, "weights")


def test_a_file_without_a_checksum_is_of_an_earlier_version(tmp_path: Path) -> None:
    header = json.dumps({"format": FORMAT, "kind": "weights", "state": {"seed": 7}})
    save_file({"w": torch.ones(2)}, tmp_path / "a.safetensors", metadata={KEY: header})
    assert read_tensors(tmp_path / "a.safetensors", "weights")[1] == {"seed": 7}


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be read"):
        read_tensors(tmp_path / "none", "test")
    with pytest.raises(CheckpointError, match="could not be read"):
        read_tensors(tmp_path, "test")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "without this package's state"),
        ({"format": "pt"}, "without this package's state"),
        ({KEY: "{"}, "without this package's state"),
        ({KEY: "[1]"}, "without this package's state"),
        ({KEY: '{"format": 2, "kind": "test", "state": {}}'}, "has format 2: expected format 1"),
        (
            {KEY: '{"format": 1, "kind": "other", "state": {}}'},
            "kind 'other': expected kind 'test'",
        ),
    ],
)
def test_a_foreign_safetensors_file_is_refused(
    tmp_path: Path, metadata: dict[str, str] | None, message: str
) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "a", metadata=metadata)
    with pytest.raises(CheckpointError, match=message):
        read_tensors(tmp_path / "a", "test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "here has no 'bias'"),
        ({"bias": torch.ones(3)}, r"here: bias is float32\[3\]: expected float32\[1\]"),
        ({"bias": torch.ones(1).double()}, r"here: bias is float64\[1\]: expected float32\[1\]"),
        ({"more": torch.ones(1)}, "here holds 'more'"),
    ],
)
def test_weights_of_another_model_change_nothing(change: dict[str, Any], message: str) -> None:
    model = nn.Linear(2, 1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tensors = {name: value + 1 for name, value in before.items()} | change
    with pytest.raises(CheckpointError, match=message):
        load_into(model, {k: v for k, v in tensors.items() if v is not None}, "here")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
