"""Links of a file's rows: merged, counted, and joined with a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.data.node_table import NodeTable
from graphlearn.errors import InputError
from graphlearn.serve.own_links import LinkEvents, OwnLinks, own_links


def columns(pairs: list[list[int]], nodes: int, times: list[float] | None = None) -> EdgeColumns:
    return EdgeColumns(
        np.array(pairs), torch.arange(nodes), None if times is None else np.array(times)
    )


def test_repetitions_are_merged_and_said() -> None:
    own = own_links(columns([[1, 0], [0, 1], [2, 2], [1, 2], [0, 1]], 4))
    assert isinstance(own, OwnLinks)
    assert own.links.tolist() == [[0, 1], [1, 2]]
    assert own.notes == (
        "2 repeated rows were merged",
        "1 link of a node to itself was left out",
        "1 node without links",
    )


def test_every_row_is_an_event() -> None:
    own = own_links(columns([[1, 0], [2, 2], [1, 2], [0, 1]], 4, [5, 1, 4, 3]))
    assert isinstance(own.events, LinkEvents)
    assert own.events.link.tolist() == [0, 1, 0]
    assert own.events.time.tolist() == [5.0, 4.0, 3.0]
    assert own.events.first.tolist() == [3.0, 4.0]


def test_nodes_of_the_table_alone_are_isolated() -> None:
    table = NodeTable(["cem", "bob", "ann"], torch.tensor([[3.0], [2.0], [1.0]]), ["x"])
    own = own_links(EdgeColumns(np.array([[0, 1]]), ["ann", "bob"]), table)
    assert own.ids == ["ann", "bob", "cem"]
    assert own.features.flatten().tolist() == [1.0, 2.0, 3.0]
    edges = EdgeColumns(np.array([[0, 1]]), torch.tensor([9, 2, 5]))
    by_place = own_links(edges, NodeTable(edges.ids, torch.eye(3), ["x"] * 3))
    assert (by_place.ids.tolist(), by_place.features.tolist()) == ([9, 2, 5], torch.eye(3).tolist())
    numbers = NodeTable(torch.tensor([9, 1, 0]), torch.eye(3), ["x"] * 3)
    assert own_links(columns([[0, 1]], 2), numbers).ids.tolist() == [0, 1, 9]


@pytest.mark.parametrize(
    ("pairs", "nodes", "text"),
    [
        ([[0, 0]], 1, "the graph of 1 node has no link"),
        ([[i, i] for i in range(10_000)], 10_000, "the graph of 10,000 nodes has no link"),
        ([[0, 1], [1, 2], [2, 0]], 3, "links every pair of its 3 nodes"),
    ],
)
def test_refusals(pairs: list[list[int]], nodes: int, text: str) -> None:
    with pytest.raises(InputError, match=text):
        own_links(columns(pairs, nodes))


def test_a_table_that_does_not_fit() -> None:
    edges = columns([[0, 1]], 3)
    with pytest.raises(InputError, match="integers such as 0 and .* text such as 'a': .*text_ids"):
        own_links(edges, NodeTable(["a"], torch.ones(1, 1), ["x"]))
    with pytest.raises(InputError, match="lacks 2 nodes of the edge list, the first 0"):
        own_links(edges, NodeTable(torch.tensor([1]), torch.ones(1, 1), ["x"]))
