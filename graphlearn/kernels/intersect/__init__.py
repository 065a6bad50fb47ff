"""Common neighbors of node pairs: as lists, with residual neighborhoods, and pooled.

Target links are removed by the graph's mask (:meth:`CSRGraph.without_edges`); nothing is rebuilt.
CPU tensors run compiled loops, tensors elsewhere run plain torch operations; both give the lists
in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.csr import CSRGraph, as_graph
from graphlearn.kernels.intersect import cpu, cpu_overlap, tensor
from graphlearn.kernels.intersect.pooling import PoolingPlan, plan_pooling, pool_lists
from graphlearn.kernels.intersect.reference import overlap_reference, pooled_reference
from graphlearn.kernels.intersect.sampling import sample_lists
from graphlearn.kernels.lists import NeighborLists
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_features, check_node_pairs

__all__ = [
    "PoolingPlan",
    "common_neighbors",
    "neighborhood_overlap",
    "overlap_reference",
    "plan_pooling",
    "pool_lists",
    "pooled_common_neighbors",
    "pooled_reference",
    "sample_lists",
]

_NO_MASK = np.empty(0, np.uint8)


def _arrays(
    graph: CSRGraph, pairs: Tensor
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    keep = _NO_MASK if graph.keep is None else graph.keep.view(torch.uint8).numpy()
    return graph.rowptr.numpy(), graph.col.numpy(), keep, pairs.long().contiguous().numpy()


def _to_lists(found: tuple[NDArray[Any], NDArray[Any]]) -> NeighborLists:
    return NeighborLists(torch.from_numpy(found[0]), torch.from_numpy(found[1]))


def common_neighbors(graph: CSRGraph | EdgeIndex, pairs: Pairs) -> NeighborLists:
    """Nodes that both endpoints of each pair have as a neighbor.

    Cost: at most the sum over pairs of the smaller degree, plus one pass over each distinct larger
    endpoint; O(output) memory and N / 8 bytes a thread. Pairs that share an endpoint share its
    work.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``, from which one is built.
        pairs: Node pairs.

    Shapes:
        - **pairs**: ``[2, B]``; **output**: B lists

    Raises:
        InputTypeError: If ``pairs`` is not an integer tensor.
        InputError: If its shape is wrong or an id is out of range.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> common_neighbors(path, torch.tensor([[0, 0], [2, 3]])).tolist()
        [[1], []]
    """
    graph = as_graph(graph, None)
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    if graph.device.type == "cpu":
        return _to_lists(cpu.common_neighbors(*_arrays(graph, pairs)))
    return tensor.common_neighbors(graph, pairs)


def neighborhood_overlap(
    graph: CSRGraph | EdgeIndex, pairs: Pairs
) -> tuple[NeighborLists, NeighborLists, NeighborLists]:
    """Common neighbors of each pair, and what each endpoint has besides them.

    The endpoints themselves are never in a residual list: whether ``(u, v)`` is an edge must not
    show in ``v``'s place in the neighborhood of ``u``. Cost: one merge, degree(u) + degree(v) steps
    a pair, and as much output.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        pairs: Node pairs ``(u, v)``.

    Returns:
        ``N(u) & N(v)``, ``N(u) - N(v) - {u, v}``, ``N(v) - N(u) - {u, v}``.

    Shapes:
        - **pairs**: ``[2, B]``; **output**: three times B lists

    Raises:
        InputTypeError: If ``pairs`` is not an integer tensor.
        InputError: If its shape is wrong or an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 0, 1, 1], [2, 3, 2, 4]])
        >>> [x.tolist() for x in neighborhood_overlap(edge_index, torch.tensor([[0], [1]]))]
        [[[2]], [[3]], [[4]]]
    """
    graph = as_graph(graph, None)
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    if graph.device.type == "cpu":
        common, source, target = cpu_overlap.overlap(*_arrays(graph, pairs))
        return _to_lists(common), _to_lists(source), _to_lists(target)
    return tensor.overlap(graph, pairs)


def pooled_common_neighbors(
    graph: CSRGraph | EdgeIndex,
    pairs: Pairs,
    x: Tensor,
    node_weight: Tensor | None = None,
    *,
    plan: PoolingPlan | None = None,
) -> Tensor:
    """``out[b] = sum_{w in N(u_b) & N(v_b)} node_weight[w] * x[w]``, differentiable.

    Without gradients intersection and sum run as one pass and no list is kept. With gradients the
    lists are kept for the backward pass. On dense graphs the sum may run as a matrix product; see
    :func:`plan_pooling`, whose ``repr`` says which path runs and why.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        pairs: Node pairs.
        x: Node representations; differentiable.
        node_weight: A factor for each node, such as Adamic-Adar's; differentiable.
        plan: How to run, from :func:`plan_pooling`; made here if None. A fused plan gathers
            where a gradient is needed or ``x`` is of half precision: the fused pass has neither.

    Shapes:
        - **pairs**: ``[2, B]``; **x**: ``[N, C]``; **node_weight**: ``[N]``; **output**: ``[B, C]``

    Raises:
        InputTypeError: If a dtype is wrong.
        InputError: If a shape is wrong, an id is out of range, or ``x`` holds NaN.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> pooled_common_neighbors(path, torch.tensor([[0, 1], [2, 3]]), x).flatten().tolist()
        [2.0, 3.0]
    """
    graph = as_graph(graph, x.size(0))
    check_features(x, graph.num_nodes)
    if x.layout != torch.strided:
        raise InputTypeError(
            f"x has layout {x.layout}", expected="a dense tensor", mend="pass x.to_dense()"
        )
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    if node_weight is not None:
        if node_weight.shape != (graph.num_nodes,):
            raise InputError(
                f"node_weight has shape {list(node_weight.shape)}",
                expected=f"shape [{graph.num_nodes}], one for each node",
            )
        check_features(node_weight[:, None], name="node_weight")
    needs_grad = torch.is_grad_enabled() and (
        x.requires_grad or (node_weight is not None and node_weight.requires_grad)
    )
    plan = plan or plan_pooling(graph, pairs, x.size(1), needs_grad=needs_grad)
    path = plan.path
    if path == "fused" and (needs_grad or x.dtype not in (torch.float32, torch.float64)):
        path = "gather"  # the fused pass has no backward and no half precision
    if path == "fused":
        weight = None if node_weight is None else node_weight.detach().to(x.dtype).contiguous()
        out, _ = cpu.pooled(
            *_arrays(graph, pairs),
            x.detach().contiguous().numpy(),
            None if weight is None else weight.numpy(),
        )
        return torch.from_numpy(out)
    return pool_lists(common_neighbors(graph, pairs), x, node_weight, path=path)
