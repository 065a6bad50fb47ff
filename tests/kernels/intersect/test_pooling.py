from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import (
    CSRGraph,
    NeighborLists,
    PoolingPlan,
    common_neighbors,
    plan_pooling,
    pool_lists,
)
from graphlearn.kernels.intersect import pooling
from graphlearn.kernels.intersect.pooling import choose_path
from graphlearn.kernels.intersect.reference import pooled_reference


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def small() -> tuple[CSRGraph, Tensor, NeighborLists]:
    """A small graph, all its pairs, and their common neighbors."""
    graph = CSRGraph.from_edge_index(torch.combinations(torch.arange(7)).t()[:, ::2], 8)
    pairs = torch.cartesian_prod(torch.arange(8), torch.arange(8)).t()
    return graph, pairs, common_neighbors(graph, pairs)


@pytest.mark.parametrize("path", ["gather", "dense", "auto"])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_path_gives_the_same_sums(graph, pairs, path: str, weighted: bool) -> None:
    x = draw(graph.num_nodes, 3)
    weight = draw(graph.num_nodes, seed=1) if weighted else None
    lists = common_neighbors(graph, pairs)
    found = pool_lists(lists, x, weight, path=path)  # type: ignore[arg-type]
    torch.testing.assert_close(found, pooled_reference(graph, pairs, x, weight))


@pytest.mark.parametrize("path", ["gather", "dense"])
def test_gradcheck(small, path) -> None:
    _, _, lists = small
    x, weight = draw(8, 3).requires_grad_(), draw(8, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pool_lists(lists, x, path=path), (x,))
    assert torch.autograd.gradcheck(lambda x, w: pool_lists(lists, x, w, path=path), (x, weight))


def test_gradcheck_of_entry_weights(small) -> None:
    _, _, lists = small
    x, weight = draw(8, 3).requires_grad_(), draw(8, seed=1).requires_grad_()
    of_entry = draw(lists.node.numel(), seed=2).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, e: pool_lists(lists, x, entry_weight=e), (x, of_entry)
    )
    assert torch.autograd.gradcheck(
        lambda x, w, e: pool_lists(lists, x, w, entry_weight=e), (x, weight, of_entry)
    )


def test_entry_weights_multiply_node_weights(small) -> None:
    _, _, lists = small
    x, weight, of_entry = draw(8, 2), draw(8, seed=1), draw(lists.node.numel(), seed=2)
    found = pool_lists(lists, x, weight, entry_weight=of_entry)
    dense = torch.zeros(len(lists), 8, dtype=torch.float64)
    dense[lists.rows(), lists.node.long()] = of_entry * weight[lists.node.long()]
    torch.testing.assert_close(found, dense @ x)


