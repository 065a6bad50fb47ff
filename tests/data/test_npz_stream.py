"""Arrays larger than memory: the same rows as numpy reads, a block at a time."""

from __future__ import annotations

import io

import numpy as np
import pytest

from graphlearn.data.npz_stream import NpzArray, open_npz_array
from graphlearn.errors import DataNotFoundError, InputError


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int64"])
@pytest.mark.parametrize("rows", [None, 1, 7, 100])
def test_blocks_are_the_rows(tmp_path, save, dtype, rows) -> None:
    table = np.arange(60).reshape(20, 3).astype(dtype)
    save(tmp_path / "data.npz", other=np.zeros(5), node_feat=table)
    with open_npz_array(tmp_path / "data.npz", "node_feat") as array:
        assert (array.shape, array.dtype) == ((20, 3), np.dtype(dtype))
        blocks = list(array.blocks(rows))
    assert np.array_equal(np.concatenate(blocks), table)
    assert max(map(len, blocks)) == min(rows or 20, 20)


def test_what_cannot_be_streamed_is_refused(tmp_path) -> None:
    path = tmp_path / "data.npz"
    with pytest.raises(DataNotFoundError, match="no file"), open_npz_array(path, "x"):
        pass
    np.savez(path, objects=np.array([{}], dtype=object), columns=np.ones((3, 2)).T, one=1.0)
    for name, said in (
        ("objects", "holds objects"), ("columns", "row by row"), ("one", "row by row"),
        ("none", "no item named"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said), open_npz_array(path, name):
            pass
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="cannot be read"), open_npz_array(path, "x"):
        pass


def test_a_member_that_ends_early_is_refused(tmp_path) -> None:
    whole = io.BytesIO()
    np.save(whole, np.ones((50, 4)))
    import zipfile

    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("node_feat.npy", whole.getvalue()[:-100])
    with (
        pytest.raises(InputError, match="it ends before row 50 of 50"),
        open_npz_array(tmp_path / "data.npz", "node_feat") as array,
    ):
        list(array.blocks())
    assert repr(NpzArray(io.BytesIO(), (3,), np.dtype("int8"))) == "NpzArray(int8[3])"
