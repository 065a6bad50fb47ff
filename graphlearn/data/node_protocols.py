"""Ways to divide nodes: at random, and by the masks that come with a graph."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.node_split import NodeSplit
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import check_num_nodes

_MASKS = ("train_mask", "val_mask", "test_mask")


def random_node_split(
    data: Data, *, train_ratio: float, valid_ratio: float, seed: int
) -> NodeSplit:
    """Divide the labelled nodes of a graph at random, uniformly; the test takes what is left.

    The result depends on which nodes are labelled and the seed alone.

    Args:
        data: The graph; classes may be of any form that :func:`class_labels` takes. Only features,
            edges and classes are kept.
        train_ratio: Share of the labelled nodes to train on, rounded down.
        valid_ratio: Share of them for validation, rounded down.
        seed: Seed of the draw.

    Shapes:
        - ``data.x``: ``[N, C]``; ``data.edge_index``: ``[2, E]``; ``data.y``: ``[N]``

    Raises:
        InputError: If a ratio or the seed is out of range, a part would be empty, or the graph has
            no features or classes.
        InputTypeError: If an argument is of a wrong type.

    Example:
        >>> ring = torch.stack([torch.arange(20), torch.arange(1, 21) % 20])
        >>> data = Data(x=torch.ones(20, 1), edge_index=ring, y=torch.arange(20) % 3)
        >>> random_node_split(data, train_ratio=0.5, valid_ratio=0.25, seed=0)
        NodeSplit(random(0.5,0.25), seed=0, nodes=20, classes=3, train=10, valid=5, test=5)
    """
    seed = _check_seed(seed)
    data = _classified(data)
    labelled = (data.y >= 0).nonzero().flatten()
    sizes = _part_sizes(labelled.numel(), train_ratio, valid_ratio)
    generator = torch.Generator().manual_seed(seed)
    shuffled = labelled[torch.randperm(labelled.numel(), generator=generator)]
    train, valid, test = (
        torch.zeros(data.y.numel(), dtype=torch.bool).index_fill_(0, nodes, True)
        for nodes in torch.split(shuffled, list(sizes))
    )
    rule = f"random({train_ratio:g},{valid_ratio:g})"
    return NodeSplit(data, train, valid, test, rule=rule, seed=seed)


def node_split_from_pyg(
    data: Data, *, seed: int = 0, rule: str = "given", classes: int | None = None
) -> NodeSplit:
    """Take the masks that come with a graph, as PyG's data sets give them.

    Args:
        data: The graph with ``train_mask``, ``val_mask`` and ``test_mask``, each of one split or
            of S splits as columns. Only features, edges and classes are kept of the rest.
        seed: Which of S splits: number ``seed % S``, so that any seed names one.
        rule: What to call it; the number is added where there is more than one split.
        classes: How many classes there are, where that is known.

    Shapes:
        - ``data.x``: ``[N, C]``; ``data.edge_index``: ``[2, E]``; ``data.y``: ``[N]``
        - every mask: ``[N]`` or ``[N, S]``, bool

    Raises:
        InputError: If a mask is missing, the masks do not fit together or the nodes, a part is
            empty, or the graph has no features or classes.
        InputTypeError: If ``data`` is no ``Data``, or a mask is not bool.
        LeakError: If two masks share a node.

    Example:
        >>> masks = {name: torch.eye(3).bool().roll(n, 0) for n, name in enumerate(_MASKS)}
        >>> edges = torch.tensor([[0, 1], [1, 2]])
        >>> data = Data(x=torch.ones(3, 1), edge_index=edges, y=torch.tensor([0, 1, 1]), **masks)
        >>> node_split_from_pyg(data, seed=4)
        NodeSplit(given-1, seed=4, nodes=3, classes=2, train=1, valid=1, test=1)
    """
    chosen_by = _check_seed(seed)
    classified = _classified(data)
    masks = [data.get(name) for name in _MASKS]
    for name, mask in zip(_MASKS, masks, strict=True):
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            kind = "is missing" if mask is None else f"is {getattr(mask, 'dtype', type(mask))}"
            error = InputError if mask is None else InputTypeError
            raise error(
                f"{name} {kind}",
                expected="train_mask, val_mask and test_mask as bool tensors [N] or [N, S]",
                mend="use random_node_split for a graph without masks" if mask is None else "",
            )
    shapes = {mask.shape for mask in masks}
    if len(shapes) > 1 or masks[0].dim() not in (1, 2) or masks[0].numel() == 0:
        raise InputError(
            f"the masks have shapes {', '.join(str(list(mask.shape)) for mask in masks)}",
            expected="[N] or [N, S], the same of all three",
        )
    if masks[0].dim() == 1:
        train, valid, test = masks
        return NodeSplit(classified, train, valid, test, rule=rule, classes=classes)
    number = chosen_by % masks[0].size(1)
    train, valid, test = (mask[:, number].contiguous() for mask in masks)
    rule = f"{rule}-{number}"
    return NodeSplit(classified, train, valid, test, rule=rule, seed=chosen_by, classes=classes)


def class_labels(y: Any) -> Tensor:
    """Return class numbers as int64 ``[N]``; unlabelled nodes, which are NaN or negative, as -1.

    Args:
        y: Whole numbers of any dtype; OGB gives ``[N, 1]``, and floats where some are NaN.

    Shapes:
        - ``y``: ``[N]`` or ``[N, 1]``
        - output: ``[N]``

    Raises:
        InputTypeError: If it is no tensor, or complex.
        InputError: If it is None, has another shape, or holds what is no whole number.

    Example:
        >>> class_labels(torch.tensor([[2.0], [torch.nan], [0.0]]))
        tensor([ 2, -1,  0])
    """
    if y is None:
        raise InputError("data has no classes y", expected="class numbers [N]")
    if not isinstance(y, Tensor) or y.is_complex():
        kind = f"dtype {y.dtype}" if isinstance(y, Tensor) else f"type {type(y).__name__}"
        raise InputTypeError(f"y has {kind}", expected="a tensor of whole numbers [N]")
    labels = y.flatten() if y.dim() == 2 and y.size(1) == 1 else y
    if labels.dim() != 1:
        mend = "pass y.argmax(dim=1) if each row marks one class" if y.dim() == 2 else ""
        raise InputError(
            f"y has shape {list(y.shape)}", expected="[N], one class a node", mend=mend
        )
    if labels.is_floating_point():
        labels = labels.double().nan_to_num(nan=-1.0, posinf=torch.inf, neginf=-torch.inf)
        # Beyond 2**53 a float is no exact number, and beyond 2**63 it would become any integer.
        broken = (labels != labels.round()) | (labels.abs() > 2**53)
        if bool(broken.any()):
            node = int(broken.nonzero()[0])
            raise InputError(
                f"y of node {node} is {float(labels[node]):g}",
                expected="whole numbers, or NaN for none",
            )
    return labels.long().clamp(min=-1)


def _classified(data: Any) -> Data:
    """What node classification needs of a graph: a digest of it should cover all that is kept."""
    data = from_pyg(data)
    y = class_labels(data.get("y"))
    return Data(x=data.get("x"), edge_index=data.edge_index, y=y, num_nodes=data.num_nodes)


def _check_seed(seed: Any) -> int:
    number = check_num_nodes(seed, name="seed")
    if number >= 2**63:  # what torch.Generator takes
        raise InputError(f"seed is {number}", expected="an integer in [0, 2**63)")
    return number


def _part_sizes(total: int, train_ratio: float, valid_ratio: float) -> tuple[int, int, int]:
    for name, ratio in (("train_ratio", train_ratio), ("valid_ratio", valid_ratio)):
        if isinstance(ratio, bool) or not isinstance(ratio, (int, float)):
            raise InputTypeError(f"{name} is {ratio!r}", expected="a number between 0 and 1")
        if not 0 < ratio < 1:  # NaN fails this too.
            raise InputError(f"{name} is {ratio}", expected="a number between 0 and 1")
    if train_ratio + valid_ratio >= 1:
        raise InputError(
            f"train_ratio + valid_ratio is {train_ratio + valid_ratio:g}",
            expected="less than 1, so that nodes are left to test on",
        )
    train, valid = math.floor(train_ratio * total), math.floor(valid_ratio * total)
    if min(train, valid) == 0:
        raise InputError(
            f"{total} labelled nodes at ratios {train_ratio:g} and {valid_ratio:g} make {train} "
            f"training and {valid} validation nodes",
            expected="at least one in each",
            mend="use larger ratios or a larger graph",
        )
    return train, valid, total - train - valid
