"""Checks of seeds, links and their times when a loader is made, not when their batch comes up."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader.neighbor_sampler import NeighborSampler
from graphlearn.registry import unknown_name
from graphlearn.validate import id_range


def check_seeds(input_nodes: Any, sampler: NeighborSampler) -> Any:
    """Return seeds in a form that PyG's loaders take.

    Args:
        input_nodes: Ids or a mask; None for all nodes; where there are types, a type or a pair of
            one and ids.
        sampler: What knows the graph.

    Returns:
        Ids or a mask, or a pair of a type and these.

    Raises:
        InputTypeError: If they are of another form, or ids are no integers.
        UnknownNameError: If there is no such type of nodes.
        InputError: If an id is out of range, or a mask has another length.

    Example:
        >>> from torch_geometric.data import Data
        >>> sampler = NeighborSampler(Data(edge_index=torch.tensor([[1], [0]]), num_nodes=3), [2])
        >>> check_seeds([0, 2], sampler).tolist()
        [0, 2]
    """
    if not sampler.is_hetero:
        if isinstance(input_nodes, str) or (
            isinstance(input_nodes, tuple) and input_nodes and isinstance(input_nodes[0], str)
        ):
            raise InputTypeError(
                f"input_nodes is {input_nodes!r}", expected="ids or a mask: the graph has no types"
            )
        count = sampler.graph.num_nodes[0]
        return torch.arange(count) if input_nodes is None else _ids(input_nodes, count)
    if isinstance(input_nodes, str):
        kind, ids = input_nodes, None
    elif isinstance(input_nodes, (tuple, list)) and len(input_nodes) == 2:
        kind, ids = input_nodes
    else:
        kind, ids = None, None
    types = [str(name) for name in sampler.graph.node_types]
    if not isinstance(kind, str):
        raise InputTypeError(
            f"input_nodes is a {type(input_nodes).__name__}",
            expected="a type of nodes, or a pair of one and ids: " + ", ".join(types),
        )
    if kind not in types:
        raise unknown_name("type of nodes", kind, types)
    count = sampler.graph.num_nodes[types.index(kind)]
    return kind, torch.arange(count) if ids is None else _ids(ids, count)


def check_links(edge_label_index: Any, sampler: NeighborSampler) -> Any:
    """Return links in a form that PyG's loaders take.

    Args:
        edge_label_index: ``[2, B]``; None for all edges; where there are types, a type of edges or
            a pair of one and links.
        sampler: What knows the graph.

    Raises:
        InputTypeError: If they are of another form, or ids are no integers.
        UnknownNameError: If there is no such type of edges.
        InputError: If an id is out of range, or the shape is another.

    Example:
        >>> from torch_geometric.data import Data
        >>> sampler = NeighborSampler(Data(edge_index=torch.tensor([[1], [0]]), num_nodes=3), [2])
        >>> check_links(torch.tensor([[0], [2]]), sampler).tolist()
        [[0], [2]]
    """
    graph = sampler.graph
    links: Any = None
    kind: Any = edge_label_index
    if isinstance(edge_label_index, (tuple, list)) and len(edge_label_index) == 2:
        first, second = edge_label_index
        if not isinstance(first, str) or not isinstance(second, str):
            kind, links = first, second
    if not sampler.is_hetero:
        # PyG wants (None, links) where there are stores in place of a Data.
        links = links if kind is None else edge_label_index
        if links is None:
            return torch.empty(2, 0, dtype=torch.int64) if not graph.rows[0].num_edges else None
        return _links(links, graph.num_nodes[0], graph.num_nodes[0])
    kind = tuple(kind) if isinstance(kind, list) else kind
    if not isinstance(kind, tuple) or not all(isinstance(part, str) for part in kind):
        raise InputTypeError(
            f"edge_label_index is a {type(edge_label_index).__name__}",
            expected="a type of edges, or a pair of one and links: "
            + ", ".join(map(str, graph.edge_types)),
        )
    found = [
        known
        for known in graph.edge_types
        if known == kind
        or (known is not None and len(kind) == 2 and (known[0], known[-1]) == kind)
        or (known is not None and len(kind) == 1 and known[1] == kind[0])
    ]
    name = found[0] if len(found) == 1 else None
    if name is None:
        # Links to be predicted may be of a type that the graph has no edges of yet.
        known_ends = 2 <= len(kind) <= 3 and {kind[0], kind[-1]} <= set(graph.node_types)
        if links is None or found or not known_ends:
            types = [str(known) for known in graph.edge_types]
            raise unknown_name("type of edges", str(kind), types)
        name = kind
    if links is None:
        if graph.rows[graph.edge_types.index(name)].num_edges:
            return name
        links = torch.empty(2, 0, dtype=torch.int64)
    sizes = dict(zip(graph.node_types, graph.num_nodes, strict=True))
    return name, _links(links, sizes[name[0]], sizes[name[-1]])


def check_times(times: Any, count: int, name: str) -> Tensor | None:
    """Return times of seeds or links as a tensor.

    Args:
        times: One for each; a tensor, an array or a list; None for none.
        count: How many there have to be.
        name: The argument's name.

    Raises:
        InputTypeError: If they are no real numbers.
        InputError: If there are more or fewer, or one is NaN.

    Example:
        >>> check_times([3, 5], 2, "input_time").tolist()
        [3, 5]
    """
    if times is None:
        return None
    values = _tensor(times, name).detach()
    if values.is_complex() or values.dtype == torch.bool:
        raise InputTypeError(f"{name} has dtype {values.dtype}", expected="real numbers")
    if list(values.shape) != [count]:
        raise InputError(f"{name} has shape {list(values.shape)}", expected=f"[{count}], one each")
    if values.is_floating_point():
        values = values.double()
        if bool(values.isnan().any()):
            raise InputError(f"{name} holds NaN", expected="a time for each")
        return values
    return values.long()


def as_tensor(values: Any, name: str) -> Tensor | None:
    """Return numbers as a tensor; None stays.

    Raises:
        InputTypeError: If they are neither a tensor, an array nor a list of numbers.

    Example:
        >>> as_tensor([1, 2], "input_time")
        tensor([1, 2])
    """
    return None if values is None else _tensor(values, name)


def seed_count(given: Any) -> int:
    """How many seeds or links were given: 1 where that is all of some kind.

    Example:
        >>> seed_count(torch.empty(2, 0)), seed_count(("paper", None))
        (0, 1)
    """
    if isinstance(given, tuple) and len(given) == 2:
        given = given[1]
    if not isinstance(given, Tensor):
        return 1
    return int(given.sum()) if given.dtype == torch.bool else given.numel()


def _tensor(values: Any, name: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.as_subclass(Tensor)
    if isinstance(values, (list, tuple, range)):
        try:
            values = np.asarray(values)
        except (ValueError, OverflowError) as problem:
            raise InputTypeError(f"{name} is {values!r:.80}", expected="numbers") from problem
        if values.size == 0:
            values = values.astype(np.int64)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb":
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise InputTypeError(f"{name} is a {kind}", expected="a tensor, an array or a list")
    return torch.from_numpy(np.require(values, requirements=["C", "W"]))


def _ids(given: Any, count: int) -> Tensor:
    ids = _tensor(given, "input_nodes")
    if ids.dtype == torch.bool:
        if list(ids.shape) != [count]:
            raise InputError(
                f"input_nodes is a mask of shape {list(ids.shape)}",
                expected=f"[{count}], one value for each node",
            )
        return ids
    return _checked(ids, "input_nodes", [count], [-1])


def _links(given: Any, sources: int, targets: int) -> Tensor:
    return _checked(_tensor(given, "edge_label_index"), "edge_label_index", [sources, targets], [2])


def _checked(ids: Tensor, name: str, counts: list[int], shape: list[int]) -> Tensor:
    """Ids as int64, each row of them within its range."""
    # An empty list becomes a tensor of float32.
    if ids.numel() and (ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool):
        raise InputTypeError(f"{name} has dtype {ids.dtype}", expected="integers")
    rows = ids[None] if shape == [-1] else ids
    if rows.dim() != 2 or rows.size(0) != len(counts):
        wanted = "[B]" if shape == [-1] else "[2, B]"
        raise InputError(f"{name} has shape {list(ids.shape)}", expected=f"shape {wanted}")
    for row, count in zip(rows, counts, strict=True):
        if row.numel():
            low, high = id_range(row)
            if low < 0 or high >= count:
                raise InputError(
                    f"{name} holds node {low if low < 0 else high}", expected=f"ids in [0, {count})"
                )
    return ids.long()
