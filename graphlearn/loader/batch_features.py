"""Where the node features of a batch come from: stores, beside what PyG takes along itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import BufferPool, MemoryStore, RowStore
from graphlearn.store.feature_store import FeatureStore

Key = tuple[str | None, str]  # type of nodes, attribute

# Below this a row is gathered as fast by torch, and its store is one thing more.
_SMALL_ROW = 64
# Attributes that have a row for each node, or edge, of any graph that has them.
_OF_NODES, _OF_EDGES = ("x", "pos"), ("edge_attr", "edge_weight")


@dataclass(frozen=True, eq=False)
class SplitData:
    """A graph without the attributes that are gathered from stores, and these.

    Args:
        light: A shallow copy without them.
        stores: The stores by type of nodes and attribute.
        counted: Types whose number of nodes was written down in ``light`` alone.
    """

    light: Data | HeteroData
    stores: dict[Key, RowStore]
    counted: set[str | None]

    def attach(self, batch: Any, ids: Mapping[str | None, Tensor]) -> Any:
        """Add the rows of a batch's nodes to it.

        Args:
            batch: The batch as PyG made it from :attr:`light`.
            ids: For each type of nodes their ids.
        """
        for (kind, name), store in self.stores.items():
            part = batch if kind is None else batch[kind]
            part[name] = store.gather(ids.get(kind, torch.empty(0, dtype=torch.int64)))
        for kind in self.counted:
            part = batch if kind is None else batch[kind]
            if "num_nodes" in part:
                del part.num_nodes
        return batch


class BatchFeatures:
    """Attributes of nodes that are gathered from stores by the ids of a batch's nodes.

    Features in memory are gathered here too, if rows are wide: into memory that earlier batches
    have left, which is several times as fast as into fresh memory. The graph is looked at anew for
    every batch, so what is assigned to it later is what later batches get.

    Args:
        stores: More attributes, or others in place of the graph's: a store or a table (of ``x``),
            stores by attribute, stores by ``(type, attribute)``, or a
            :class:`graphlearn.store.FeatureStore`.
        hetero: Whether the graph has types.

    Raises:
        InputTypeError: If ``stores`` is none of these.

    Example:
        >>> data = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
        >>> split = BatchFeatures(torch.tensor([[1.0], [2.0]])).split(data)
        >>> split.attach(Data(num_nodes=1), {None: torch.tensor([1])}).x.tolist()
        [[2.0]]
    """

    def __init__(self, stores: Any = None, *, hetero: bool = False) -> None:
        self.given = _by_key(stores, hetero)
        self._buffers = BufferPool()
        self._wide: dict[Key, tuple[Tensor, Any, MemoryStore]] = {}
        self._sizes: dict[str | None, int] = {}

    @property
    def in_order(self) -> bool:
        """Whether a store gives its rows in a certain order of batches alone."""
        return any(store.in_order for store in self.given.values())

    def rewind(self) -> None:
        """Let stores that give rows in order begin with the first batch."""
        for store in self.given.values():
            store.rewind()

    def check(self, data: Data | HeteroData) -> None:
        """Raise unless features fit the graph.

        Raises:
            InputError: If a store is of a type that the graph lacks, or a store, ``x``, ``pos``,
                ``edge_attr`` or ``edge_weight`` has another number of rows than there are nodes or
                edges.
        """
        sizes: dict[str | None, Any] = {}
        for kind, part in _node_parts(data):
            sizes[kind] = part.num_nodes
        _check_lengths(data, sizes)
        for (kind, name), store in self.given.items():
            if kind not in sizes:
                raise InputError(
                    f"feature_store holds {name!r} of node type {kind!r}",
                    expected="one of " + ", ".join(map(repr, sizes)),
                )
            if store.num_rows != sizes[kind]:
                raise InputError(
                    f"feature_store holds {store.num_rows} rows of {name!r}",
                    expected=f"{sizes[kind]}, one for each node"
                    + ("" if kind is None else f" of type {kind!r}"),
                )
        self._sizes = sizes

    def split(self, data: Data | HeteroData) -> SplitData:
        """The graph as it is now, and the stores of what is gathered.

        Args:
            data: The graph.

        Raises:
            InputError: If an attribute that was assigned since :meth:`check` has another number of
                rows.
        """
        light = copy.copy(data)  # nobody else changes it meanwhile
        _check_lengths(light, self._sizes)
        stores: dict[Key, RowStore] = {}
        counted = set()
        for kind, part in _node_parts(light):
            if "num_nodes" not in part and (
                kind in self._sizes or any(_is_wide(value) for value in part.values())
            ):
                # What told the number may be among what is taken out, or be gone since.
                size = self._sizes.get(kind)
                part.num_nodes = part.num_nodes if size is None else size
                counted.add(kind)
            for name, value in list(part.items()):
                if (kind, name) in self.given:
                    store: RowStore = self.given[kind, name]
                elif _is_wide(value) and part.is_node_attr(name) and _rows_first(light, part, name):
                    store = self._store_of(kind, name, value)
                else:
                    continue
                stores[kind, name] = store
                del part[name]
        for key in self._wide.keys() - stores.keys():
            self._wide.pop(key, None)  # a table that is gone is not to stay in memory
        return SplitData(light, stores | self.given, counted)

    def _store_of(self, kind: str | None, name: str, value: Tensor) -> MemoryStore:
        lies = value.data_ptr(), value.shape, value.dtype  # `x.data = ...` keeps the object
        kept = self._wide.get((kind, name))
        if kept is None or kept[0] is not value or kept[1] != lies:
            kept = value, lies, MemoryStore(value, buffers=self._buffers)
            self._wide[kind, name] = kept
        return kept[2]

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes its stores anew: of the rows of its own graph.
        return {**self.__dict__, "_buffers": BufferPool(), "_wide": {}}


def _check_lengths(data: Data | HeteroData, sizes: Mapping[str | None, int]) -> None:
    for kind, part in _node_parts(data):
        if kind in sizes:
            for name in _OF_NODES:
                _check_rows(part, name, sizes[kind], "node", kind)
    for edge_kind, part in _edge_parts(data):
        if part.get("edge_index") is not None:
            for name in _OF_EDGES:
                _check_rows(part, name, part.edge_index.size(1), "edge", edge_kind)


def _check_rows(part: Any, name: str, count: int | None, what: str, kind: Any) -> None:
    value = part.get(name)
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim and value.shape[0] != count:
        raise InputError(
            f"{name} has {value.shape[0]} rows",
            expected=f"{count}, one for each {what}" + ("" if kind is None else f" of {kind!r}"),
        )


def _node_parts(data: Data | HeteroData) -> list[tuple[str | None, Any]]:
    if isinstance(data, HeteroData):
        return list(data.node_items())
    return [(None, data._store)]


def _edge_parts(data: Data | HeteroData) -> list[tuple[Any, Any]]:
    if isinstance(data, HeteroData):
        return list(data.edge_items())
    return [(None, data._store)]


def _is_wide(value: Any) -> bool:
    if type(value) is not Tensor or value.layout != torch.strided or value.requires_grad:
        return False
    if value.device.type != "cpu" or value.dim() < 2 or not value.is_contiguous():
        return False
    if value.is_complex() or value.is_quantized or value.size(0) == 0:
        return False
    return value[0].numel() * value.element_size() >= _SMALL_ROW


def _rows_first(data: Data | HeteroData, part: Any, name: str) -> bool:
    return bool(data.__cat_dim__(name, part[name], part) == 0)


def _by_key(stores: Any, hetero: bool) -> dict[Key, RowStore]:
    if stores is None:
        return {}
    if isinstance(stores, (RowStore, Tensor, np.ndarray)):
        stores = {"x": stores}
    elif isinstance(stores, FeatureStore):
        stores = stores.stores
    if not isinstance(stores, Mapping):
        raise InputTypeError(
            f"feature_store is a {type(stores).__name__}",
            expected="a store, a mapping from attributes to stores, or a FeatureStore",
        )
    found: dict[Key, RowStore] = {}
    for key, store in stores.items():
        kind, name = key if isinstance(key, tuple) and len(key) == 2 else (None, key)
        if not isinstance(name, str) or hetero != isinstance(kind, str):
            raise InputTypeError(
                f"feature_store holds {key!r}",
                expected="(node type, attribute)" if hetero else "an attribute's name",
            )
        found[kind, name] = store if isinstance(store, RowStore) else MemoryStore(store)
    return found
