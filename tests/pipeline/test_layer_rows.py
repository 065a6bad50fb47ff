from __future__ import annotations

import pytest
import torch

from graphlearn.pipeline import GraphChunk
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.layer_rows import Alone, Exchange, LayerRows, with_halo

CPU = torch.device("cpu")


def part(number: int, nodes: list[int], halo: list[int]) -> GraphChunk:
    none = torch.empty(0, dtype=torch.int64)
    rowptr = torch.zeros(len(nodes) + 1, dtype=torch.int64)
    return GraphChunk(
        number, torch.tensor(nodes), torch.tensor(halo), rowptr, none, none, None, none
    )


def make_rows(gamma: float = 2.0, exchange: Exchange | None = None) -> LayerRows:
    """Nodes 0 to 5 in three chunks; each chunk reads one node of each other chunk."""
    chunks = [part(0, [0, 1], [2, 4]), part(1, [2, 3], [0, 5]), part(2, [4, 5], [1, 3])]
    held = HeldRows(chunks, torch.tensor([0, 0, 1, 1, 2, 2]))
    return LayerRows(held, 1, torch.float64, CPU, gamma, exchange or Alone())


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_halos_are_fresh_where_their_chunk_had_its_turn_and_old_elsewhere() -> None:
    rows = make_rows()
    rows.history[:, 0] = -torch.arange(6.0).double()
    rows.begin_epoch([1, 2, 0])
    assert with_halo(column(2, 3), rows, 1).flatten().tolist() == [2, 3, 0, -5]
    assert with_halo(column(4, 5), rows, 2).flatten().tolist() == [4, 5, -1, 3]
    assert with_halo(column(7, 8), rows, 0).flatten().tolist() == [7, 8, 2, 4]
    # Computed again on the way back, a chunk reads what it read: later ones are not fresh for it.
    again = with_halo(column(2, 3), rows, 1, store=False)
    assert again.flatten().tolist() == [2, 3, 0, -5]


def test_the_history_changes_at_a_refresh_alone() -> None:
    rows = make_rows()
    rows.begin_epoch([0, 1, 2])
    rows.store(2, column(4, 5))
    assert rows.read(0).flatten().tolist() == [0, 0]
    rows.refresh()
    rows.begin_epoch([0, 1, 2])
    rows.store(2, column(40, 50))
    assert rows.read(0).flatten().tolist() == [0, 4]


@pytest.mark.parametrize("gamma", [1.0, 2.0, 1.5])
def test_gradients_of_fresh_rows_come_back_gamma_times_and_of_old_ones_not(gamma) -> None:
    rows = make_rows(gamma)
    rows.begin_epoch([1, 2, 0])
    given = {number: column(0, 0).requires_grad_() for number in range(3)}
    out = {number: with_halo(given[number], rows, number) for number in (1, 2, 0)}
    # Backward in reverse order; the weights say whose row the gradient is of.
    for number in (0, 2, 1):
        out[number].backward(column(1, 10, 100, 1000) * 10**number)
    assert given[0].grad.flatten().tolist() == [1, 10]
    # Chunk 0 reads node 4 (place 3 of its rows), chunk 1 reads node 5 as history: no gradient.
    assert given[2].grad.flatten().tolist() == [100 + gamma * 1000, 1000]
    # Chunk 0 reads node 2, chunk 2 reads node 3.
    assert given[1].grad.flatten().tolist() == [10 + gamma * 100, 100 + gamma * 100000]


def test_an_epoch_begins_without_gradients() -> None:
    rows = make_rows()
    rows.begin_epoch([0, 1, 2])
    rows.give(2, column(1, 1))
    assert rows.gradient.any()
    rows.begin_epoch([0, 1, 2])
    assert not rows.gradient.any()


def test_for_evaluation_all_is_fresh() -> None:
    rows = make_rows()
    rows.begin_epoch([0, 1, 2], all_fresh=True)
    for number in range(3):
        rows.store(number, column(2 * number, 2 * number + 1))
    assert rows.read(0).flatten().tolist() == [2, 4]


def test_other_ways_rows_of_the_same_chunk_are_fresh_and_their_gradients_whole() -> None:
    class Other:
        """Another way that has node 1 of chunk 0."""

        def publish(self, chunk: int, rows: torch.Tensor) -> None:
            rows[1] = 11.0

        def return_gradients(self, chunk: int, gradients: torch.Tensor) -> None:
            gradients[0] += 0.5

    held = HeldRows([part(0, [0], [1])], torch.tensor([0, 0]), sent=torch.tensor([0]))
    rows = LayerRows(held, 1, torch.float64, CPU, 2.0, Other())
    rows.begin_epoch([0])
    given = column(3).requires_grad_()
    out = with_halo(given, rows, 0)
    assert out.flatten().tolist() == [3, 11]
    out.backward(column(1, 7))
    assert rows.gradient.flatten().tolist() == [0.5, 7.0]  # not gamma times: it is no other chunk
    assert given.grad.flatten().tolist() == [1.5]


def test_nodes_that_no_other_chunk_reads_take_no_memory() -> None:
    chunks = [part(0, [0, 1, 2], [4]), part(1, [3, 4], [2])]
    rows = LayerRows(
        HeldRows(chunks, torch.tensor([0, 0, 0, 1, 1])), 1, torch.float64, CPU, 2.0, Alone()
    )
    assert rows.fresh.shape == rows.history.shape == rows.gradient.shape == (2, 1)
    rows.begin_epoch([0, 1])
    given = {0: column(1, 2, 3).requires_grad_(), 1: column(4, 5).requires_grad_()}
    out = {number: with_halo(given[number], rows, number) for number in (0, 1)}
    assert out[0].flatten().tolist() == [1, 2, 3, 0]
    assert out[1].flatten().tolist() == [4, 5, 3]
    out[1].backward(column(1, 10, 100))
    out[0].backward(column(1, 10, 100, 1000))
    assert given[1].grad.flatten().tolist() == [1, 10]
    assert given[0].grad.flatten().tolist() == [1, 10, 100 + 2 * 100]
