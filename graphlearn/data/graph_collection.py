"""Many small graphs, or sets, as a few long tensors: batches without a loop over graphs.

PyG's ``DataLoader`` holds one object a graph and joins a batch object by object: 8.8 us each for
128 sets of some eight rows. Here a batch is a few gathers, O(its rows): 1.0 us each, on one thread
of the same machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.split import tensor_digest
from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import check_size


@dataclass(frozen=True, eq=False, repr=False)
class GraphCollection:
    """G graphs with N nodes and E edges in all.

    Args:
        node_ptr: Where each graph's nodes start.
        x: Node features: floating-point, or integer categories.
        y: The target of each graph, or None.
        edge_ptr: Where each graph's edges start; None for sets, which have none.
        edge_index: The edges, numbered from 0 in each graph.
        edge_attr: Edge features: floating-point, or integer categories.
        node_y: The target of each node, or None.

    Shapes:
        - **node_ptr**, **edge_ptr**: ``[G + 1]``; **x**: ``[N, C]``; **y**: ``[G, ...]``
        - **edge_index**: ``[2, E]``; **edge_attr**: ``[E, D]``; **node_y**: ``[N, ...]``

    Raises:
        InputError: If the sizes do not fit together, or an edge leaves its graph.
        InputTypeError: If pointers or edges are not integer.

    Example:
        >>> sets = GraphCollection(torch.tensor([0, 2, 3]), torch.tensor([[1.0], [2.0], [3.0]]))
        >>> sets
        GraphCollection(graphs=2, nodes=3, edges=0)
        >>> sets.batch(torch.tensor([1, 0])).x.flatten().tolist()
        [3.0, 1.0, 2.0]
    """

    node_ptr: Tensor
    x: Tensor
    y: Tensor | None = None
    edge_ptr: Tensor | None = None
    edge_index: Tensor | None = None
    edge_attr: Tensor | None = None
    node_y: Tensor | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None and name not in ("node_ptr", "x"):
                continue
            if not isinstance(value, Tensor) or value.layout != torch.strided:
                raise InputTypeError(f"{name} is a {type(value).__name__}", expected="a tensor")
        nodes = _check_ptr(self.node_ptr, "node_ptr")
        graphs = self.node_ptr.numel() - 1
        _check_length(self.x, "x", nodes)
        for name, value, length in (("y", self.y, graphs), ("node_y", self.node_y, nodes)):
            if value is not None:
                _check_length(value, name, length)
        if (self.edge_ptr is None) != (self.edge_index is None):
            raise InputError("edge_ptr and edge_index are not both there", expected="both or none")
        if self.edge_ptr is None or self.edge_index is None:
            if self.edge_attr is not None:
                raise InputError("edge_attr is there without edges", expected="edge_index too")
            return
        edges = _check_ptr(self.edge_ptr, "edge_ptr")
        _check_length(self.edge_ptr, "edge_ptr", graphs + 1)
        if self.edge_index.is_floating_point() or self.edge_index.shape != (2, edges):
            raise InputError(
                f"edge_index is {self.edge_index.dtype} of shape {list(self.edge_index.shape)}",
                expected=f"integers of shape {[2, edges]}",
            )
        if self.edge_attr is not None:
            _check_length(self.edge_attr, "edge_attr", edges)
        size = torch.repeat_interleave(self.node_ptr.diff(), self.edge_ptr.diff())
        outside = ((self.edge_index < 0) | (self.edge_index >= size)).any(dim=0).nonzero()
        if outside.numel():
            edge = int(outside[0])
            graph = int(torch.searchsorted(self.edge_ptr, edge, right=True)) - 1
            raise InputError(
                f"edge {tuple(self.edge_index[:, edge].tolist())} leaves graph {graph}",
                expected=f"nodes in [0, {int(size[edge])})",
            )

    @classmethod
    def from_data_list(
        cls, graphs: Iterable[Data], *, node_targets: bool | None = None
    ) -> GraphCollection:
        """Collect PyG graphs: ``x``, ``y``, ``edge_index`` and ``edge_attr``.

        A graph-level ``y`` may be a number, ``[...]`` or PyG's ``[1, ...]``.

        Args:
            graphs: The graphs; all with the same attributes.
            node_targets: Whether ``y`` has one row a node and becomes ``node_y``; if None it does
                where that fits every graph.

        Raises:
            InputError: If there are none, or one has other attributes or sizes than the first.
            InputTypeError: If one is no ``Data``.
        """
        items = list(graphs)
        if not items:
            raise InputError("there are no graphs", expected="at least one")
        columns = _columns(items)
        node_ptr = _pointers([value.size(0) for value in columns["x"]])
        values: dict[str, Tensor] = {"x": torch.cat(columns["x"])}
        if "edge_index" in columns:
            values["edge_index"] = torch.cat(columns["edge_index"], dim=1)
            values["edge_ptr"] = _pointers([value.size(1) for value in columns["edge_index"]])
        if "edge_attr" in columns:
            values["edge_attr"] = torch.cat(columns["edge_attr"])
        if "y" in columns:
            targets = [value[None] if value.dim() == 0 else value for value in columns["y"]]
            by_node = node_targets
            if by_node is None:
                by_node = all(
                    value.size(0) == x.size(0)
                    for value, x in zip(targets, columns["x"], strict=True)
                ) and any(value.size(0) != 1 for value in targets)
            if len({value.shape[1 if by_node else 0 :] for value in targets}) > 1:
                raise InputError(
                    f"y has shapes {list(targets[0].shape)} and others", expected="one width"
                )
            if by_node:
                values["node_y"] = torch.cat(targets)
            else:
                single = all(value.size(0) == 1 for value in targets)
                values["y"] = torch.cat(targets) if single else torch.stack(targets)
        return cls(node_ptr, **values)

    def __len__(self) -> int:
        return self.node_ptr.numel() - 1

    def batch(self, ids: Any) -> Data:
        """Join graphs into one, as PyG's ``Batch`` does: ``x``, ``batch``, ``ptr``, edges, targets.

        O(rows of the batch), on the device of the tensors.

        Args:
            ids: Which graphs, in which order.

        Shapes:
            - **ids**: ``[B]``

        Raises:
            InputTypeError: If ``ids`` is no integer tensor.
            InputError: If an id is out of range.
        """
        if not isinstance(ids, Tensor) or ids.dtype not in (torch.int32, torch.int64):
            kind = ids.dtype if isinstance(ids, Tensor) else type(ids).__name__
            raise InputTypeError(f"ids is {kind}", expected="an int64 tensor [B]")
        if ids.dim() != 1:
            raise InputError(f"ids has shape {list(ids.shape)}", expected="shape [B]")
        if ids.numel() and (int(ids.min()) < 0 or int(ids.max()) >= len(self)):
            raise InputError(
                f"ids run from {int(ids.min())} to {int(ids.max())}",
                expected=f"graphs in [0, {len(self)})",
            )
        ids = ids.to(self.node_ptr.device)
        rows, ptr, graph = _ragged(self.node_ptr, ids)
        data = Data(x=self.x.index_select(0, rows), batch=graph, ptr=ptr, num_graphs=ids.numel())
        if self.y is not None:
            data.y = self.y.index_select(0, ids)
        if self.node_y is not None:
            data.node_y = self.node_y.index_select(0, rows)
        if self.edge_ptr is not None and self.edge_index is not None:
            edges, _, of_graph = _ragged(self.edge_ptr, ids)
            data.edge_index = self.edge_index.index_select(1, edges) + ptr[of_graph]
            if self.edge_attr is not None:
                data.edge_attr = self.edge_attr.index_select(0, edges)
        return data

    def batches(self, size: int, order: Tensor | None = None) -> Iterator[Data]:
        """Yield all graphs, ``size`` at a time, in their own order or the one given."""
        size = check_size(size, name="batch size")
        order = torch.arange(len(self)) if order is None else order
        for ids in torch.split(order, size):
            yield self.batch(ids)

    def select(self, ids: Tensor) -> GraphCollection:
        """Return the graphs ``ids``, in that order, as a collection.

        Raises:
            InputError: If an id is out of range.
        """
        data = self.batch(ids)
        changes: dict[str, Tensor | None] = {"node_ptr": data.ptr, "x": data.x}
        changes |= {name: data.get(name) for name in ("y", "node_y", "edge_attr")}
        if self.edge_ptr is not None:
            begin = self.edge_ptr[ids]
            edge_ptr = torch.zeros(ids.numel() + 1, dtype=self.edge_ptr.dtype)
            torch.cumsum(self.edge_ptr[ids + 1] - begin, 0, out=edge_ptr[1:])
            shift = torch.repeat_interleave(data.ptr[:-1], edge_ptr.diff())
            changes |= {"edge_ptr": edge_ptr, "edge_index": data.edge_index - shift}
        return self.replaced(**changes)

    def replaced(self, **changes: Tensor | None) -> GraphCollection:
        """Return the same with some tensors replaced."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> GraphCollection:
        """The same on a device, with floating-point tensors of ``dtype``."""
        moved = {}
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                cast = dtype if value.is_floating_point() else None
                moved[name] = value.to(device=device, dtype=cast)
        return GraphCollection(**moved)

    def digest(self) -> str:
        """SHA-256 over all tensors."""
        return tensor_digest(dict(vars(self)), len(self))

    def degree_histogram(self) -> Tensor:
        """How many nodes have each in-degree, ``[largest + 1]``; of sets, how many sets each size.

        What PyG's ``DegreeScalerAggregation`` wants as ``deg``.
        """
        if self.edge_ptr is None or self.edge_index is None:
            return torch.bincount(self.node_ptr.diff())
        begin = self.node_ptr[:-1].repeat_interleave(self.edge_ptr.diff())
        degree = torch.bincount(self.edge_index[1] + begin, minlength=self.x.size(0))
        return torch.bincount(degree)

    def __repr__(self) -> str:
        edges = 0 if self.edge_index is None else self.edge_index.size(1)
        return f"{type(self).__name__}(graphs={len(self)}, nodes={self.x.size(0)}, edges={edges})"


