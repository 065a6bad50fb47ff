from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import (
    CSRGraph,
    NeighborLists,
    PoolingPlan,
    common_neighbors,
    neighborhood_overlap,
    pooled_common_neighbors,
)
from graphlearn.kernels.intersect import overlap_reference, pooled_reference, tensor

SQUARE = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])


def same(found: NeighborLists, expected: NeighborLists) -> bool:
    return torch.equal(found.rowptr, expected.rowptr) and torch.equal(
        found.node.long(), expected.node.long()
    )


def test_common_neighbors_against_the_reference(graph: CSRGraph, pairs: Tensor) -> None:
    found = common_neighbors(graph, pairs)
    assert same(found, overlap_reference(graph, pairs)[0])
    assert (found.rowptr.dtype, found.node.dtype) == (torch.int64, graph.col.dtype)


def test_overlap_against_the_reference(graph: CSRGraph, pairs: Tensor) -> None:
    for found, expected in zip(
        neighborhood_overlap(graph, pairs), overlap_reference(graph, pairs), strict=True
    ):
        assert same(found, expected)
        assert found.node.dtype == graph.col.dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_pooled_against_the_reference(
    graph: CSRGraph, pairs: Tensor, dtype: torch.dtype, weighted: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(graph.num_nodes, 3, dtype=dtype, generator=generator)
    weight = torch.randn(graph.num_nodes, dtype=dtype, generator=generator) if weighted else None
    expected = pooled_reference(graph, pairs, x, weight)
    for path in ("fused", "gather", "dense"):
        plan = PoolingPlan(path, 0, 0, "")
        found = pooled_common_neighbors(graph, pairs, x, weight, plan=plan)
        assert found.dtype == dtype
        tight = 1e-12 if dtype == torch.float64 else 1e-4
        torch.testing.assert_close(found, expected, atol=tight, rtol=tight)
    assert pooled_common_neighbors(graph, pairs, x, weight).shape == expected.shape


def test_the_order_of_endpoints_exchanges_residuals(hub_graph: CSRGraph) -> None:
    pairs = torch.tensor([[0, 0, 5, 399, 2], [1, 9, 9, 2, 2]])
    common, only_u, only_v = neighborhood_overlap(hub_graph, pairs)
    turned_common, turned_u, turned_v = neighborhood_overlap(hub_graph, pairs.flip(0))
    assert same(common, turned_common)
    assert same(only_u, turned_v)
    assert same(only_v, turned_u)


def test_residuals_do_not_show_whether_the_pair_is_linked(hub_graph: CSRGraph) -> None:
    for edge in range(0, hub_graph.num_edges, 40):
        link = hub_graph.edge_pairs()[:, edge : edge + 1]
        removed = hub_graph.without_edges(torch.tensor([edge]))
        for shown, hidden in zip(
            neighborhood_overlap(hub_graph, link), neighborhood_overlap(removed, link), strict=True
        ):
            assert same(shown, hidden)


def test_one_pair_alone_gets_what_it_gets_in_a_batch(hub_graph: CSRGraph) -> None:
    pairs = torch.cat([hub_graph.edge_pairs()[:, ::9], torch.zeros(2, 40, dtype=torch.int64)], 1)
    together = common_neighbors(hub_graph, pairs).tolist()
    assert together == [common_neighbors(hub_graph, p[:, None]).tolist()[0] for p in pairs.t()]
    x = torch.randn(400, 5, dtype=torch.float64)
    plan = PoolingPlan("fused", 0, 0, "")
    pooled = pooled_common_neighbors(hub_graph, pairs, x, plan=plan)
    alone = [pooled_common_neighbors(hub_graph, p[:, None], x, plan=plan) for p in pairs.t()]
    assert torch.equal(pooled, torch.cat(alone))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_pairs_of_any_integer_width(dtype: torch.dtype) -> None:
    pairs = torch.tensor([[0, 0], [2, 1]])
    assert common_neighbors(SQUARE, pairs.to(dtype)).tolist() == [[1, 3], []]
    found = [lists.tolist() for lists in neighborhood_overlap(SQUARE, pairs.to(dtype))]
    assert found == [[[1, 3], []], [[], [3]], [[], [2]]]
    assert pooled_common_neighbors(SQUARE, pairs.to(dtype), torch.eye(4)).sum() == 2.0


def test_pairs_that_are_not_contiguous(hub_graph: CSRGraph) -> None:
    pairs = torch.randint(400, (50, 4), generator=torch.Generator().manual_seed(1))
    view = pairs[:, ::2].t()
    assert not view.is_contiguous()
    assert same(common_neighbors(hub_graph, view), common_neighbors(hub_graph, view.contiguous()))


def test_no_pairs(hub_graph: CSRGraph) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    for lists in (common_neighbors(hub_graph, none), *neighborhood_overlap(hub_graph, none)):
        assert (len(lists), lists.tolist()) == (0, [])
    x = torch.ones(400, 3, requires_grad=True)
    assert pooled_common_neighbors(hub_graph, none, x.detach()).shape == (0, 3)
    out = pooled_common_neighbors(hub_graph, none, x)
    assert out.shape == (0, 3)
    out.sum().backward()
    assert not x.grad.any()


def test_an_edge_index_in_place_of_a_graph() -> None:
    pairs = torch.tensor([[0, 1], [2, 3]])
    assert common_neighbors(SQUARE, pairs).tolist() == [[1, 3], [0, 2]]
    assert [lists.tolist() for lists in neighborhood_overlap(SQUARE, pairs)] == [
        [[1, 3], [0, 2]],
        [[], []],
        [[], []],
    ]
    # Here x says how many nodes there are, so a pair may name one that no edge names.
    out = pooled_common_neighbors(SQUARE, torch.tensor([[0, 0], [2, 4]]), torch.eye(5))
    assert out.tolist() == [[0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]


def test_removed_target_links_leave_both_neighborhoods() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 1], [1, 2, 2]]))  # a triangle
    pairs = torch.tensor([[0], [1]])
    assert common_neighbors(graph, pairs).tolist() == [[2]]
    assert common_neighbors(graph.without_edges(torch.tensor([0])), pairs).tolist() == [[2]]
    # Beside the pair's own link, another link of the batch: 0 - 2.
    assert common_neighbors(graph.without_edges(torch.tensor([0, 1])), pairs).tolist() == [[]]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("path", ["gather", "dense"])
