"""Where the node features of a batch come from: stores, beside what PyG takes along itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import MemoryStore, RowStore
from graphlearn.store.feature_store import FeatureStore

Key = tuple[str | None, str]  # type of nodes, attribute

# Below this a row is gathered as fast by torch, and its store is one thing more.
_SMALL_ROW = 64


class BatchFeatures:
    """Attributes of nodes that are gathered from stores by the ids of a batch's nodes.

    Features in memory are taken out of the data too, if rows are wide: gathering them into memory
    that earlier batches have left is several times as fast as into fresh memory.

    Args:
        data: The graph: a ``Data`` or a ``HeteroData``.
        stores: More attributes, or others in place of the graph's: a store (of ``x``), stores by
            attribute, stores by ``(type, attribute)``, or a :class:`graphlearn.store.FeatureStore`.

    Raises:
        InputTypeError: If ``stores`` is none of these.
        InputError: If a store has another number of rows than there are nodes.

    Example:
        >>> data = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
        >>> features = BatchFeatures(data, MemoryStore(torch.tensor([[1.0], [2.0]])))
        >>> batch = features.attach(Data(num_nodes=1), {None: torch.tensor([1])})
        >>> batch.x.tolist()
        [[2.0]]
    """

    def __init__(self, data: Data | HeteroData, stores: Any = None) -> None:
        self.stores: dict[Key, RowStore] = {}
        self.data = self._without_wide_rows(data)
        self._counted = {kind for kind, part in _node_parts(data) if "num_nodes" not in part}
        given = _by_key(stores, isinstance(data, HeteroData))
        types = {kind: part.num_nodes for kind, part in _node_parts(data)}
        for key, store in given.items():
            kind, name = key
            if kind not in types:
                raise InputError(
                    f"feature_store holds {name!r} of node type {kind!r}",
                    expected="one of " + ", ".join(map(repr, types)),
                )
            if store.num_rows != types[kind]:
                raise InputError(
                    f"feature_store holds {store.num_rows} rows of {name!r}",
                    expected=f"{types[kind]}, one for each node"
                    + ("" if kind is None else f" of type {kind!r}"),
                )
            part = self.data if kind is None else self.data[kind]
            if name in part:
                part.num_nodes = types[kind]
                del part[name]
        self.stores.update(given)

    @property
    def in_order(self) -> bool:
        """Whether a store gives its rows in a certain order of batches alone."""
        return any(store.in_order for store in self.stores.values())

    def _without_wide_rows(self, data: Data | HeteroData) -> Data | HeteroData:
        """A shallow copy without the attributes that are gathered here."""
        light = copy.copy(data)
        for kind, part in _node_parts(data):
            own = light if kind is None else light[kind]
            for name, value in list(part.items()):
                if _is_wide(value) and part.is_node_attr(name) and _rows_first(data, part, name):
                    own.num_nodes = part.num_nodes
                    self.stores[kind, name] = MemoryStore(value)
                    del own[name]
        return light

    def attach(self, batch: Any, ids: Mapping[str | None, Tensor]) -> Any:
        """Add the rows of a batch's nodes to it.

        Args:
            batch: The batch as PyG made it from :attr:`data`.
            ids: For each type of nodes their ids.
        """
        for (kind, name), store in self.stores.items():
            part = batch if kind is None else batch[kind]
            part[name] = store.gather(ids.get(kind, torch.empty(0, dtype=torch.int64)))
            # The number was written down because the rows that tell it were taken out.
            if kind in self._counted and "num_nodes" in part:
                del part.num_nodes
        return batch


def _node_parts(data: Data | HeteroData) -> list[tuple[str | None, Any]]:
    if isinstance(data, HeteroData):
        return list(data.node_items())
    return [(None, data._store)]


def _is_wide(value: Any) -> bool:
    if type(value) is not Tensor or value.layout != torch.strided or value.requires_grad:
        return False
    if value.device.type != "cpu" or value.dim() < 2 or not value.is_contiguous():
        return False
    try:
        MemoryStore(value[:0])
    except InputTypeError:
        return False
    return value[0].numel() * value.element_size() >= _SMALL_ROW if value.size(0) else False


def _rows_first(data: Data | HeteroData, part: Any, name: str) -> bool:
    return bool(data.__cat_dim__(name, part[name], part) == 0)


def _by_key(stores: Any, hetero: bool) -> dict[Key, RowStore]:
    if stores is None:
        return {}
    if isinstance(stores, RowStore):
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
