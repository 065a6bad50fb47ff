"""Second-order common neighbors: the nodes on paths of length three between two nodes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph, as_graph
from graphlearn.kernels.lists import NeighborLists
from graphlearn.kernels.second_order import cpu, tensor
from graphlearn.kernels.second_order.reference import second_order_reference
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs

__all__ = ["second_order_neighbors", "second_order_reference"]


def second_order_neighbors(
    graph: CSRGraph | EdgeIndex, pairs: Pairs
) -> tuple[NeighborLists, Tensor]:
    r"""Nodes next to one endpoint of a pair and two steps from the other, and by how many paths.

    Node u counts for the pair (i, j) as often as it lies on a path i - u - w - j or i - w - u - j
    of four distinct nodes:

    .. math::
        c_i(u) = [u \in N(i)]\,|N(u) \cap N(j) \setminus \{i\}|, \quad
        c_j(u) = [u \in N(j)]\,|N(u) \cap N(i) \setminus \{j\}|, \quad u \notin \{i, j\}

    Neither endpoint nor the link between them takes part, so that the counts of a link and of a
    non-link mean the same.

    Cost: the two-step walks from each distinct endpoint, once whatever pairs it is in, and the
    degrees of each pair; 4 bytes for each of those degrees and 8 N bytes a thread. Pairs that share
    an endpoint share its walks. The result does not depend on the number of threads.

    Where an edge has one direction alone, in a directed graph or under a mask, everything is read
    from rows: u is in the row of i, w in the row of j, and u in the row of w.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``, from which one is built.
        pairs: Node pairs.

    Returns:
        The nodes with a count, and their counts next to the first endpoint and to the second.

    Shapes:
        - **pairs**: ``[2, B]``; **output**: B sorted lists, and ``[K, 2]`` int64

    Raises:
        InputTypeError: If ``pairs`` is not an integer tensor.
        InputError: If its shape is wrong or an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 1, 2, 3], [1, 2, 3, 4, 4]])
        >>> lists, count = second_order_neighbors(edge_index, torch.tensor([[0, 0], [4, 2]]))
        >>> lists.tolist(), count.tolist()
        ([[1, 2, 3], []], [[2, 0], [0, 1], [0, 1]])
    """
    graph = as_graph(graph, None)
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    if graph.device.type != "cpu":
        return tensor.second_order(graph, pairs)
    keep = np.empty(0, np.uint8) if graph.keep is None else graph.keep.view(torch.uint8).numpy()
    ends = pairs.long().contiguous().numpy()
    rowptr, node, paths = cpu.second_order(graph.rowptr.numpy(), graph.col.numpy(), keep, ends)
    return (
        NeighborLists(torch.from_numpy(rowptr), torch.from_numpy(node)),
        torch.from_numpy(paths),
    )
