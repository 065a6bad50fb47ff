"""Which part of a graph each node belongs to: parts of equal work that few edges cross."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from scipy.sparse import coo_array
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.extras import import_extra
from graphlearn.kernels.partition import cut_ranges, fill_empty_parts, stream_partition
from graphlearn.registry import unknown_name
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes, check_size

Method = Literal["stream", "metis", "range"]

NODE_COST = 8
"""How many messages a node's row is worth, see :func:`node_work`."""


def check_parts(parts: Any, num_nodes: int, *, name: str = "parts") -> int:
    """Return ``parts`` as an int if it is at least 1 and at most the number of nodes.

    Raises:
        InputTypeError: If it is no integer.
        InputError: If it is below 1, or there are fewer nodes; a graph without nodes has one part.

    Example:
        >>> check_parts(4, 10)
        4
    """
    count = check_size(parts, name=name)
    if count > max(1, num_nodes):
        raise InputError(
            f"{name} is {count} and there are {num_nodes} nodes",
            expected="a node for each at least",
            mend=f"pass {name}={max(1, num_nodes)} or fewer",
        )
    return count


def node_work(edge_index: EdgeIndex, num_nodes: int, node_cost: int = NODE_COST) -> Tensor:
    """What a node costs a layer, in messages: its row, and the messages it receives; ``[N]`` int64.

    A row of C channels goes through a dense map (2 C^2 operations), a dozen passes such as dropout,
    and stands in the halos of other chunks; a message is C additions. For 64 channels a row took as
    long as 17 to 40 messages on a CPU core (GCNII, Enron and RMAT graphs), and chunks were even
    from 8 on: the slowest of 32 took 1.15 and 1.23 of their mean time, and 1.39 and 1.52 where a
    row counted as one message. More than that buys nothing and gives up on hubs.

    Args:
        edge_index: Edges, from source to target.
        num_nodes: Number of nodes.
        node_cost: How many messages a row is worth.

    Raises:
        InputTypeError: If ``node_cost`` is no integer.
        InputError: If it is below 1.

    Example:
        >>> node_work(torch.tensor([[0, 1], [2, 2]]), 3).tolist()
        [8, 8, 10]
    """
    cost = check_size(node_cost, name="node_cost")
    return torch.bincount(edge_index[1], minlength=num_nodes) + cost


def partition_nodes(
    edge_index: EdgeIndex,
    num_nodes: int,
    parts: int,
    *,
    method: Method = "stream",
    seed: int = 0,
    work: Tensor | None = None,
    node_cost: int = NODE_COST,
) -> Tensor:
    """Assign every node to a part; parts have about equal work and none is empty.

    ``"stream"``: re-streamed Fennel, built in, O(E) a pass, within 5 % of equal work or one node
    above it. ``"metis"``: METIS through pymetis, which cuts fewer edges and takes longer.
    ``"range"``: contiguous ids, for graphs whose order already says what belongs together.

    Args:
        edge_index: Edges; their direction matters to the work alone.
        num_nodes: Number of nodes.
        parts: How many parts.
        method: How.
        seed: Seed; ranges have no use for it.
        work: Of each node, >= 1; by default its in-degree + ``node_cost``.
        node_cost: How many messages a node's row is worth, see :func:`node_work`.

    Shapes:
        - **edge_index**: ``[2, E]``; **work**: ``[N]``, integers; **output**: ``[N]`` int64, on
          the CPU

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If there are more parts than nodes, an id is out of range, or work is below 1.
        UnknownNameError: If the method is unknown; offers the nearest.
        MissingExtraError: If ``"metis"`` is asked for and pymetis is not installed.

    Example:
        >>> triangles = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])
        >>> part = partition_nodes(triangles, 6, 2)
        >>> bool((part[:3] == part[0]).all()), bool((part[3:] != part[0]).all())
        (True, True)
    """
    nodes = check_num_nodes(num_nodes)
    edges = check_node_pairs(edge_index, nodes).detach().cpu().long()
    parts = check_parts(parts, nodes)
    if method not in get_args(Method):
        raise unknown_name("method", str(method), get_args(Method))
    seed = check_num_nodes(seed, name="seed")
    weights = node_work(edges, nodes, node_cost) if work is None else _check_work(work, nodes)
    if parts == 1:
        return torch.zeros(nodes, dtype=torch.int64)
    if method == "range":
        return cut_ranges(weights, parts)
    if method == "metis":
        return _metis(edges, weights, parts, seed)
    return stream_partition(edges[0], edges[1], weights, parts, seed=seed)


def _check_work(work: Any, num_nodes: int) -> Tensor:
    if not isinstance(work, Tensor) or work.is_floating_point() or work.dtype == torch.bool:
        kind = f"dtype {work.dtype}" if isinstance(work, Tensor) else type(work).__name__
        raise InputTypeError(f"work has {kind}", expected=f"an integer tensor [{num_nodes}]")
    if list(work.shape) != [num_nodes]:
        raise InputError(f"work has shape {list(work.shape)}", expected=f"[{num_nodes}]")
    weights = work.detach().cpu().long()
    if num_nodes and int(weights.min()) < 1:
        raise InputError(f"work holds {int(weights.min())}", expected="integers >= 1")
    return weights


def _metis(edges: Tensor, work: Tensor, parts: int, seed: int) -> Tensor:
    """METIS on the simple undirected graph, edges weighted by how often they come."""
    pymetis = import_extra(
        "pymetis", extra="metis", purpose="method 'metis'", otherwise="use method='stream'"
    )
    nodes = work.numel()
    source, target = edges[:, edges[0] != edges[1]].numpy()
    ends = np.concatenate([source, target]), np.concatenate([target, source])
    total = int(work.sum())
    if max(len(ends[0]), total) >= 2**31:
        raise InputError(
            f"METIS was given {len(ends[0])} neighbors and {total} units of work",
            expected="less than 2**31",
            mend="use method='stream'",
        )
    rows = coo_array((np.ones(len(ends[0]), np.int32), ends), shape=(nodes, nodes)).tocsr()
    options = pymetis.Options()
    options.seed = seed % 2**31
    _, found = pymetis.part_graph(
        parts,
        pymetis.CSRAdjacency(rows.indptr.astype(np.int32), rows.indices.astype(np.int32)),
        vweights=work.numpy().astype(np.int32),
        eweights=rows.data,
        options=options,
    )
    return fill_empty_parts(torch.tensor(found, dtype=torch.int64), parts)