def test_gradcheck(mask: bool, path: str) -> None:
    graph = CSRGraph.from_edge_index(torch.combinations(torch.arange(7)).t()[:, ::2])
    if mask:
        graph = graph.drop_entries(0.3, torch.Generator().manual_seed(0))
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7)).t()
    x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(7, dtype=torch.float64, requires_grad=True)
    plan = PoolingPlan(path, 0, 0, "")  # type: ignore[arg-type]

    def pooled(x: Tensor, weight: Tensor | None = None) -> Tensor:
        return pooled_common_neighbors(graph, pairs, x, weight, plan=plan)

    assert torch.autograd.gradcheck(pooled, (x,))
    assert torch.autograd.gradcheck(pooled, (x, weight))
    assert torch.autograd.gradcheck(lambda w: pooled(x.detach(), w), (weight,))


def test_gradients_of_the_plan_made_here(hub_graph: CSRGraph) -> None:
    pairs = hub_graph.edge_pairs()[:, ::5]
    x = torch.randn(400, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(400, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(pairs.size(1), 4, dtype=torch.float64)
    found = torch.autograd.grad(
        pooled_common_neighbors(hub_graph, pairs, x, weight), (x, weight), grad
    )
    expected = torch.autograd.grad(pooled_reference(hub_graph, pairs, x, weight), (x, weight), grad)
    torch.testing.assert_close(found, expected)


def test_a_fused_plan_does_not_lose_gradients_in_silence(hub_graph: CSRGraph) -> None:
    pairs = hub_graph.edge_pairs()[:, :20]
    x = torch.randn(400, 2, dtype=torch.float64, requires_grad=True)
    plan = PoolingPlan("fused", 0, 0, "made without needs_grad")
    try:
        out = pooled_common_neighbors(hub_graph, pairs, x, plan=plan)
    except InputError:
        return  # refusing is sound too
    assert out.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_without_gradients(dtype: torch.dtype) -> None:
    out = pooled_common_neighbors(SQUARE, torch.tensor([[0], [2]]), torch.ones(4, 2, dtype=dtype))
    assert out.dtype == dtype
    assert out.tolist() == [[2.0, 2.0]]


def test_x_need_not_be_contiguous_and_the_weight_of_another_width() -> None:
    x = torch.arange(8.0).reshape(2, 4).t()
    pairs = torch.tensor([[0, 1], [2, 3]])
    weight = torch.tensor([1.0, 10.0, 100.0, 1000.0], dtype=torch.float64)
    out = pooled_common_neighbors(SQUARE, pairs, x, weight)
    assert out.tolist() == [[3010.0, 7050.0], [200.0, 604.0]]


def test_same_for_every_thread_count(
    large_graph: CSRGraph,
    large_pairs: Tensor,
    one_and_two_threads: Callable[..., list[list[Tensor]]],
) -> None:
    masked = large_graph.without_edges(torch.arange(0, large_graph.num_edges, 5))
    x = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0))
    plan = PoolingPlan("fused", 0, 0, "")

    def everything() -> list[Tensor]:
        results = []
        for graph in (large_graph, masked):
            lists = (
                common_neighbors(graph, large_pairs),
                *neighborhood_overlap(graph, large_pairs),
            )
            results += [t for found in lists for t in (found.rowptr, found.node)]
            results.append(pooled_common_neighbors(graph, large_pairs, x, plan=plan))
        return results

    one, two = one_and_two_threads(everything)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert same(NeighborLists(one[0], one[1]), tensor.common_neighbors(large_graph, large_pairs))