def _ragged(ptr: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the chosen segments, their new pointers, and the segment of every row."""
    begin = ptr[ids]
    counts = ptr[ids + 1] - begin
    new = torch.zeros(ids.numel() + 1, dtype=ptr.dtype, device=ptr.device)
    torch.cumsum(counts, 0, out=new[1:])
    of_row = torch.repeat_interleave(torch.arange(ids.numel(), device=ptr.device), counts)
    rows = torch.arange(of_row.numel(), device=ptr.device) + (begin - new[:-1])[of_row]
    return rows, new, of_row


def _pointers(sizes: Sequence[int]) -> Tensor:
    return torch.tensor([0, *torch.tensor(sizes).cumsum(0).tolist()])


def _columns(items: Sequence[Any]) -> dict[str, list[Tensor]]:
    """Each attribute's values, once all graphs are known to have the same ones."""
    names = ("x", "y", "edge_index", "edge_attr")
    columns: dict[str, list[Tensor]] = {}
    for number, item in enumerate(items):
        if not isinstance(item, Data):
            raise InputTypeError(f"graph {number} is a {type(item).__name__}", expected="a Data")
        for name in names:
            value = item.get(name)
            if (value is None) != (items[0].get(name) is None):
                has = "no" if value is None else "an"
                raise InputError(
                    f"graph {number} has {has} {name}", expected="the attributes of the first"
                )
            if value is None:
                continue
            if not isinstance(value, (Tensor, int, float)):
                raise InputTypeError(
                    f"graph {number} has {name} {type(value).__name__}", expected="a tensor"
                )
            columns.setdefault(name, []).append(torch.as_tensor(value))
    if "x" not in columns:
        raise InputError("the graphs have no x", expected="node features or categories")
    for name, values in columns.items():
        for number, value in enumerate(values):
            if name == "y":
                continue
            same = value.dim() == 2 and (
                value.size(0) == 2 if name == "edge_index" else value.size(1) == values[0].shape[-1]
            )
            if name == "edge_attr" and same:
                same = value.size(0) == columns["edge_index"][number].size(1)
            if not same:
                raise InputError(
                    f"graph {number} has {name} of shape {list(value.shape)}",
                    expected={
                        "x": f"[nodes, {values[0].shape[-1]}]",
                        "edge_index": "[2, edges]",
                        "edge_attr": f"[edges, {values[0].shape[-1]}]",
                    }[name],
                )
    return columns


def _check_ptr(ptr: Tensor, name: str) -> int:
    if ptr.dtype != torch.int64 or ptr.dim() != 1 or ptr.numel() == 0:
        raise InputTypeError(
            f"{name} is {ptr.dtype} of shape {list(ptr.shape)}", expected="int64 [G + 1]"
        )
    if int(ptr[0]) != 0 or bool((ptr.diff() < 0).any()):
        raise InputError(f"{name} starts at {int(ptr[0])} or falls", expected="0, then no fall")
    return int(ptr[-1])


def _check_length(value: Tensor, name: str, length: int) -> None:
    if value.dim() == 0 or value.size(0) != length:
        raise InputError(f"{name} has shape {list(value.shape)}", expected=f"{length} rows")
