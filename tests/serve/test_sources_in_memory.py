"""Ids, times and edges of graphs in memory."""

from __future__ import annotations

import datetime

import networkx
import numpy as np
import pandas
import pytest
import torch
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.serve.sources_in_memory import GivenGraph, given_times, graph_in_memory

PAIRS = [(0, 1), (1, 2), (2, 3)]
INDEX = torch.tensor(PAIRS).t()


def test_networkx_ids_are_kept() -> None:
    graph = graph_in_memory(networkx.Graph([(30, 10), (10, 20)]))
    assert isinstance(graph, GivenGraph)
    assert (graph.columns.ids.tolist(), graph.rows) == ([30, 10, 20], "none")
    assert graph.columns.pairs.tolist() == [[0, 1], [1, 2]]  # each edge once
    assert graph_in_memory(networkx.Graph([("a", 1), (1, (2, 3))])).columns.ids == [
        "a", "1", "(2, 3)",
    ]  # fmt: skip
    assert graph_in_memory(networkx.Graph([(1, 2)]), text_ids=True).columns.ids == ["1", "2"]
    assert graph_in_memory(networkx.path_graph(3)).rows == "id"
    with pytest.raises(InputError, match="the nodes 1 and '1', which as text are one id"):
        graph_in_memory(networkx.Graph([(1, "1"), ("1", 2)]))
    with pytest.raises(InputError, match="of 2 nodes without edges"):
        graph_in_memory(networkx.empty_graph(2))


@pytest.mark.parametrize("kind", [networkx.Graph, networkx.DiGraph, networkx.MultiGraph])
def test_networkx_times_by_name(kind: type) -> None:
    graph = kind()
    graph.add_edge("a", "b", sent="1970-01-02")
    graph.add_edge("b", "c", sent="1970-01-03")
    assert graph_in_memory(graph, time="sent").columns.times.tolist() == [86400.0, 172800.0]
    assert graph_in_memory(graph, time=[3, 4]).columns.times.tolist() == [3.0, 4.0]
    with pytest.raises(UnknownNameError, match="unknown attribute 'send'.*did you mean 'sent'"):
        graph_in_memory(graph, time="send")
    graph.add_edge("c", "d")
    with pytest.raises(InputError, match="edge .'c', 'd'. has no attribute 'sent'"):
        graph_in_memory(graph, time="sent")


def test_data_times_by_name() -> None:
    data = Data(edge_index=INDEX, num_nodes=4, sent=torch.arange(3))
    assert graph_in_memory(data, time="sent").columns.times.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(UnknownNameError, match="unknown attribute 'send'.*did you mean 'sent'"):
        graph_in_memory(data, time="send")


def test_data_ids() -> None:
    def ids(node_ids: object, **options: bool) -> object:
        data = Data(edge_index=INDEX, num_nodes=4, node_ids=node_ids)
        return graph_in_memory(data, **options).columns.ids

    assert ids(torch.tensor([9, 7, -8, 6])).tolist() == [9, 7, -8, 6]
    assert ids([9, 7, 8, 6]).tolist() == [9, 7, 8, 6]
    assert ids([9, 7, 8, 6], text_ids=True) == ["9", "7", "8", "6"]
    for wrong, text in (
        ([1, 2], "expected 4, one for each node"),
        ([1, 1, 2, 3], "an id more than once"),
        (["a", "a", "b", "c"], "'a' and 'a', which as text are one id"),
        ([1, 2, 3, 2**63], "ids of 2..63 or more"),
    ):
        with pytest.raises(InputError, match=text):
            ids(wrong)


def test_pairs() -> None:
    def ids(pairs: object, **options: bool) -> object:
        return graph_in_memory(pairs, **options).columns.ids

    assert ids([("003", "3")]) == ["003", "3"]
    assert ids([(5, "a"), ("a", 3)], text_ids=True) == ["5", "a", "3"]
    assert ids([(-5, 2**70)], text_ids=True) == ["-5", str(2**70)]
    assert ids(np.array([[5, 3]]), text_ids=True) == ["5", "3"]
    for wrong in ([(2**63, 1)], np.array([[2**63, 1]], dtype=np.uint64)):
        with pytest.raises(InputError, match="node id 9223372036854775808: expected ids below"):
            ids(wrong)
    with pytest.raises(InputError, match="node id -1: expected ids >= 0; pass --text-ids"):
        ids(torch.tensor([[-1, 2]]))
    for wrong in (torch.ones(3, 2).requires_grad_(), [(1.5, 2)], [(True, False)]):
        with pytest.raises(InputTypeError, match="others than integers and text"):
            ids(wrong)


def test_frames_with_times_apart() -> None:
    frame = pandas.DataFrame({"a": [1, 2], "b": [2, 3]})
    assert graph_in_memory(frame, time=[5, 6]).columns.times.tolist() == [5.0, 6.0]


def test_times_of_any_type() -> None:
    days = [datetime.datetime(1970, 1, day, tzinfo=datetime.UTC) for day in (1, 2)]
    for times in (
        torch.tensor([0.0, 86400.0]).requires_grad_(),
        (0, 86400),
        ["1970-01-01", "1970-01-02"],
        days,
        pandas.Series(days),
        pandas.Series(days).dt.tz_localize(None),
        np.array(["1970-01-01", "1970-01-02"], dtype="datetime64[D]"),
    ):
        assert given_times(times, 2).tolist() == [0.0, 86400.0]
    assert given_times(None, 2) is None
    with pytest.raises(InputError, match="row 1, has no time"):
        given_times(pandas.Series([days[0], pandas.NaT]), 2)
    with pytest.raises(InputError, match="row 1, has the date"):
        given_times([5, "1970-01-01"], 2)
    for wrong in ([[1], [1, 2]], object(), "when"):
        with pytest.raises(InputTypeError, match="time is a"):
            given_times(wrong, 2)
