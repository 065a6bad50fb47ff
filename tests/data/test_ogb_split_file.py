"""OGB's split files: arrays are read, code is not run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data.ogb_split_file import read_split_file
from graphlearn.errors import DataNotFoundError, UnsafeFileError


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("zipped", [True, False])
def test_arrays_and_tensors_of_every_number_type(tmp_path, zipped) -> None:
    content = {
        dtype: np.arange(6).reshape(3, 2).astype(dtype)
        for dtype in ("int64", "int32", "uint8", "float32", "float64", "bool")
    } | {"tensor": torch.arange(4)}
    torch.save(
        content,
        tmp_path / "train.pt",
        _use_new_zipfile_serialization=zipped,
    )
    found = read_split_file(tmp_path / "train.pt")
    assert found.keys() == content.keys()
    for key, value in content.items():
        assert torch.equal(found[key], torch.as_tensor(value))


def test_files_that_numpy_1_wrote(tmp_path) -> None:
    path = tmp_path / "train.pt"
    torch.save({"edge": np.array([[0, 1]])}, path, _use_new_zipfile_serialization=False)
    written = path.read_bytes()
    assert b"numpy._core.multiarray" in written
    path.write_bytes(written.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert read_split_file(path)["edge"].tolist() == [[0, 1]]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_file_is_refused_and_does_nothing(tmp_path, zipped) -> None:
    path = tmp_path / "train.pt"
    hostile = {"edge": Touch(tmp_path / "ran")}
    torch.save(hostile, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UnsafeFileError, match="names posix.mkdir, which is no array type") as info:
        read_split_file(path)
    assert not (tmp_path / "ran").exists()
    assert "\n" not in str(info.value)
    path.write_bytes(pickle.dumps(hostile))
    with pytest.raises(UnsafeFileError):
        read_split_file(path)
    assert not (tmp_path / "ran").exists()


def test_the_allow_list_does_not_outlast_the_call(tmp_path) -> None:
    path = tmp_path / "train.pt"
    torch.save({"edge": np.array([[0, 1]])}, path)
    before = set(torch.serialization.get_safe_globals())
    read_split_file(path)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([1, 2], "holds a list"),
        ({"edge": [1, 2]}, "holds a list under 'edge'"),
        ({"edge": np.array(["a"])}, "holds a ndarray under 'edge'"),
        ({"edge": np.array([{}], dtype=object)}, "holds a ndarray under 'edge'"),
    ],
)
def test_other_content_is_refused(tmp_path, content, text) -> None:
    torch.save(content, tmp_path / "train.pt")
    with pytest.raises(UnsafeFileError, match=text):
        read_split_file(tmp_path / "train.pt")


def test_missing_and_truncated_files(tmp_path) -> None:
    path = tmp_path / "train.pt"
    with pytest.raises(DataNotFoundError, match="no file"):
        read_split_file(path)
    for zipped in (True, False):
        torch.save({"edge": np.arange(99)}, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        for length in (0, 1, 10, 50, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(UnsafeFileError):
                read_split_file(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_empty_arrays_are_arrays(tmp_path, zipped) -> None:
    path = tmp_path / "train.pt"
    content = {"edge": np.empty((0, 2), dtype=np.int64), "year": np.empty(0, dtype=np.float32)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = read_split_file(path)
    assert (found["edge"].shape, found["edge"].dtype) == ((0, 2), torch.int64)
    assert (found["year"].shape, found["year"].dtype) == ((0,), torch.float32)


def test_bytes_of_something_are_refused(tmp_path) -> None:
    class Large:
        def __reduce__(self):
            return bytes, (10**15,)

    path = tmp_path / "train.pt"
    torch.save({"edge": Large()}, path)
    with pytest.raises(UnsafeFileError, match=r"cannot be read|is no readable split file") as info:
        read_split_file(path)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.eye(2).long().to_sparse(), "that is sparse_coo, on cpu"),
        (torch.empty(5, 2, dtype=torch.long, device="meta"), "that is strided, on meta"),
        (torch.zeros(1, 2, dtype=torch.long).expand(10**12, 2), "not all stored"),
        (torch.zeros(2, 2, dtype=torch.complex64), "holds torch.complex64 of shape"),
        (np.zeros((2, 2), dtype=np.complex64), "holds a ndarray under 'edge'"),
    ],
)
def test_tensors_that_are_no_plain_arrays_are_refused(tmp_path, value, said) -> None:
    torch.save({"edge": value}, tmp_path / "train.pt")
    with pytest.raises(UnsafeFileError, match=said) as info:
        read_split_file(tmp_path / "train.pt")
    assert "\n" not in str(info.value)


def test_arrays_of_another_byte_order_and_tensors_with_gradients(tmp_path) -> None:
    content = {"edge": np.array([[1, 258]], dtype=">i8"), "x": torch.ones(1, requires_grad=True)}
    torch.save(content, tmp_path / "train.pt")
    found = read_split_file(tmp_path / "train.pt")
    assert found["edge"].tolist() == [[1, 258]]
    assert not found["x"].requires_grad
