"""How good a partition is: what it cuts, and how equal its parts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.partition import halo_size
from graphlearn.pipeline.partition import NODE_COST, node_work
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes, check_size


def check_assignment(
    part: Any, num_nodes: int, count: int, *, name: str = "part", kind: str = "parts"
) -> Tensor:
    """Return the part of each node as int64 on the CPU, if there is one in range for each.

    Args:
        part: What the user gave.
        num_nodes: Number of nodes.
        count: How many parts there are.
        name: The argument's name, for the error text.
        kind: The name of the argument that says how many there are.

    Raises:
        InputTypeError: If it is no integer tensor.
        InputError: If it has another shape, or a number is out of range.

    Example:
        >>> check_assignment(torch.tensor([0, 1], dtype=torch.int8), 2, 2)
        tensor([0, 1])
    """
    if not isinstance(part, Tensor) or part.is_floating_point() or part.dtype == torch.bool:
        what = f"dtype {part.dtype}" if isinstance(part, Tensor) else type(part).__name__
        raise InputTypeError(f"{name} has {what}", expected=f"an integer tensor [{num_nodes}]")
    if list(part.shape) != [num_nodes]:
        raise InputError(f"{name} has shape {list(part.shape)}", expected=f"[{num_nodes}]")
    numbers = part.detach().cpu().long()
    if num_nodes:
        low, high = int(numbers.min()), int(numbers.max())
        if low < 0 or high >= count:
            bad = low if low < 0 else high
            node = int((numbers == bad).nonzero()[0])
            raise InputError(
                f"{name} holds {bad} for node {node}",
                expected=f"numbers in [0, {count})",
                mend="" if low < 0 else f"pass {kind}={high + 1}",
            )
    return numbers


@dataclass(frozen=True, repr=False)
class PartitionReport:
    """Figures of a partition. Make it with :meth:`of`.

    Args:
        parts: How many parts.
        num_nodes: Number of nodes.
        num_edges: Number of edges.
        cut_edges: How many edges have their ends in two parts.
        halo_rows: For each part the nodes outside that send to it, summed over parts.
        work_balance: The largest part's work over the average; that of a node is what
            :func:`graphlearn.pipeline.partition.node_work` says.
        node_balance: The largest part's number of nodes over the average.

    Example:
        >>> square = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> report = PartitionReport.of(square, 4, torch.tensor([0, 0, 0, 1]))
        >>> report
        PartitionReport(2 parts of 4 nodes: 2 of 4 edges cut (50.0 %), 0.50 replicas a vertex,
        largest part has 1.50 of its share of work and 1.50 of nodes)
        >>> report.cut_share, report.replicas_per_vertex
        (0.5, 0.5)
    """

    parts: int
    num_nodes: int
    num_edges: int
    cut_edges: int
    halo_rows: int
    work_balance: float
    node_balance: float

    @classmethod
    def of(
        cls,
        edge_index: EdgeIndex,
        num_nodes: int,
        part: Tensor,
        parts: int | None = None,
        *,
        node_cost: int = NODE_COST,
    ) -> PartitionReport:
        """Measure a partition, in O(N + E + parts).

        Args:
            edge_index: Edges, from source to target.
            num_nodes: Number of nodes.
            part: The part of each node.
            parts: How many parts; by default one more than the largest number.
            node_cost: How many messages a node's row is worth in its work.

        Shapes:
            - **edge_index**: ``[2, E]``; **part**: ``[N]``

        Raises:
            InputTypeError: If an argument is of a wrong type.
            InputError: If ``part`` doesn't fit the graph, or an id is out of range.
        """
        nodes = check_num_nodes(num_nodes)
        edges = check_node_pairs(edge_index, nodes).detach().cpu().long()
        numbers = check_assignment(part, nodes, 2**62 if parts is None else parts)
        if parts is None:
            parts = int(numbers.max()) + 1 if nodes else 1
        parts = check_size(parts, name="parts")
        source, target = edges
        sizes = torch.bincount(numbers, minlength=parts)
        loads = torch.zeros(parts, dtype=torch.int64)
        loads.index_add_(0, numbers, node_work(edges, nodes, node_cost))
        return cls(
            parts=parts,
            num_nodes=nodes,
            num_edges=edges.size(1),
            cut_edges=int((numbers[source] != numbers[target]).sum()),
            halo_rows=halo_size(source, target, numbers, parts),
            work_balance=_balance(loads),
            node_balance=_balance(sizes),
        )

    @property
    def cut_share(self) -> float:
        """Share of the edges that are cut."""
        return self.cut_edges / max(1, self.num_edges)

    @property
    def replicas_per_vertex(self) -> float:
        """How many other parts read a node, on average: the alpha of graph parallelism."""
        return self.halo_rows / max(1, self.num_nodes)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.parts} parts of {self.num_nodes} nodes: "
            f"{self.cut_edges} of {self.num_edges} edges cut ({100 * self.cut_share:.1f} %), "
            f"{self.replicas_per_vertex:.2f} replicas a vertex, largest part has "
            f"{self.work_balance:.2f} of its share of work and {self.node_balance:.2f} of nodes)"
        )


def _balance(loads: Tensor) -> float:
    total = int(loads.sum())
    return int(loads.max()) * loads.numel() / total if total else 1.0
