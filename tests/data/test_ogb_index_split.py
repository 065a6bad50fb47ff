"""OGB's splits of nodes and graphs: text or one file of arrays, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data.ogb_index_split import read_ogb_index_split
from graphlearn.errors import DataNotFoundError, InputError, LeakError, UnsafeFileError

PARTS = {"train": "0\n3\n", "valid": "1\n", "test": "2\n4\n"}


def write(folder: Path, **changes: str) -> Path:
    place = folder / "split" / "time"
    place.mkdir(parents=True, exist_ok=True)
    for part, text in (PARTS | changes).items():
        (place / f"{part}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_text_and_arrays_give_the_same(tmp_path) -> None:
    found = read_ogb_index_split(write(tmp_path), "ogbn-tiny", 5)
    assert {part: ids.tolist() for part, ids in found.items()} == {
        "train": [0, 3], "valid": [1], "test": [2, 4]
    }  # fmt: skip
    torch.save(
        {part: ids.numpy() for part, ids in found.items()}, tmp_path / "split/time/split_dict.pt"
    )
    again = read_ogb_index_split(tmp_path, "ogbn-tiny", 5)
    assert all(torch.equal(again[part], found[part]) for part in found)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"test": "5\n"}, InputError, r"test holds 5: expected numbers in \[0, 5\)"),
        ({"test": "2\n2\n"}, InputError, "test names 1 numbers twice"),
        ({"test": "3\n"}, LeakError, "train and test share 1 numbers, the first 3"),
        ({"valid": ""}, InputError, r"valid\.csv\.gz is empty"),
        ({"valid": "-1\n"}, InputError, "holds '-1'"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(tmp_path, changes, error, said) -> None:
    with pytest.raises(error, match=said):
        read_ogb_index_split(write(tmp_path, **changes), "ogbn-tiny", 5)


def test_arrays_that_do_not_fit_are_refused(tmp_path) -> None:
    place = write(tmp_path) / "split/time/split_dict.pt"
    good = {"train": np.array([0]), "valid": np.array([1]), "test": np.array([2])}
    for change, said in (
        ({"test": np.array([2.0])}, "test is torch.float64"),
        ({"test": np.array([[2]])}, "of shape \\[1, 1\\]"),
        ({"test": np.array([-2])}, "holds -2"),
        ({"test": torch.empty(0, dtype=torch.int64)}, "test is empty"),
    ):
        torch.save(good | change, place)
        with pytest.raises(InputError, match=said):
            read_ogb_index_split(tmp_path, "ogbn-tiny", 5)
    torch.save({"train": np.array([0])}, place)
    with pytest.raises(InputError, match="has no part 'valid'"):
        read_ogb_index_split(tmp_path, "ogbn-tiny", 5)
    place.write_bytes(b"foreign")
    with pytest.raises(UnsafeFileError):
        read_ogb_index_split(tmp_path, "ogbn-tiny", 5)


def test_there_must_be_one_split(tmp_path) -> None:
    (write(tmp_path) / "split" / "time" / "test.csv.gz").unlink()
    with pytest.raises(DataNotFoundError, match="holds 0 folders with train, valid and test"):
        read_ogb_index_split(tmp_path, "ogbn-tiny", 5)
