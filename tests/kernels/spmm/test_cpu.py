from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlearn.kernels.spmm import cpu

RNG = np.random.default_rng(0)


def lists(
    rows: int, nodes: int, entries: int, index: type = np.int64
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    owner = np.sort(rng.integers(rows, size=entries))
    rowptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=rows))])
    return rowptr.astype(index), rng.integers(nodes, size=entries).astype(index)


def dense(rowptr: np.ndarray, col: np.ndarray, weight: np.ndarray | None, nodes: int) -> np.ndarray:
    matrix = np.zeros((len(rowptr) - 1, nodes))
    row = np.repeat(np.arange(len(rowptr) - 1), np.diff(rowptr))
    np.add.at(matrix, (row, col), 1.0 if weight is None else weight)
    return matrix


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("channels", [0, 1, 3, 16, 33])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_three_loops_against_dense_products(index: type, channels: int, weighted: bool) -> None:
    rowptr, col = lists(9, 11, 40, index)
    weight = RNG.normal(size=40) if weighted else None
    x, grad = RNG.normal(size=(11, channels)), RNG.normal(size=(9, channels))
    matrix = dense(rowptr, col, weight, 11)
    row = np.repeat(np.arange(9), np.diff(rowptr))
    np.testing.assert_allclose(cpu.gather(rowptr, col, weight, x), matrix @ x, atol=1e-12)
    np.testing.assert_allclose(
        cpu.scatter(rowptr, col, weight, grad, 11), matrix.T @ grad, atol=1e-12
    )
    expected = (grad[row] * x[col]).sum(axis=1)
    np.testing.assert_allclose(cpu.dot(rowptr, col, grad, x), expected, atol=1e-12)


def test_dtype_is_kept() -> None:
    rowptr, col = lists(9, 11, 40)
    x, grad = np.ones((11, 4), np.float32), np.ones((9, 4), np.float32)
    assert cpu.gather(rowptr, col, None, x).dtype == np.float32
    assert cpu.scatter(rowptr, col, None, grad, 11).dtype == np.float32
    assert cpu.dot(rowptr, col, grad, x).dtype == np.float32


def test_the_work_is_cut_for_two_threads(
    threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rowptr, col = lists(2000, 500, 20_000)
    x, grad = RNG.normal(size=(500, 40)), RNG.normal(size=(2000, 40))
    cut: list[list[int]] = []
    run = cpu.run_chunks

    def note(task: Callable[[int, int, int], None], bounds: list[int]) -> None:
        cut.append(bounds)
        run(task, bounds)

    monkeypatch.setattr(cpu, "run_chunks", note)
    results = []
    for count in (1, 2):
        threads(count)
        results.append(
            [
                cpu.gather(rowptr, col, None, x),
                cpu.scatter(rowptr, col, None, grad, 500),
                cpu.dot(rowptr, col, grad, x),
            ]
        )
    assert cut[:3] == [[0, 2000], [0, 40], [0, 2000]]
    assert [len(bounds) for bounds in cut[3:]] == [3, 3, 3]  # rows, channels, rows
    assert cut[4] == [0, 20, 40]
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_narrow_scatters_stay_in_one_thread(
    threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(2)
    cut: list[list[int]] = []
    monkeypatch.setattr(cpu, "run_chunks", lambda _, bounds: cut.append(bounds))
    rowptr, col = lists(2000, 500, 20_000)
    cpu.scatter(rowptr, col, None, np.ones((2000, 31)), 500)
    assert cut == [[0, 31]]
