from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
import torch
from torch_geometric.data import Data, HeteroData

from graphlearn.loader.ordered_threads import OrderedThreads, batch_bytes

THREADS = [0, 1, 2, 4]
PATIENCE = 60  # seconds until a test that would hang fails instead


def loader_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("graphlearn-loader")]


def wait_for_the_end(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("count", [0, 1, 30])
def test_results_come_in_the_order_of_the_items(threads, count) -> None:
    made = OrderedThreads(lambda item: item * item, range(count), threads=threads, ahead=5)
    assert list(made) == [item * item for item in range(count)]
    assert list(made) == []  # once at the end, it stays there


def test_a_slow_result_is_waited_for() -> None:
    later = threading.Event()

    def make(item: int) -> int:
        if item == 0:
            assert later.wait(PATIENCE)
        else:
            later.set()
        return item

    assert list(OrderedThreads(make, range(4), threads=2, ahead=4)) == [0, 1, 2, 3]


def test_threads_work_at_once() -> None:
    meeting = threading.Barrier(3)  # nobody goes on until three are there
    made = OrderedThreads(lambda _: meeting.wait(PATIENCE), range(6), threads=3, ahead=3)
    assert sorted(made) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("threads", THREADS)
def test_items_are_taken_by_who_asks(threads) -> None:
    takers: list[threading.Thread] = []

    def items() -> Iterator[int]:
        for item in range(5):
            takers.append(threading.current_thread())
            yield item

    assert list(OrderedThreads(str, items(), threads=threads, ahead=3)) == list("01234")
    assert set(takers) == {threading.current_thread()}


@pytest.mark.parametrize("ahead", [1, 2, 5])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_than_so_many_are_under_way(threads, ahead) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            taken.append(item)
            yield item

    made = OrderedThreads(lambda item: item, items(), threads=threads, ahead=ahead)
    for received, _ in enumerate(made, start=1):
        assert len(taken) <= received + ahead
        assert len(taken) >= min(20, received + ahead)  # and as many as may be


@pytest.mark.parametrize(("max_bytes", "held"), [(1, 1), (100, 1), (250, 2), (399, 3), (10**6, 4)])
def test_no_more_are_under_way_than_fit_into_memory(max_bytes, held) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(12):
            taken.append(item)
            yield item

    def make(item: int) -> torch.Tensor:
        return torch.full((100,), item, dtype=torch.uint8)

    made = OrderedThreads(make, items(), threads=2, ahead=4, max_bytes=max_bytes)
    made._fill()
    assert len(taken) == 1  # nobody knows yet how large they are
    received = 0
    for received, result in enumerate(made, start=1):
        assert result.tolist() == [received - 1] * 100
        assert len(taken) == min(12, received + held)
    assert received == 12


def test_memory_is_counted_by_the_largest_result() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(10):
            taken.append(item)
            yield item

    def make(item: int) -> torch.Tensor:
        return torch.zeros(300 if item == 3 else 10, dtype=torch.uint8)

    made = OrderedThreads(make, items(), threads=1, ahead=4, max_bytes=650)
    held = [len(taken) - received for received, _ in enumerate(made, start=1)]
    assert held == [4, 4, 4, 3, 2, 2, 2, 2, 1, 0]


@pytest.mark.parametrize("threads", THREADS)
def test_an_error_comes_in_its_turn(threads) -> None:
    def make(item: int) -> int:
        if item == 3:
            raise ValueError("of item 3")
        return item

    made = OrderedThreads(make, range(10), threads=threads, ahead=6)
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    running = loader_threads()
    with pytest.raises(ValueError, match="of item 3"):
        next(made)
    if threads:
        wait_for_the_end(running)
        assert list(made) == []


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("good", [0, 1, 4])
def test_an_error_of_the_items_comes_after_the_results_before_it(threads, good) -> None:
    def items() -> Iterator[int]:
        yield from range(good)
        raise ValueError("no more items")

    made = OrderedThreads(str, items(), threads=threads, ahead=6)
    assert [next(made) for _ in range(good)] == list("0123")[:good]
    running = loader_threads()
    with pytest.raises(ValueError, match="no more items"):
        next(made)
    wait_for_the_end(running)
    assert list(made) == []


def test_who_stops_the_program_does_not_wait_for_its_turn() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise KeyboardInterrupt

    made = OrderedThreads(str, items(), threads=1, ahead=6)
    with pytest.raises(KeyboardInterrupt):
        next(made)
    made.close()


def test_an_error_that_is_never_asked_for_does_no_harm() -> None:
    def make(item: int) -> int:
        if item == 1:
            raise ValueError
        return item

    made = OrderedThreads(make, range(3), threads=1, ahead=3)
    assert next(made) == 0
    made.close()
    assert list(made) == []


@pytest.mark.parametrize("leave", ["close", "drop", "break"])
def test_leaving_early_ends_the_threads(leave) -> None:
    done: list[int] = []
    release = threading.Event()

    def make(item: int) -> int:
        if item > 0:
            assert release.wait(PATIENCE)
        done.append(item)
        return item

    made = OrderedThreads(make, range(1000), threads=2, ahead=50)
    if leave == "break":
        for _ in made:
            break
    else:
        next(made)
    running = loader_threads()
    assert running
    if leave == "close":
        made.close()
        made.close()
    else:
        del made
        gc.collect()
    release.set()
    wait_for_the_end(running)
    assert len(done) <= 3  # what had begun; what only waited is dropped


def test_the_end_of_the_items_ends_the_threads() -> None:
    made = OrderedThreads(str, range(3), threads=2, ahead=3)
    first = next(made)
    running = loader_threads()
    assert [first, *made] == ["0", "1", "2"]
    wait_for_the_end(running)


def test_bytes_of_batches() -> None:
    x, edge_index = torch.zeros(3, 4), torch.zeros(2, 5, dtype=torch.int64)
    assert batch_bytes(x) == 48
    assert batch_bytes([x, (x, 3, None), {"a": x}]) == 3 * 48
    assert batch_bytes(Data(x=x, edge_index=edge_index, note="n")) == 48 + 80
    typed = HeteroData()
    typed["a"].x = x
    typed["a", "to", "a"].edge_index = edge_index
    assert batch_bytes(typed) == 48 + 80
    assert batch_bytes(x.to_sparse()) == 0
    assert batch_bytes("text") == 0
