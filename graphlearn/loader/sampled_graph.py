"""From PyG's data objects to the rows that the sampler draws from."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data, FeatureStore, GraphStore, HeteroData, remote_backend_utils
from torch_geometric.data.graph_store import EdgeLayout
from torch_geometric.typing import EdgeType, NodeType

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation, time_column

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SampledGraph:
    """A graph, homogeneous or not, ready to be drawn from.

    Args:
        node_types: The types of nodes in the order of their numbers; ``[None]`` for a homogeneous
            graph.
        edge_types: The types of edges likewise.
        num_nodes: How many nodes each type has.
        rows: For each type of edges its rows.
        node_time: For each type when its nodes came to be, or None.
        backward: Whether rows hold targets by source.

    Example:
        >>> data = Data(edge_index=torch.tensor([[1, 2], [0, 0]]), num_nodes=3)
        >>> graph = sampled_graph(data)
        >>> graph.num_nodes, graph.rows, graph.is_temporal
        ([3], [NeighborRows(3 targets, 2 edges)], False)
    """

    node_types: list[NodeType | None]
    edge_types: list[EdgeType | None]
    num_nodes: list[int]
    rows: list[NeighborRows]
    node_time: list[Array | None]
    backward: bool = False

    @property
    def is_hetero(self) -> bool:
        """Whether nodes and edges have types."""
        return self.node_types != [None]

    @property
    def has_edge_time(self) -> bool:
        """Whether edges have times of their own."""
        return any(rows.entry_time is not None for rows in self.rows)

    @property
    def is_temporal(self) -> bool:
        """Whether nodes or edges have times."""
        return self.has_edge_time or any(time is not None for time in self.node_time)

    @property
    def time_is_float(self) -> bool:
        """Whether times are floating-point numbers; else they are integers."""
        return any(time.dtype.kind == "f" for time in self._times())

    def _times(self) -> list[Array]:
        edges = [rows.entry_time for rows in self.rows]
        return [time for time in (*self.node_time, *edges) if time is not None]

    def __post_init__(self) -> None:
        if len({time.dtype.kind for time in self._times()}) > 1:
            raise InputError(
                "times of one type are integers and of another floating-point numbers",
                expected="the same kind for all, so that they can be compared exactly",
            )

    def hop_sampler(self) -> HopSampler:
        """What draws from it."""
        relations = []
        for kind, rows in zip(self.edge_types, self.rows, strict=True):
            first, last = (0, 0) if kind is None else self._ends(kind)
            relations.append(Relation(*((last, first) if self.backward else (first, last)), rows))
        return HopSampler(self.num_nodes, relations, self.node_time)

    def _ends(self, kind: EdgeType) -> tuple[int, int]:
        return self.node_types.index(kind[0]), self.node_types.index(kind[-1])

    def permutation(self, number: int) -> Tensor | None:
        """Which edge of a type each entry of its rows is; None if they are in that order."""
        perm = self.rows[number].perm
        return None if perm is None else torch.from_numpy(perm)


def sampled_graph(
    data: Any,
    *,
    time_attr: str | None = None,
    weight_attr: str | None = None,
    is_sorted: bool = False,
    backward: bool = False,
) -> SampledGraph:
    """Sort the edges of a graph for the sampler.

    Args:
        data: PyG's ``Data``, ``HeteroData``, or a pair of a ``FeatureStore`` and a ``GraphStore``.
        time_attr: The attribute of nodes or of edges that holds times.
        weight_attr: The attribute of edges that holds weights.
        is_sorted: Whether edges are sorted by target already.
        backward: Draw targets of edges that leave a node instead of sources of those that reach it.

    Raises:
        InputTypeError: If ``data`` is none of these.
        InputError: If an attribute is missing or does not fit the graph.
    """
    if isinstance(data, Data):
        return _of_data(data, time_attr, weight_attr, is_sorted, backward)
    if isinstance(data, HeteroData):
        return _of_hetero_data(data, time_attr, weight_attr, is_sorted, backward)
    if (
        isinstance(data, (list, tuple))
        and len(data) == 2
        and isinstance(data[0], FeatureStore)
        and isinstance(data[1], GraphStore)
    ):
        if weight_attr is not None:
            raise InputError(
                "weight_attr is given with a GraphStore, which holds no weights",
                expected="a Data or HeteroData whose edges carry them",
            )
        return _of_stores(data[0], data[1], time_attr, backward)
    raise InputTypeError(
        f"data is a {type(data).__name__}",
        expected="a Data, a HeteroData, or a pair of a FeatureStore and a GraphStore",
    )


def _edges(store: Any, what: str) -> Tensor:
    """The ``edge_index`` of a store; none if it has no edges at all."""
    edge_index = store.get("edge_index")
    if edge_index is None:
        for name in ("adj_t", "adj"):  # PyG's loaders make no batches of them without torch-sparse
            if name in store:
                coo = "to_sparse_coo().coalesce().indices()"
                if not isinstance(store[name], Tensor):
                    coo = "to_torch_sparse_coo_tensor().coalesce().indices()"
                raise InputTypeError(
                    f"{what} holds its edges in {name}, a {type(store[name]).__name__}",
                    expected="edge_index",
                    mend=f"convert it: edge_index = {name}.{coo}"
                    + (".flip(0)" if name == "adj_t" else ""),
                )
        return torch.empty(2, 0, dtype=torch.int64)
    if not isinstance(edge_index, Tensor) or edge_index.dim() != 2 or edge_index.size(0) != 2:
        shape = list(edge_index.shape) if isinstance(edge_index, Tensor) else type(edge_index)
        raise InputError(f"{what} has an edge_index of shape {shape}", expected="[2, E]")
    plain: Tensor = edge_index.as_subclass(Tensor)  # PyG's EdgeIndex is one with a memory
    return plain


def _rows(
    store: Any,
    what: str,
    sizes: tuple[int, int],
    source_time: Tensor | None,
    edge_time: Tensor | None,
    weight: Tensor | None,
    is_sorted: bool,
    backward: bool,
) -> NeighborRows:
    source, target = _edges(store, what)
    if backward:
        source, target, sizes = target, source, (sizes[1], sizes[0])
    try:
        return NeighborRows.from_edges(
            source,
            target,
            num_sources=sizes[0],
            num_targets=sizes[1],
            is_sorted=is_sorted,
            weight=weight,
            edge_time=edge_time,
            source_time=source_time,
        )
    except (InputError, InputTypeError) as error:
        raise type(error)(
            f"{what}: {error.given}", expected=error.expected, mend=error.mend
        ) from None


def _number_of_nodes(store: Any, what: str) -> int:
    number = store.num_nodes
    if number is None:
        raise InputError(f"{what} does not say how many nodes it has", mend="set its num_nodes")
    return int(number)


def _of_data(
    data: Data,
    time_attr: str | None,
    weight_attr: str | None,
    is_sorted: bool,
    backward: bool,
) -> SampledGraph:
    nodes = _number_of_nodes(data, "data")
    node_time = edge_time = None
    if time_attr is not None:
        if time_attr not in data:
            raise _no_attribute("time_attr", time_attr, "nodes or edges")
        if data.is_node_attr(time_attr):
            node_time = data[time_attr]
        elif data.is_edge_attr(time_attr):
            edge_time = data[time_attr]
        else:
            raise _no_attribute("time_attr", time_attr, "nodes or edges")
    if weight_attr is not None and not (weight_attr in data and data.is_edge_attr(weight_attr)):
        raise _no_attribute("weight_attr", weight_attr, "edges")
    weight = None if weight_attr is None else data[weight_attr]
    rows = _rows(data, "data", (nodes, nodes), node_time, edge_time, weight, is_sorted, backward)
    times = None if node_time is None else time_column(str(time_attr), node_time, nodes)
    return SampledGraph([None], [None], [nodes], [rows], [times], backward)


def _no_attribute(option: str, name: str, of: str) -> InputError:
    return InputError(f"{option} is {name!r}", expected=f"the name of an attribute of {of}")


def _of_hetero_data(
    data: HeteroData,
    time_attr: str | None,
    weight_attr: str | None,
    is_sorted: bool,
    backward: bool,
) -> SampledGraph:
    node_types, edge_types = data.metadata()
    sizes = {kind: _number_of_nodes(data[kind], f"node type {kind!r}") for kind in node_types}
    node_time: dict[NodeType, Tensor] = {}
    edge_time: dict[EdgeType, Tensor] = {}
    if time_attr is not None:
        node_time = {kind: data[kind][time_attr] for kind in node_types if time_attr in data[kind]}
        edge_time = {kind: data[kind][time_attr] for kind in edge_types if time_attr in data[kind]}
        if bool(node_time) == bool(edge_time):
            raise InputError(
                f"time_attr {time_attr!r} is an attribute of "
                + ("both nodes and edges" if node_time else "neither nodes nor edges"),
                expected="one of the two",
            )
    weights = {
        kind: data[kind][weight_attr]
        for kind in edge_types
        if weight_attr is not None and weight_attr in data[kind]
    }
    if weight_attr is not None and not weights:
        raise _no_attribute("weight_attr", weight_attr, "some type of edges")
    rows = [
        _rows(
            data[kind],
            f"edge type {kind}",
            (sizes[kind[0]], sizes[kind[-1]]),
            node_time.get(kind[-1] if backward else kind[0]),
            edge_time.get(kind),
            weights.get(kind),
            is_sorted,
            backward,
        )
        for kind in edge_types
    ]
    times = [
        time_column(f"{time_attr} of {kind!r}", node_time[kind], sizes[kind])
        if kind in node_time
        else None
        for kind in node_types
    ]
    counts = [sizes[kind] for kind in node_types]
    return SampledGraph(list(node_types), list(edge_types), counts, rows, times, backward)


def _of_stores(
    features: FeatureStore, graph: GraphStore, time_attr: str | None, backward: bool
) -> SampledGraph:
    attributes = graph.get_all_edge_attrs()
    if not attributes:
        raise InputError("the GraphStore holds no edges", expected="an edge_index at least")
    if time_attr is not None:
        for attribute in attributes:
            if attribute.layout == EdgeLayout.CSR or not attribute.is_sorted:
                raise InputError(
                    f"edges of {attribute.edge_type} are not marked as sorted by target",
                    expected="a COO or CSC layout with is_sorted=True when time_attr is given",
                )
    if all(attribute.edge_type is None for attribute in attributes):
        return _of_plain_stores(features, graph, attributes[0].size, time_attr, backward)
    node_time, edge_time = _stored_times(features, time_attr, hetero=True)
    edge_types: list[EdgeType] = sorted({attribute.edge_type for attribute in attributes})
    node_types: list[NodeType] = sorted({kind[i] for kind in edge_types for i in (0, -1)})
    sizes = {
        kind: int(remote_backend_utils.num_nodes(features, graph, kind)) for kind in node_types
    }
    if backward:
        pointers, columns, perms = graph.csr()
    else:
        columns, pointers, perms = graph.csc()
    rows = []
    for kind in edge_types:
        drawn = kind[-1] if backward else kind[0]
        rows.append(
            NeighborRows.from_rows(
                pointers[kind],
                columns[kind],
                num_sources=sizes[drawn],
                perm=perms.get(kind),
                edge_time=edge_time.get(kind),
                source_time=node_time.get(drawn),
            )
        )
    times = [
        time_column(f"{time_attr} of {kind!r}", node_time[kind], sizes[kind])
        if kind in node_time
        else None
        for kind in node_types
    ]
    counts = [sizes[kind] for kind in node_types]
    return SampledGraph(list(node_types), list(edge_types), counts, rows, times, backward)


def _of_plain_stores(
    features: FeatureStore,
    graph: GraphStore,
    size: tuple[int, int] | None,
    time_attr: str | None,
    backward: bool,
) -> SampledGraph:
    if size is None:
        raise InputError("the GraphStore does not say how many nodes it has", mend="give its size")
    nodes = max(size)
    node_time, edge_time = _stored_times(features, time_attr, hetero=False)
    if backward:
        pointer, column, perm = graph.csr()
    else:
        column, pointer, perm = graph.csc()
    rows = NeighborRows.from_rows(
        pointer,
        column,
        num_sources=nodes,
        perm=perm,
        edge_time=edge_time.get(None),
        source_time=node_time.get(None),
    )
    time = node_time.get(None)
    times = None if time is None else time_column(str(time_attr), time, nodes)
    return SampledGraph([None], [None], [nodes], [rows], [times], backward)


def _stored_times(
    features: FeatureStore, time_attr: str | None, *, hetero: bool
) -> tuple[dict[Any, Tensor], dict[Any, Tensor]]:
    """Times of nodes and of edges from a feature store, by type; an edge type is a tuple.

    In a homogeneous graph the name ``"time"`` stands for times of nodes, and any other for times
    of edges, as in PyG; the type is then None, whatever the store calls it.
    """
    if time_attr is None:
        return {}, {}
    found = [copy.copy(a) for a in features.get_all_tensor_attrs() if a.attr_name == time_attr]
    if not found or (not hetero and len(found) > 1):
        raise InputError(
            f"the FeatureStore holds {len(found)} attributes {time_attr!r}",
            expected="one, as time_attr says" if not hetero else "one for each type at most",
        )
    nodes: dict[Any, Tensor] = {}
    edges: dict[Any, Tensor] = {}
    for attribute in found:
        attribute.index = None
        group = attribute.group_name if hetero else None
        of_edges = isinstance(group, tuple) if hetero else time_attr != "time"
        (edges if of_edges else nodes)[group] = features.get_tensor(attribute)
    if nodes and edges:
        raise InputError(
            f"time_attr {time_attr!r} is held for nodes and for edges", expected="one of the two"
        )
    return nodes, edges
