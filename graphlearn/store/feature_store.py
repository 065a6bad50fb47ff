"""Stores as PyG's ``FeatureStore``: its loaders read features from wherever they lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import FeatureStore as PyGFeatureStore
from torch_geometric.data import TensorAttr

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.registry import unknown_name
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.memory import MemoryStore
from graphlearn.store.row_store import RowStore
from graphlearn.validate import check_num_nodes

Group = str | tuple[str, str, str] | None
Key = tuple[Group, str]
Table = RowStore | Tensor | NDArray[Any]
_UNSET = TensorAttr().index


class _Attr(TensorAttr):  # type: ignore[misc]
    """PyG's name and index of rows; PyG's own compares an array with "unset" number by number."""

    def is_set(self, key: str) -> bool:
        return getattr(self, key) is not _UNSET


class FeatureStore(PyGFeatureStore):  # type: ignore[misc]
    """Names of features, each with the store that its rows are read from.

    A pair of it and a graph store is what PyG's ``NodeLoader`` and ``LinkLoader`` take in place of
    a ``Data``. Features then may lie in page-locked memory, in tiers, or on the disk, and nothing
    else changes. PyG's ``HeteroData`` is a graph store as it is; its ``Data`` is one once it knows
    how large the graph is, which ``put_edge_index`` tells it (below).

    Stores are read-only: ``put_tensor`` adds or replaces a whole one, and cannot write rows.

    Workers of a loader get a copy, so each of its stores has to have one: all do but a
    :class:`PinnedStore` on a GPU. Files are opened anew, tensors shared.

    Args:
        stores: The store of each feature by name, as ``{"x": store, "y": labels}``; for a graph of
            several types by type and name, as ``{("paper", "x"): store}``. A tensor or an array is
            read as a :class:`MemoryStore`. Stores of one type have as many rows as it has nodes.

    Raises:
        InputTypeError: If a name is no text, or a store is neither a store nor a table.
        InputError: If stores of one type differ in length, or only some names have a type.

    Example:
        >>> x, y = torch.arange(6.0).view(3, 2), torch.tensor([7, 8, 9])
        >>> features = FeatureStore({"x": x, "y": y})
        >>> features.get_tensor(None, "x", torch.tensor([2, 0])).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
        >>> features[None, "y", :2].tolist()
        [7, 8]
        >>> features
        FeatureStore(x: MemoryStore(3 rows of 2 float32, cpu),
                     y: MemoryStore(3 rows of 1 int64, cpu))
        >>> features.check_nodes(4)
        Traceback (most recent call last):
        ...
        graphlearn.errors.InputError: x has 3 rows: expected 4, one for each node of the graph

        With the links of a ``Data``:

        >>> from torch_geometric.data import Data
        >>> from torch_geometric.loader import NodeLoader
        >>> from graphlearn.loader import NeighborSampler
        >>> data, edge_index = Data(), torch.tensor([[0, 1, 2], [1, 2, 0]])
        >>> data.put_edge_index(edge_index, layout="coo", size=(3, 3))
        True
        >>> sampler = NeighborSampler((features, data), [1], seed=0)
        >>> loader = NodeLoader((features, data), sampler, input_nodes=torch.tensor([1]))
        >>> [batch.x.tolist() for batch in loader]
        [[[2.0, 3.0], [0.0, 1.0]]]
    """

    def __init__(self, stores: Mapping[str, Table] | Mapping[Key, Table]) -> None:
        super().__init__(_Attr)
        if not isinstance(stores, Mapping):
            raise InputTypeError(
                f"stores is a {type(stores).__name__}", expected="a mapping such as {'x': store}"
            )
        # PyG's classes take attributes for parts of a view, so these are set as it sets its own.
        self.__dict__["stores"] = {}
        self.__dict__["_buffers"] = BufferPool()
        for key, table in stores.items():
            self._add(_as_key(key), table)

    stores: dict[Key, RowStore]
    """The store of each feature by type (None if the graph has one type) and name."""

    _buffers: BufferPool

    def check_nodes(self, num_nodes: int | Mapping[str, int]) -> None:
        """Raise unless there is a row for each node of a graph.

        A loader would else fail in the midst of an epoch, or read features of other nodes.

        Args:
            num_nodes: Of the graph; by type if there are several. Types that it leaves out are not
                checked.

        Raises:
            InputError: If a store is shorter or longer.
            UnknownNameError: If a type has no store.
        """
        numbers: Mapping[Any, int] = (
            num_nodes if isinstance(num_nodes, Mapping) else {None: num_nodes}
        )
        groups = {group for group, _ in self.stores}
        for group, number in numbers.items():
            if group not in groups:
                names = ", ".join(sorted(str(name) for name in groups))
                given = "num_nodes is one number" if group is None else f"no store is of {group!r}"
                raise UnknownNameError(given, expected=f"types {names}" * bool(names))
            nodes = check_num_nodes(number, name="num_nodes")
            for key, store in self.stores.items():
                if key[0] == group and store.num_rows != nodes:
                    raise InputError(
                        f"{_name(key)} has {store.num_rows} rows",
                        expected=f"{nodes}, one for each node of the graph",
                    )

    def close(self) -> None:
        """Close every store."""
        for store in self.stores.values():
            store.close()

    def _add(self, key: Key, table: Any) -> None:
        if not isinstance(table, RowStore):
            if not isinstance(table, Tensor | np.ndarray):
                raise InputTypeError(
                    f"{_name(key)} is a {type(table).__name__}",
                    expected="a store, a tensor or an array",
                )
            table = MemoryStore(table, buffers=self._buffers)
        for other, store in self.stores.items():
            if other == key:
                continue
            if (other[0] is None) != (key[0] is None):
                raise InputError(
                    f"{_name(key)} stands beside {_name(other)}",
                    expected="a type before every name, or before none",
                )
            if other[0] == key[0] and store.num_rows != table.num_rows:
                raise InputError(
                    f"{_name(key)} has {table.num_rows} rows",
                    expected=f"{store.num_rows}, as {_name(other)}",
                )
        self.stores[key] = table

    def _find(self, attr: TensorAttr) -> RowStore:
        key = attr.group_name, attr.attr_name
        found = self.stores.get(key)
        if found is None:
            raise unknown_name("store", _name(key), [_name(known) for known in self.stores])
        return found

    def _put_tensor(self, tensor: Any, attr: TensorAttr) -> bool:
        if attr.index is not None:
            raise InputError(
                f"rows of {_name((attr.group_name, attr.attr_name))} were to be written",
                expected="a whole table (index=None), since stores are read-only",
            )
        self._add(_as_key((attr.group_name, attr.attr_name)), tensor)
        return True

    def _get_tensor(self, attr: TensorAttr) -> Tensor:
        store = self._find(attr)
        index = attr.index
        if isinstance(index, int | np.integer) and not isinstance(index, bool):
            row = int(index) + store.num_rows * (index < 0)
            return store.gather(torch.tensor([row]))[0]
        if index is None:
            index = slice(None)
        if isinstance(index, slice):
            begin, end, step = index.indices(store.num_rows)
            if step == 1:
                return store.read(begin, max(begin, end))
            index = torch.tensor(range(begin, end, step), dtype=torch.int64)
        return store.gather(_as_rows(index, store.num_rows))

    def _remove_tensor(self, attr: TensorAttr) -> bool:
        return self.stores.pop((attr.group_name, attr.attr_name), None) is not None

    def _get_tensor_size(self, attr: TensorAttr) -> tuple[int, ...] | None:
        store = self.stores.get((attr.group_name, attr.attr_name))
        if store is None:
            return None
        if attr.index is None:
            return (store.num_rows, *store.row_shape)
        return tuple(self._get_tensor(attr).shape)

    def get_all_tensor_attrs(self) -> list[TensorAttr]:
        """The type and name of every store; PyG's loaders ask for them and fill in the index."""
        return [_Attr(group, name) for group, name in self.stores]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def __repr__(self) -> str:
        parts = (f"{_name(key)}: {store!r}" for key, store in self.stores.items())
        return f"{type(self).__name__}({', '.join(parts)})"


