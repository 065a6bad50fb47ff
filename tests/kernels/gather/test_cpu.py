from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphlearn.kernels.gather import cpu

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("row_bytes", [1, 2, 7, 8, 63, 64, 65, 127, 129, 512, 4096])
def test_rows_of_any_length_come_out_as_they_are(row_bytes: int, index_dtype: type) -> None:
    table = RNG.integers(256, size=(50, row_bytes)).astype(np.uint8)
    index = RNG.integers(50, size=70).astype(index_dtype)
    out = np.zeros((70, row_bytes), np.uint8)
    cpu.gather(table, index, out)
    np.testing.assert_array_equal(out, table[index])


def test_nothing_is_written_beside_the_rows() -> None:
    around = np.zeros((10, 7), np.uint8)
    cpu.gather(np.full((3, 7), 9, np.uint8), np.array([0, 1]), around[4:6])
    assert np.flatnonzero(around.any(axis=1)).tolist() == [4, 5]


def test_a_read_only_file_at_an_odd_offset(tmp_path: Path) -> None:
    rows = RNG.normal(size=(20, 5, 3))
    (tmp_path / "rows").write_bytes(b"odd" + rows.tobytes())
    table = np.memmap(tmp_path / "rows", np.float64, mode="r", offset=3, shape=rows.shape)
    index, out = np.array([19, 0, 7, 7]), np.empty((4, 5, 3))
    cpu.gather(table, index, out)
    np.testing.assert_array_equal(out, rows[index])


def test_places_beyond_31_bits(tmp_path: Path) -> None:
    rows = 2**31 // 7 + 5  # of a file that is a hole but for its last row
    table = np.memmap(tmp_path / "rows", np.uint8, "w+", shape=(rows, 7))
    table[-1] = range(7)
    out = np.full((2, 7), 9, np.uint8)
    cpu.gather(table, np.array([rows - 1, 0], np.int32), out)
    assert out.tolist() == [[0, 1, 2, 3, 4, 5, 6], [0] * 7]


def test_no_rows_and_rows_of_nothing() -> None:
    empty = np.empty((0, 4), np.float32)
    cpu.gather(empty, np.empty(0, np.int64), empty)
    cpu.gather(np.empty((3, 0)), np.array([2, 2]), np.empty((2, 0)))


def test_the_work_is_cut_for_two_threads(
    threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[list[int]] = []
    run = cpu.run_chunks

    def note(task: Callable[[int, int, int], None], bounds: list[int]) -> None:
        cut.append(bounds)
        run(task, bounds)

    monkeypatch.setattr(cpu, "run_chunks", note)
    table, index = RNG.normal(size=(300, 84)), RNG.integers(300, size=4000)
    results = []
    for count in (1, 2):
        threads(count)
        results.append(np.empty((4000, 84)))
        cpu.gather(table, index, results[-1])
    assert cut == [[0, 4000], [500 * part for part in range(9)]]
    np.testing.assert_array_equal(results[0], table[index])
    np.testing.assert_array_equal(results[1], table[index])
