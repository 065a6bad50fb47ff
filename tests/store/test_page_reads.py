from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from graphlearn.errors import InputError
from graphlearn.store.file_reader import FileReader
from graphlearn.store.page_reads import PageReads, ReadPlan, Threads, plan_reads


@pytest.mark.parametrize("row_bytes", [1, 3, 400, 512, 4096, 5000, 3 << 20])
@pytest.mark.parametrize("tasks", [1, 7])
def test_plans_bring_every_row_of_any_index(tmp_path: Path, row_bytes: int, tasks: int) -> None:
    num_rows = max(3, min(20_000, (8 << 20) // row_bytes))
    rng = np.random.default_rng(row_bytes)
    table = rng.integers(0, 256, (num_rows, row_bytes), dtype=np.uint8)
    data = bytes(4096) + table.tobytes()
    (tmp_path / "a").write_bytes(data + bytes(-len(data) % 4096))
    reads = PageReads(FileReader(tmp_path / "a"), threads=3)
    for count in (1, 2, 50, 3000 if row_bytes < 5000 else 5):
        index = rng.integers(0, num_rows, count)
        plan = plan_reads(index, row_bytes, 4096, tasks=tasks)
        assert isinstance(plan, ReadPlan)
        out = np.empty((count, row_bytes), dtype=np.uint8)
        reads.gather(plan, out)
        assert np.array_equal(out, table[index])
        assert (plan.offset_S % 4096 == 0).all()
        assert (plan.bytes_S % 4096 == 0).all()
        assert plan.num_bytes == plan.bytes_S.sum()
    reads.close()


def test_rows_on_neighboring_pages_share_one_read_and_far_ones_do_not() -> None:
    plan = plan_reads(np.array([0, 7, 8, 15, 24, 24]), 512, 4096, tasks=1)
    assert plan.offset_S.tolist() == [4096, 4 * 4096]
    assert plan.bytes_S.tolist() == [8192, 4096]


def test_a_dense_index_reads_each_page_once() -> None:
    plan = plan_reads(np.arange(100_000), 512, 4096, tasks=8)
    assert plan.num_bytes == 100_000 * 512
    assert max(plan.bytes_S) <= 1 << 20


def test_threads_return_when_none_runs_any_more_also_at_an_error() -> None:
    threads, done = Threads(2), []
    gate = threading.Event()

    def task(number: int) -> None:
        if number == 0:
            gate.set()
            raise InputError("the first one fails")
        gate.wait()
        done.append(number)

    with pytest.raises(InputError, match="the first one fails"):
        threads.run(task, 6)
    assert sorted(done) == [1, 2, 3, 4, 5]
    threads.close()
    threads.run(done.append, 2)  # made again
    threads.close()