def test_tensors_elsewhere_take_the_torch_path(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("common_neighbors", "overlap"):
        monkeypatch.setattr(tensor, name, lambda *_, name=name: calls.append(name))
    graph = CSRGraph.from_edge_index(SQUARE).to("meta")
    common_neighbors(graph, SQUARE)
    neighborhood_overlap(graph, SQUARE)
    assert calls == ["common_neighbors", "overlap"]


def _peak_growth(function: Callable[[], object]) -> int:
    """By how many bytes the process grew at most while ``function`` ran (Linux)."""
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        clear.write_text("5")  # forget the peak so far
    except OSError:
        pytest.skip("this system does not let a process reset its memory peak")

    def kilobytes(name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1])

    before = kilobytes("VmRSS")
    function()
    return 1024 * (kilobytes("VmHWM") - before)


def test_memory_does_not_grow_with_nodes_times_pairs() -> None:
    num_nodes, num_pairs = 1_000_000, 8192
    generator = torch.Generator().manual_seed(0)
    hubs = torch.stack(
        [torch.arange(2000) % 8, torch.randint(num_nodes, (2000,), generator=generator)]
    )
    graph = CSRGraph.from_edge_index(hubs, num_nodes)
    pairs = torch.randint(8, (2, num_pairs), generator=generator)
    pairs[1, ::2] = torch.randint(num_nodes, (num_pairs // 2,), generator=generator)
    x = torch.ones(num_nodes, 1)
    plan = PoolingPlan("fused", 0, 0, "")
    for part in (pairs[:, :2], pairs):  # the first call compiles and makes the caches

        def everything(part: Tensor = part) -> None:
            common_neighbors(graph, part)
            neighborhood_overlap(graph, part)
            pooled_common_neighbors(graph, part, x, plan=plan)

        growth = _peak_growth(everything)
    # A byte for each node and pair would be 8 GB, a bit 1 GB. A bitmap is 125 kB.
    assert growth < 100 << 20


@pytest.mark.parametrize(
    "function",
    [
        common_neighbors,
        neighborhood_overlap,
        lambda graph, pairs: pooled_common_neighbors(graph, pairs, torch.ones(4, 2)),
    ],
)
@pytest.mark.parametrize(
    ("pairs", "kind", "message"),
    [
        (torch.zeros(2, 1), InputTypeError, "pairs has dtype torch.float32: expected an integer "
         "tensor of shape [2, E]; pass pairs.long() if its values are whole numbers"),
        ([[0], [1]], InputTypeError, "pairs is a list: expected an integer tensor of shape [2, E]; "
         "pass torch.as_tensor(pairs)"),
        (torch.zeros(3, 2, dtype=torch.int64), InputError,
         "pairs has shape [3, 2]: expected shape [2, E]; pass pairs.t()"),
        (torch.tensor([[0], [4]]), InputError, "pairs holds node id 4 in column 0: expected ids in "
         "[0, 4)"),
        (torch.tensor([[0, -1], [1, 1]]), InputError,
         "pairs holds node id -1 in column 1: expected ids in [0, 4)"),
    ],
)  # fmt: skip
def test_bad_pairs(function, pairs, kind, message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        function(SQUARE, pairs)


@pytest.mark.parametrize(
    ("x", "weight", "kind", "message"),
    [
        (torch.ones(4, 2).long(), None, InputTypeError,
         "x has dtype torch.int64: expected a floating-point tensor [N, C]"),
        (torch.ones(4), None, InputError, "x has shape [4]: expected shape [N, C]"),
        (torch.tensor([[0.0], [1.0], [float("nan")], [1.0]]), None, InputError,
         "x holds 1 values that are NaN or infinite, the first at node 2, channel 0: "
         "expected finite features"),
        (torch.ones(4, 2), torch.ones(3), InputError,
         "node_weight has shape [3]: expected shape [4], one for each node"),
        (torch.ones(4, 2), torch.ones(4).long(), InputTypeError,
         "node_weight has dtype torch.int64: expected a floating-point tensor [N, C]"),
    ],
)  # fmt: skip
def test_bad_features(x: Tensor, weight: Tensor | None, kind, message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        pooled_common_neighbors(SQUARE, torch.tensor([[0], [2]]), x, weight)


def test_x_of_another_graph() -> None:
    graph = CSRGraph.from_edge_index(SQUARE)
    with pytest.raises(InputError, match="^x has 5 rows: expected 4, one for each node"):
        pooled_common_neighbors(graph, SQUARE, torch.ones(5, 1))