def test_the_dense_path_in_chunks(small, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, lists = small
    x, grad = draw(8, 3).requires_grad_(), draw(len(lists), 3, seed=1)
    results = []
    for limit in (64 << 20, 3 * 8 * 8, 1):  # all rows at once, three, and one
        monkeypatch.setattr(pooling, "_DENSE_BYTES", limit)
        out = pool_lists(lists, x, path="dense")
        results.append([out, *torch.autograd.grad(out, x, grad)])
    for result in results[1:]:
        torch.testing.assert_close(result, results[0])


def test_dense_rows_are_bounded() -> None:
    num_nodes, num_lists = 10_000, 5000  # 400 MB as float64
    nodes = torch.arange(num_lists) % num_nodes
    lists = NeighborLists(torch.arange(num_lists + 1), nodes)
    like = torch.empty(0, dtype=torch.float64)
    seen = 0
    for begin, end, rows in pooling._dense_rows(lists, num_nodes, like):
        assert begin == seen
        assert rows.shape == (end - begin, num_nodes)
        assert rows.numel() * rows.element_size() <= 64 << 20
        seen = end
    assert seen == num_lists


def test_no_lists_and_no_channels(small) -> None:
    _, _, lists = small
    none = NeighborLists(torch.zeros(1, dtype=torch.int64), torch.empty(0, dtype=torch.int32))
    for path in ("gather", "dense", "auto"):
        assert pool_lists(none, draw(8, 3), path=path).shape == (0, 3)  # type: ignore[arg-type]
        assert pool_lists(lists, draw(8, 0), path=path).shape == (64, 0)  # type: ignore[arg-type]


def test_the_cheaper_path_is_chosen() -> None:
    few = choose_path(entries=1000, pairs=1000, nodes=1000, channels=64)
    assert few.path == "gather"
    assert (few.entries, few.cells) == (1000, 1_000_000)
    many = choose_path(entries=990_000, pairs=1000, nodes=1000, channels=64)
    assert many.path == "dense"
    for plan in (few, many):
        gather, dense = (float(ms) for ms in re.findall(r"([\d.e+-]+) ms", plan.reason))
        assert plan.path == ("gather" if gather <= dense else "dense")
        assert re.match(rf"{plan.entries} common neighbors of 1000 pairs: gather", plan.reason)


def test_a_plan_says_what_it_is() -> None:
    plan = PoolingPlan("gather", 3, 12, "because")
    assert repr(plan) == "PoolingPlan(path='gather', entries=3, cells=12, reason='because')"


def test_plans_follow_density_and_gradients() -> None:
    path = CSRGraph.from_edge_index(torch.stack([torch.arange(99), torch.arange(1, 100)]))
    clique = CSRGraph.from_edge_index(torch.combinations(torch.arange(100)).t())
    pairs = torch.randint(100, (2, 500), generator=torch.Generator().manual_seed(0))
    assert plan_pooling(path, pairs, 64).path == "fused"
    assert plan_pooling(path, pairs, 64, needs_grad=True).path == "gather"
    assert plan_pooling(clique, pairs, 64).path == "dense"
    assert plan_pooling(clique, pairs, 64, needs_grad=True).path == "dense"
    exact = common_neighbors(clique, pairs).node.numel()
    assert plan_pooling(clique, pairs, 64).entries == pytest.approx(exact, rel=0.05)


def test_plan_without_pairs_or_nodes() -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert plan_pooling(CSRGraph.from_edge_index(none), none, 16).entries == 0


def test_auto_takes_the_cheaper_path_and_gathers_with_entry_weights(
    small, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, lists = small
    taken: list[str] = []
    apply = pooling._DensePool.apply
    monkeypatch.setattr(
        pooling._DensePool, "apply", lambda *call: (taken.append("dense"), apply(*call))[1]
    )
    x = draw(8, 4)
    expected = choose_path(lists.node.numel(), len(lists), 8, 4).path
    pool_lists(lists, x)
    assert taken == (["dense"] if expected == "dense" else [])
    taken.clear()
    pool_lists(lists, x, entry_weight=draw(lists.node.numel()))
    assert taken == []


def test_dense_refuses_entry_weights(small) -> None:
    _, _, lists = small
    message = "entry_weight was given with path='dense': expected path='gather'; leave path at"
    with pytest.raises(InputError, match=f"^{re.escape(message)} 'auto'$"):
        pool_lists(lists, draw(8, 1), entry_weight=draw(lists.node.numel()), path="dense")


def test_an_unknown_path_is_refused(small) -> None:
    _, _, lists = small
    with pytest.raises(InputError, match="dens"):
        pool_lists(lists, draw(8, 1), path="dens")  # type: ignore[arg-type]


def test_same_for_every_thread_count(
    large_graph: CSRGraph, large_pairs: Tensor, one_and_two_threads: Callable[..., list]
) -> None:
    lists = common_neighbors(large_graph, large_pairs)
    of_entry = torch.rand(lists.node.numel(), generator=torch.Generator().manual_seed(3))

    def everything() -> list[Tensor]:
        x = draw(2000, 32).float().requires_grad_()
        weight = of_entry.clone().requires_grad_()
        out = pool_lists(lists, x, entry_weight=weight)
        return [out, *torch.autograd.grad(out, (x, weight), torch.sin(out))]

    one, two = one_and_two_threads(everything)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("path", ["gather", "dense", "auto"])
def test_a_node_that_a_list_holds_twice_counts_twice(path: str) -> None:
    lists = NeighborLists(torch.tensor([0, 3, 3]), torch.tensor([1, 1, 0]))
    x = torch.tensor([[1.0], [10.0]], requires_grad=True)
    out = pool_lists(lists, x, path=path)
    assert out.flatten().tolist() == [21.0, 0.0]
    out.sum().backward()
    assert x.grad.flatten().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("path", ["gather", "dense", "auto"])
@pytest.mark.parametrize("node", [9, -1])
def test_an_id_that_is_no_row_is_refused(path: str, node: int) -> None:
    lists = NeighborLists(torch.tensor([0, 2]), torch.tensor([0, node]))
    with pytest.raises(InputError, match=f"the lists hold node id {node}: expected ids in .0, 5"):
        pool_lists(lists, torch.randn(5, 4), path=path)


def test_sparse_representations_are_refused() -> None:
    lists = NeighborLists(torch.tensor([0, 1]), torch.tensor([0]))
    with pytest.raises(InputTypeError, match="x has layout torch.sparse_csr"):
        pool_lists(lists, torch.eye(3).to_sparse_csr())
