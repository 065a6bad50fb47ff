"""A split made ready for the loop: checked, moved to its device, its graphs built once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.data import LinkSplit, audit_split
from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.typing import Pairs
from graphlearn.validate import check_features


@dataclass(frozen=True, eq=False, repr=False)
class PreparedSplit:
    """A :class:`LinkSplit` as the loop wants it; make it with :func:`prepare_split`.

    Args:
        x: Node features of the wanted dtype, dense or sparse CSR, or None.
        graph: The training graph.
        test_graph: The graph that test links are predicted from; ``graph`` itself unless
            validation links join it.
        train_pairs: The training links.
        train_edges: The edge of ``graph`` that each of them is.
        valid: Validation links and negatives.
        test: Test links and negatives; None where they are left out.

    Shapes:
        - **x**: ``[N, C]``; **train_pairs**: ``[2, P]``; **train_edges**: ``[P]``
        - **valid**, **test**: two of ``[2, *]``; negatives also ``[2, P, Q]``

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphlearn.data import random_link_split
        >>> ring = Data(edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30]))
        >>> prepare_split(random_link_split(ring, seed=0), torch.device("cpu"), torch.float32)
        PreparedSplit(CSRGraph(num_nodes=30, num_edges=21, undirected=True), train=21)
    """

    x: Tensor | None
    graph: CSRGraph
    test_graph: CSRGraph
    train_pairs: Pairs
    train_edges: Tensor
    valid: tuple[Pairs, Pairs]
    test: tuple[Pairs, Pairs] | None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.graph}, train={self.train_pairs.size(1)})"


def prepare_split(
    split: LinkSplit, device: torch.device, dtype: torch.dtype, *, test: bool = True
) -> PreparedSplit:
    """Check a split, refuse it if it leaks, and move it where the loop runs.

    Args:
        split: The split.
        device: Where the loop runs.
        dtype: The dtype of the features.
        test: Whether to take its test part along.

    Raises:
        LeakError: If a part of the split holds what it must not.
        InputError: If it has no training links, a training link is no edge of the graph, or the
            features are not finite or of a wrong length.
        InputTypeError: If a tensor is of a wrong type.
    """
    audit_split(split).raise_for_leaks()
    if split.train_pairs.size(1) == 0:
        raise InputError("train_pairs is empty", expected="at least one training link")
    if split.data.num_nodes is None:
        raise InputTypeError("data.num_nodes is None", expected="the number of nodes")
    num_nodes = int(split.data.num_nodes)
    x = split.data.get("x")
    if x is not None:
        x = check_features(x, num_nodes).to(device=device, dtype=dtype)
    edges = split.data.edge_index
    graph = CSRGraph.from_edge_index(edges, num_nodes)
    train_edges = graph.find_edges(split.train_pairs)
    missing = (train_edges < 0).nonzero().flatten()
    if missing.numel():
        first = tuple(split.train_pairs[:, int(missing[0])].tolist())
        raise InputError(
            f"{missing.numel()} training links are not in data.edge_index, the first {first}",
            expected="every training link among the message-passing edges",
        )
    test_graph = graph
    uses_valid_edges = test and split.test_uses_valid_edges
    if uses_valid_edges:
        both = torch.cat([edges, split.valid_pairs], dim=1)
        test_graph = CSRGraph.from_edge_index(both, num_nodes).to(device)
    graph = graph.to(device) if device.type != "cpu" else graph
    return PreparedSplit(
        x=x,
        graph=graph,
        test_graph=test_graph if uses_valid_edges else graph,
        train_pairs=split.train_pairs.long().to(device),
        train_edges=train_edges.to(device),
        valid=(split.valid_pairs.long().to(device), split.valid_negatives.long().to(device)),
        test=(split.test_pairs.long().to(device), split.test_negatives.long().to(device))
        if test
        else None,
    )