def _name(key: Any) -> str:
    """How a user wrote it: ``x``, ``paper.x``, ``paper-cites-paper.edge_attr``."""
    group, name = key
    if group is None:
        return str(name)
    return f"{'-'.join(group) if isinstance(group, tuple) else group}.{name}"


def _as_key(key: Any) -> Key:
    if isinstance(key, str):
        return None, key
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], str):
        group = key[0]
        is_edge = isinstance(group, tuple) and len(group) == 3
        if group is None or isinstance(group, str) or is_edge:
            return group, key[1]
    raise InputTypeError(
        f"a store is named {key!r}", expected="a name such as 'x', or ('paper', 'x')"
    )


def _as_rows(index: Any, num_rows: int) -> Tensor:
    """Row numbers of a tensor or an array of numbers, or of a mask over all rows."""
    if isinstance(index, np.ndarray):
        is_integer = index.dtype.kind in "iu"
        index = torch.from_numpy(index.astype(np.int64) if is_integer else index)
    if isinstance(index, Tensor) and index.dtype == torch.bool:
        if tuple(index.shape) != (num_rows,):
            raise InputError(
                f"index is a mask of shape {list(index.shape)}", expected=f"[{num_rows}]"
            )
        return index.nonzero().flatten()
    rows: Tensor = index  # a store says what is wrong with another one
    return rows
