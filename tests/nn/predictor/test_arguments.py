from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.nn.predictor.arguments import check_call
from graphlearn.nn.registries import PREDICTORS

PAIRS = torch.tensor([[0], [1]])


def test_gives_the_graph_that_was_built(graph: CSRGraph, x: Tensor) -> None:
    assert check_call(x, graph, PAIRS, 6) is graph
    assert check_call(None, graph, PAIRS, None) is graph
    built = check_call(torch.ones(7, 3), torch.tensor([[0, 1], [1, 2]]), PAIRS, 3)
    assert (built.num_nodes, built.num_edges) == (7, 2)
    assert check_call(None, torch.tensor([[0, 1], [1, 2]]), PAIRS, None).num_nodes == 3


BAD = [
    ({"pairs": torch.zeros(2, 1)}, InputTypeError, "pairs has dtype torch.float32: expected an "
     "integer tensor of shape [2, E]; pass pairs.long() if its values are whole numbers"),
    ({"pairs": [[0], [1]]}, InputTypeError, "pairs is a list: expected an integer tensor of shape "
     "[2, E]; pass torch.as_tensor(pairs)"),
    ({"pairs": torch.zeros(2, 1, dtype=torch.bool)}, InputTypeError, "pairs has dtype torch.bool: "
     "expected an integer tensor of shape [2, E]; pass pairs.long() if its values are whole "
     "numbers"),
    ({"pairs": torch.zeros(5, 2, dtype=torch.int64)}, InputError,
     "pairs has shape [5, 2]: expected shape [2, E]; pass pairs.t()"),
    ({"pairs": torch.zeros(2, dtype=torch.int64)}, InputError,
     "pairs has shape [2]: expected shape [2, E]"),
    ({"pairs": torch.tensor([[0, 3], [1, -1]])}, InputError,
     "pairs holds node id -1 in column 1: expected ids in [0, 24)"),
    ({"pairs": torch.tensor([[0], [24]])}, InputError, "pairs holds node id 24 in column 0: "
     "expected ids in [0, 24)"),
    ({"graph": torch.ones(2, 3)}, InputTypeError, "edge_index has dtype torch.float32: expected an "
     "integer tensor of shape [2, E]; pass edge_index.long() if its values are whole numbers"),
    ({"graph": None}, InputTypeError, "edge_index is a NoneType: expected an integer tensor of "
     "shape [2, E]; pass torch.as_tensor(edge_index)"),
    ({"graph": torch.tensor([[0], [-4]])}, InputError, None),
]  # fmt: skip
BAD_X = [
    (None, InputTypeError, "x has type NoneType: expected a floating-point tensor [N, 6]"),
    ([[1.0] * 6], InputTypeError, "x has type list: expected a floating-point tensor [N, 6]"),
    (torch.ones(24, 6, dtype=torch.int64), InputTypeError,
     "x has dtype torch.int64: expected a floating-point tensor [N, 6]"),
    (torch.ones(24, 5), InputError, "x has shape [24, 5]: expected shape [N, 6]"),
    (torch.ones(6), InputError, "x has shape [6]: expected shape [N, 6]"),
    (torch.ones(23, 6), InputError,
     "x has 23 rows: expected 24, one for each node of the graph"),
    (torch.ones(24, 6).to_sparse_csr(), InputTypeError,
     "x has layout torch.sparse_csr: expected a dense tensor; pass x.to_dense()"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "kind", "message"), BAD)
def test_every_predictor_refuses_bad_pairs_and_graphs(
    predictor_name: str, changed: dict, kind, message, make_predictor, states_for, graph: CSRGraph
) -> None:
    x = states_for(predictor_name)
    good = {"x": None if x is None else x.float(), "graph": graph, "pairs": PAIRS}
    with pytest.raises(kind, match=None if message is None else f"^{re.escape(message)}$"):
        make_predictor(predictor_name)(**(good | changed))


@pytest.mark.parametrize(("x", "kind", "message"), BAD_X)
@pytest.mark.parametrize("name", ["dot", "hadamard", "ncn", "ncn-count", "ncnc"])
def test_every_learned_predictor_refuses_bad_representations(
    name: str, x, kind, message: str, make_predictor, graph: CSRGraph
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make_predictor(name)(x, graph, PAIRS)


@pytest.mark.parametrize("name", ["hadamard", "ncn", "ncn-count", "ncnc"])
def test_every_learned_predictor_refuses_a_bad_dropout(name: str, make_predictor) -> None:
    with pytest.raises(InputError, match=r"^dropout is 1\.5: expected a number in \[0, 1\]$"):
        make_predictor(name, dropout=1.5)


@pytest.mark.parametrize("name", ["hadamard", "ncn", "ncn-count", "ncnc"])
def test_every_learned_predictor_refuses_another_dtype(
    name: str, make_predictor, graph: CSRGraph
) -> None:
    message = (
        "x has dtype torch.float64: expected torch.float32, as the predictor's weights have; "
        "pass x.to(torch.float32), or predictor.to(torch.float64)"
    )
    with pytest.raises(InputTypeError, match=f"^{re.escape(message)}$"):
        make_predictor(name)(torch.ones(24, 6, dtype=torch.float64), graph, PAIRS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = make_predictor(name)(torch.ones(24, 6, dtype=torch.bfloat16), graph, PAIRS)
        with pytest.raises(InputTypeError, match=f"^{re.escape(message)}$"):
            make_predictor(name)(torch.ones(24, 6, dtype=torch.float64), graph, PAIRS)
    assert scores.isfinite().all()


@pytest.mark.parametrize("sizes", [(0, None), (-2, None), (4, 0)])
@pytest.mark.parametrize("name", ["hadamard", "ncn", "ncn-count", "ncnc"])
def test_every_learned_predictor_refuses_sizes_below_one(name: str, sizes: tuple) -> None:
    with pytest.raises(InputError, match="channels is .*: expected an integer >= 1$"):
        PREDICTORS.get(name)(*sizes)


@pytest.mark.parametrize("name", ["cn", "hadamard", "ncn", "ncn-count", "ncnc", "ppr"])
def test_neighborhoods_of_a_directed_graph_are_refused(name: str, make_predictor) -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=False)
    with pytest.raises(InputError, match="^graph is directed: expected an undirected graph"):
        make_predictor(name)(torch.ones(3, 6), graph, PAIRS)


@pytest.mark.parametrize("edge_dropout", [-0.1, 1.5])
@pytest.mark.parametrize("name", ["ncn", "ncn-count", "ncnc"])
def test_every_ncn_refuses_a_bad_edge_dropout_when_it_is_made(
    name: str, edge_dropout: float, make_predictor
) -> None:
    with pytest.raises(InputError, match="edge_dropout"):
        make_predictor(name, edge_dropout=edge_dropout)
