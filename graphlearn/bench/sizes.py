"""What a model's constructor must know of the data, as plain values that a file can hold."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlearn.data import GraphCollection, GraphSplit, LinkSplit, NodeSplit
from graphlearn.kernels import CSRGraph

Sizes = dict[str, Any]
"""Constructor arguments that the data decide."""


def model_sizes(split: LinkSplit | GraphSplit | NodeSplit) -> Sizes:
    """Return the sizes that a split gives its model.

    Args:
        split: For links: numbers of features, of nodes, and of entries of the training graph. For
            graphs: numbers of features or categories, of nodes and edges, and of targets or
            classes, and of the training part how many nodes have each degree and how many graphs
            each size. For nodes: numbers of features and of classes.

    Example:
        >>> from graphlearn.data import second_minimum_split
        >>> sizes = model_sizes(second_minimum_split(train=50, valid=5, test=5, largest=2))
        >>> sizes["in_channels"], sizes["out_channels"], len(sizes["size_histogram"])
        (8, 8, 3)
    """
    if isinstance(split, LinkSplit):
        x = split.data.get("x")
        return {
            "in_channels": None if x is None else int(x.size(1)),
            "num_nodes": int(split.data.num_nodes),
            "num_entries": 2 * _distinct_edges(split.data.edge_index),
        }
    if isinstance(split, NodeSplit):
        return {"in_channels": int(split.data.x.size(1)), "out_channels": split.num_classes}
    train, parts = split.train, list(split.parts().values())
    categorical = not train.x.is_floating_point()
    edges = [part.edge_attr for part in parts if part.edge_attr is not None]
    edge_categories = bool(edges) and not edges[0].is_floating_point()
    return {
        "in_channels": None if categorical else int(train.x.size(1)),
        "num_categories": _largest([part.x for part in parts]) if categorical else None,
        "num_edge_categories": _largest(edges) if edge_categories else None,
        "edge_channels": int(edges[0].size(1)) if edges and not edge_categories else None,
        "out_channels": _outputs(split, of_nodes=False),
        "node_out_channels": _outputs(split, of_nodes=True),
        "degree_histogram": train.degree_histogram().tolist(),
        "size_histogram": _set_sizes(train),
    }


def _distinct_edges(edge_index: Tensor) -> int:
    """Undirected edges, self-loops not among them."""
    return CSRGraph.from_edge_index(edge_index).num_edges


def _largest(values: list[Tensor]) -> int | list[int]:
    """Numbers of categories, one a column; a single column's as a plain number."""
    present = [value.amax(dim=0) for value in values if value.numel()]
    if not present:
        return 1
    counts: list[int] = (1 + torch.stack(present).amax(dim=0)).tolist()
    return counts[0] if len(counts) == 1 else counts


def _outputs(split: GraphSplit, of_nodes: bool) -> int | None:
    """Numbers to predict: one a column of the targets, or one a class."""
    if split.objective == "classes":
        return split.num_classes(of_nodes)
    target = split.train.node_y if of_nodes else split.train.y
    if target is None:
        return None
    return 1 if target.dim() == 1 else int(target.size(1))


def _set_sizes(train: GraphCollection) -> list[int]:
    sizes: list[int] = train.node_ptr.diff().bincount().tolist()
    return sizes
