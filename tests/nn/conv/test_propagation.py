from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import Propagation, propagate
from graphlearn.nn.conv import propagation
from graphlearn.nn.conv.propagation import check_normalization

NORMALIZATIONS = ("gcn", "sum", "mean")
VIEWS: dict[str, Callable[[CSRGraph], CSRGraph]] = {
    "whole": lambda graph: graph,
    "without edges": lambda graph: graph.without_edges(torch.arange(0, graph.num_edges, 3)),
    "entries dropped": lambda graph: graph.drop_entries(0.4, torch.Generator().manual_seed(1)),
    "directed": lambda graph: CSRGraph.from_edge_index(
        graph.edge_pairs(), graph.num_nodes, undirected=False
    ),
    "directed, entries dropped": lambda graph: CSRGraph.from_edge_index(
        graph.edge_pairs(), graph.num_nodes, undirected=False
    ).drop_entries(0.4, torch.Generator().manual_seed(1)),
}


def dense_propagate(matrix: Tensor, x: Tensor, normalization: str) -> Tensor:
    degree = matrix.sum(dim=1)
    if normalization == "sum":
        return matrix @ x
    if normalization == "mean":
        return torch.where(degree > 0, 1 / degree, 0.0).diag() @ matrix @ x
    scale = (degree + 1).pow(-0.5).diag()
    return scale @ (matrix + torch.eye(len(matrix), dtype=matrix.dtype)) @ scale @ x


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_value_and_gradient_against_dense_matrices(
    view: str, normalization, graph: CSRGraph, x: Tensor, adjacency
) -> None:
    seen = VIEWS[view](graph)
    matrix = adjacency(seen)
    if view == "entries dropped":
        assert not torch.equal(matrix, matrix.t())
    x.requires_grad_()
    found = propagate(x, seen, normalization)
    expected = dense_propagate(matrix, x, normalization)
    torch.testing.assert_close(found, expected)
    grad = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, x, grad), torch.autograd.grad(expected, x, grad)
    )


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_gradcheck(view: str, normalization, graph: CSRGraph, x: Tensor) -> None:
    seen = VIEWS[view](graph)
    x = x[:, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: propagate(x, seen, normalization), (x,))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_isolated_nodes_and_no_edges(normalization) -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 3)
    out = propagate(torch.tensor([[1.0], [2.0], [3.0]]), bare, normalization)
    assert out.flatten().tolist() == ([1.0, 2.0, 3.0] if normalization == "gcn" else [0.0] * 3)
    nothing = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64))
    assert propagate(torch.ones(0, 4), nothing, normalization).shape == (0, 4)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_types(normalization, dtype, graph: CSRGraph, x: Tensor, adjacency) -> None:
    seen = graph.drop_entries(0.4, torch.Generator().manual_seed(1))
    found = propagate(x.to(dtype), seen, normalization)
    assert found.dtype == dtype
    coarse = 1e-5 if dtype == torch.float32 else 0.2
    expected = dense_propagate(adjacency(seen), x, normalization)
    torch.testing.assert_close(found.double(), expected, atol=coarse, rtol=coarse)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("isolated", [0, 300])  # the graph is dense without them, and thin with
def test_autocast_by_matrix_and_by_lists(
    view: str, normalization, isolated: int, graph: CSRGraph, x: Tensor, adjacency, monkeypatch
) -> None:
    monkeypatch.setattr(propagation, "multiplies_bfloat16", lambda kind: True)
    larger = CSRGraph.from_edge_index(graph.edge_pairs(), graph.num_nodes + isolated)
    seen = VIEWS[view](larger)
    wide = torch.cat([x, x.new_ones(isolated, x.size(1))]).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = propagate(wide, seen, normalization)
    assert ("matrix" in vars(seen)) == (isolated == 0)
    exact = wide.detach().double().requires_grad_()
    expected = dense_propagate(adjacency(seen), exact, normalization)
    coarse = {"atol": 0.06, "rtol": 0.02} if isolated == 0 else {"atol": 1e-5, "rtol": 1e-5}
    torch.testing.assert_close(found.double(), expected, **coarse)
    grad = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    (mine,) = torch.autograd.grad(found, wide, grad.to(found.dtype))
    (wanted,) = torch.autograd.grad(expected, exact, grad.double())
    torch.testing.assert_close(mine.double(), wanted, **coarse)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("fast", [False, True])
def test_under_autocast_the_dtype_is_that_of_the_states_either_way(
    normalization, dtype: torch.dtype, fast: bool, graph: CSRGraph, x: Tensor, monkeypatch
) -> None:
    monkeypatch.setattr(propagation, "multiplies_bfloat16", lambda kind: fast)
    seen = graph.without_edges(torch.tensor([0]))
    with torch.autocast("cpu", torch.bfloat16):
        assert propagate(x.to(dtype), seen, normalization).dtype == dtype
    assert ("matrix" in vars(seen)) == fast  # without instructions for it, lists


def test_a_matrix_made_in_inference_serves_training_too(
    graph: CSRGraph, x: Tensor, monkeypatch
) -> None:
    monkeypatch.setattr(propagation, "multiplies_bfloat16", lambda kind: True)
    wide = x.float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.inference_mode():
            propagate(wide, graph, "mean")
        propagate(wide, graph, "mean").sum().backward()
    assert wide.grad is not None


def test_weights_of_messages_and_float64_keep_their_precision_under_autocast(
    graph: CSRGraph, x: Tensor
) -> None:
    weighted = graph.with_weights(torch.rand(graph.col.numel()), torch.rand(graph.num_nodes))
    plain = propagate(x.float(), weighted), propagate(x, graph, "gcn")
    with torch.autocast("cpu", torch.bfloat16):
        found = propagate(x.float(), weighted), propagate(x, graph, "gcn")
    assert all(map(torch.equal, plain, found))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_module_is_the_function(normalization, graph: CSRGraph, x: Tensor) -> None:
    layer = Propagation(normalization)
    expected = propagate(x, graph, normalization)
    assert torch.equal(layer(x, graph), expected)
    torch.testing.assert_close(layer(x, graph.edge_index()), expected)
    assert list(layer.parameters()) == []
    assert repr(layer) == f"Propagation({normalization!r})"


def test_unknown_normalization() -> None:
    assert check_normalization("mean") == "mean"
    with pytest.raises(UnknownNameError, match="unknown normalization 'gnc'.*did you mean 'gcn'"):
        Propagation("gnc")


def test_bad_features(graph: CSRGraph) -> None:
    with pytest.raises(InputError, match="^x has 5 rows: expected 24, one for each node"):
        Propagation()(torch.ones(5, 2), graph)
    with pytest.raises(InputTypeError, match="^x has dtype torch.int64"):
        Propagation()(torch.ones(24, 2, dtype=torch.int64), graph)
    with pytest.raises(InputError, match="^x has shape"):
        Propagation("sum")(torch.ones(24), graph)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("rows", [22, 30])
def test_function_refuses_features_of_another_graph(
    normalization, rows: int, graph: CSRGraph
) -> None:
    # The compiled loop trusts its indices: with too few rows it would read beyond them.
    storage = torch.ones(30, 2)
    with pytest.raises(InputError, match=f"^x has {rows} rows: expected 24, one for each node"):
        propagate(storage[:rows], graph, normalization)
