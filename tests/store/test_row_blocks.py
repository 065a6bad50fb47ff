from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.errors import DataNotFoundError, InputError, InputTypeError
from graphlearn.store import write_rows
from graphlearn.store.disk import DiskStore
from graphlearn.store.row_blocks import RowBlocks, row_blocks
from graphlearn.store.row_store import DTYPES

TABLE = torch.arange(70.0).view(10, 7)


def joined(found: RowBlocks) -> torch.Tensor:
    return torch.cat([torch.empty(0, *found.row_shape, dtype=found.dtype), *found.blocks])


def sources(folder: Path) -> dict[str, object]:
    np.save(folder / "x.npy", TABLE.numpy())
    np.save(folder / "fortran.npy", np.asfortranarray(TABLE.numpy()))
    write_rows(folder / "x.rows", TABLE)
    return {
        "tensor": TABLE,
        "tensor of columns": TABLE.T.contiguous().T,
        "tensor with gradient": TABLE.clone().requires_grad_(),
        "array": TABLE.numpy(),
        "array of another byte order": TABLE.numpy().astype(">f4"),
        "memmap": np.load(folder / "x.npy", mmap_mode="r"),
        ".npy": folder / "x.npy",
        ".npy by columns": str(folder / "fortran.npy"),
        "store": DiskStore(folder / "x.rows"),
        "blocks": [TABLE[:4], TABLE[4:4], TABLE[4:].numpy()],
        "generator": (TABLE[i : i + 1] for i in range(10)),
    }


@pytest.mark.parametrize("block_bytes", [1, 60, 1 << 20])
def test_every_source_gives_the_same_rows_in_blocks_of_bounded_size(tmp_path, block_bytes) -> None:
    for name, source in sources(tmp_path).items():
        found = row_blocks(source, block_bytes=block_bytes)
        assert (found.row_shape, found.dtype) == ((7,), torch.float32), name
        assert found.num_rows == (None if name in ("blocks", "generator") else 10), name
        blocks = list(found.blocks)
        assert max(block.nbytes for block in blocks) <= max(block_bytes, 28), name
        assert torch.equal(torch.cat(blocks), TABLE), name


@pytest.mark.parametrize("dtype", DTYPES.values())
def test_rows_keep_their_dtype_or_are_converted(dtype: torch.dtype) -> None:
    table = (TABLE % 3).to(dtype)
    found = row_blocks(table, block_bytes=16)
    assert torch.equal(joined(found), table)
    found = row_blocks(TABLE, block_bytes=16, dtype=dtype)
    assert found.dtype == dtype
    assert torch.equal(joined(found), TABLE.to(dtype))


def test_empty_tables_keep_the_form_of_a_row(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 3, 5), dtype=np.int16))
    write_rows(tmp_path / "x.rows", torch.zeros(0, 3, 5, dtype=torch.int16))
    for source in (
        torch.zeros(0, 3, 5, dtype=torch.int16),
        tmp_path / "x.npy",
        DiskStore(tmp_path / "x.rows"),
        [np.zeros((0, 3, 5), dtype=np.int16)],
    ):
        found = row_blocks(source, block_bytes=100)
        assert (found.row_shape, found.dtype) == ((3, 5), torch.int16)
        assert list(found.blocks) == []


def test_rows_of_nothing_are_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 0), dtype=np.float32))
    for source in (tmp_path / "x.npy", np.zeros((4, 0), np.float32), torch.zeros(4, 0)):
        assert joined(row_blocks(source, block_bytes=100)).shape == (4, 0)
        write_rows(tmp_path / "x.rows", source)
        with DiskStore(tmp_path / "x.rows") as store:
            assert store.gather(torch.tensor([3, 0])).shape == (2, 0)


def test_blocks_that_differ_are_named() -> None:
    for second, said in (
        (torch.zeros(2, 4), r"block 1 has rows of torch.float32 \[4\]: expected .* \[3\]"),
        (torch.zeros(2, 3).double(), "block 1 has rows of torch.float64"),
        (torch.zeros(2), r"block 1 has rows of torch.float32 \[\]"),
        (torch.tensor(1.0), "block 1 is a single number"),
        ([1, 2], "block 1 is a list"),
        (torch.eye(3).to_sparse(), "block 1 is a torch.sparse_coo"),
        (np.zeros((2, 3), dtype=np.uint16), "block 1 is of dtype uint16"),
    ):
        found = row_blocks(iter([torch.zeros(2, 3), second]), block_bytes=100)
        with pytest.raises((InputError, InputTypeError), match=said):
            list(found.blocks)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (3, "source is of type int"),
        (b"rows", "source is of type bytes"),
        ([], "gives no block of rows"),
        (torch.tensor(1.0), "block 0 is a single number"),
        (np.array([None]), "block 0 is of dtype object"),
        (torch.zeros(2, dtype=torch.complex64), "block 0 is of dtype torch.complex64"),
        (np.array(["a"]), "block 0 is of dtype <U1"),
        (torch.zeros(2, 2, device="meta"), "block 0 lies on meta: expected a tensor that holds"),
        (np.ma.masked_array(np.zeros((2, 2))), r"block 0 is a masked array: .*pass block.filled"),
        ("a\0.npy", "a name without a zero byte"),
        ("a" * 300 + ".npy", "could not be read .File name too long"),
    ],
)
def test_what_cannot_be_stored_is_refused(source: object, said: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=said):
        row_blocks(source, block_bytes=100)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([None]))
    np.save(tmp_path / "number.npy", np.array(1.0))
    np.save(tmp_path / "x.npy", np.zeros(1000))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:5000])
    np.savez(tmp_path / "y.npz", np.zeros(3))
    (tmp_path / "y.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "x.csv").write_text("1,2")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4)}"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.ljust(118))
    for name, said in (
        ("objects.npy", "cannot be read"),
        ("cut.npy", "cannot be read"),
        ("huge.npy", "cannot be read"),
        ("archive.npy", "cannot be read"),
        ("number.npy", "holds a single number"),
        ("x.csv", "unknown format"),
    ):
        with pytest.raises(InputError, match=said):
            row_blocks(tmp_path / name, block_bytes=100)
    with pytest.raises(DataNotFoundError, match="no file"):
        row_blocks(tmp_path / "none.npy", block_bytes=100)
    with pytest.raises(InputError, match="parquet file alone"):
        row_blocks(tmp_path / "x.npy", block_bytes=100, columns=["a"])
    with pytest.raises(InputTypeError, match="complex64"):
        row_blocks(TABLE, block_bytes=100, dtype=torch.complex64)
