"""Published split protocols by name, so that figures compare with the papers' own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.negatives import shuffled_non_edges
from graphlearn.data.pairs import contains, sorted_unique, unique_pairs
from graphlearn.data.pyg import from_pyg
from graphlearn.data.split import LinkSplit, message_graph, shuffled_links
from graphlearn.errors import InputError, InputTypeError, LeakError
from graphlearn.validate import check_node_pairs

SplitEdges = Mapping[str, Mapping[str, Tensor]]
"""Links of a published split: part (train, valid, test) -> "edge" or "edge_neg" -> ``[2, *]``;
``[2, P, Q]`` for negatives of which each of P links has its own Q."""

HELD_OUT = 0.2


def ncn_planetoid_split(data: Data, *, seed: int) -> LinkSplit:
    """Divide the links of a graph as NCN's experiments on Planetoid do.

    20 % of the links are held out for validation and 20 % for the test, with as many negatives
    each; then half of the validation links move to training while the validation negatives stay
    20 %. Cora: 3696 / 527 / 1055 links, 1055 negatives for validation and for the test.

    These are the very splits of NCN's published code: the same draws in the same order, from a
    generator seeded alike, so seed by seed figures compare. The draw of the negatives shuffles all
    non-edges, as there, which takes 8 bytes for each (Cora 29 MB, PubMed 1.6 GB for a moment).

    Args:
        data: The graph; see :func:`graphlearn.data.from_pyg` for what is refused.
        seed: Seed of the draw; the papers take a new split for each of the seeds 0-9.

    Shapes:
        - ``data.edge_index``: ``[2, E]``

    Raises:
        InputError: If the graph has fewer than 10 links or too few unlinked pairs.

    Example:
        >>> path = Data(edge_index=torch.stack([torch.arange(50), torch.arange(50) + 1]))
        >>> ncn_planetoid_split(path, seed=0)
        LinkSplit(ncn-planetoid, seed=0, nodes=51, train=35, valid=5+10, test=10+10)
    """
    data = from_pyg(data)
    # PyG lists Planetoid's edges by target, and the published code shuffles them in that order.
    links, generator = shuffled_links(data, seed, by_target=True)
    total = links.size(1)
    held_out = math.floor(HELD_OUT * total)
    num_valid = held_out // 2
    if num_valid == 0:
        raise InputError(
            f"the graph has {total} links", expected="at least 10 for the ncn-planetoid split"
        )
    negatives = shuffled_non_edges(links, data.num_nodes, 2 * held_out, generator)
    valid_negatives, test_negatives = torch.split(negatives, held_out, dim=1)
    sizes = [held_out, held_out, total - 2 * held_out]
    first, test, train = torch.split(links, sizes, dim=1)
    first = first[:, torch.randperm(held_out, generator=generator)]
    to_train, valid = torch.split(first, [held_out - num_valid, num_valid], dim=1)
    train = torch.cat([train, to_train], dim=1)
    return LinkSplit(
        data=message_graph(data, train),
        train_pairs=train.contiguous(),
        valid_pairs=valid.contiguous(),
        valid_negatives=valid_negatives.contiguous(),
        test_pairs=test.contiguous(),
        test_negatives=test_negatives.contiguous(),
        rule="ncn-planetoid",
        seed=int(seed),
    )


def ogb_official_split(
    data: Data, split_edges: SplitEdges, *, test_uses_valid_edges: bool = False
) -> LinkSplit:
    """Make a :class:`LinkSplit` of OGB's own split, nothing drawn.

    Training links are reduced to distinct undirected ones (ogbl-collab lists one a year).
    Validation and test pairs stay as published, repetitions included, because published figures
    count them so; the audit reports repetitions there without refusing.

    Where each link is ranked among its own negatives (ogbl-citation2), links have a direction: one
    of the test whose reverse is for training is kept, as OGB's own networks do on the graph made
    undirected, and the audit reports it; the same link in two parts is refused here.

    Args:
        data: The graph as read by :func:`graphlearn.data.read_ogb_link`; its nodes are used.
        split_edges: What :func:`graphlearn.data.read_ogb_split` gives.
        test_uses_valid_edges: Whether the dataset's rules let the test use validation links.

    Shapes:
        - every tensor of ``split_edges``: ``[2, *]``; negatives also ``[2, P, Q]``

    Raises:
        InputError: If a part is missing, of a layout other than ``edge`` / ``edge_neg``, or out
            of range.
        LeakError: If links have a direction and one is in two parts.

    Example:
        >>> pairs = {"edge": torch.tensor([[0], [1]]), "edge_neg": torch.tensor([[0], [2]])}
        >>> train = {"edge": torch.tensor([[1, 2], [2, 1]])}
        >>> parts = {"train": train, "valid": pairs, "test": pairs}
        >>> ogb_official_split(Data(edge_index=train["edge"], num_nodes=3), parts)
        LinkSplit(ogb-official, seed=None, nodes=3, train=1, valid=1+1, test=1+1)
    """
    data = from_pyg(data)
    num_nodes = int(data.num_nodes)
    wanted = {
        "train_pairs": ("train", "edge"),
        "valid_pairs": ("valid", "edge"),
        "valid_negatives": ("valid", "edge_neg"),
        "test_pairs": ("test", "edge"),
        "test_negatives": ("test", "edge_neg"),
    }
    parts: dict[str, Tensor] = {}
    for name, (part, key) in wanted.items():
        if key not in split_edges.get(part, {}):
            raise InputError(
                f"the split has no {part}/{key}, only {_layout(split_edges)}",
                expected="edge and edge_neg, as in ogbl-ddi, ogbl-collab and ogbl-ppa",
                mend="read_ogb_split makes pairs of citation2's lists of sources and targets",
            )
        pairs = split_edges[part][key]
        columns = pairs.flatten(1) if pairs.dim() == 3 and key == "edge_neg" else pairs
        checked = check_node_pairs(columns, num_nodes, name=f"{part}/{key}").long()
        parts[name] = checked.view(pairs.shape)
    if parts["test_negatives"].dim() == 3:
        _refuse_shared(parts, num_nodes)
    parts["train_pairs"] = unique_pairs(parts["train_pairs"], num_nodes)
    return LinkSplit(
        data=message_graph(data, parts["train_pairs"]),
        rule="ogb-official",
        seed=None,
        test_uses_valid_edges=test_uses_valid_edges,
        **parts,
    )


def _refuse_shared(parts: Mapping[str, Tensor], num_nodes: int) -> None:
    """Raise if a link, in its direction, is in two parts."""
    keys = {
        name: parts[f"{name}_pairs"][0] * num_nodes + parts[f"{name}_pairs"][1]
        for name in ("train", "valid", "test")
    }
    for name, other in (("valid", "train"), ("test", "train"), ("test", "valid")):
        shared = contains(sorted_unique(keys[other]), keys[name]).nonzero().flatten()
        if shared.numel():
            pair = tuple(parts[f"{name}_pairs"][:, int(shared[0])].tolist())
            raise LeakError(
                f"{name} and {other} share {shared.numel()} links, the first {pair}",
                expected="each link in one part alone",
            )


def split_from_pyg(train: Data, valid: Data, test: Data) -> LinkSplit:
    """Make a :class:`LinkSplit` of the three graphs that PyG's ``RandomLinkSplit`` returns.

    Pairs and labels are taken as they are, so that the audit can judge them.

    Args:
        train: The training graph: its ``edge_index`` is what a model may see; its labelled pairs
            with label > 0 are the training links.
        valid: The validation graph, of which the labelled pairs are used.
        test: The test graph, likewise.

    Shapes:
        - ``edge_label_index``: ``[2, B]``
        - ``edge_label``: ``[B]``

    Raises:
        InputTypeError: If an argument is no PyG ``Data``.
        InputError: If one lacks ``edge_label`` or ``edge_label_index``.

    Example:
        >>> part = Data(
        ...     edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3,
        ...     edge_label_index=torch.tensor([[0, 0], [1, 2]]), edge_label=torch.tensor([1, 0]),
        ... )
        >>> split_from_pyg(part, part, part)
        LinkSplit(RandomLinkSplit, seed=None, nodes=3, train=1, valid=1+1, test=1+1)
    """
    labelled = {"train": train, "valid": valid, "test": test}
    pairs = {name: _labelled_pairs(name, part) for name, part in labelled.items()}
    return LinkSplit(
        data=from_pyg(train),
        train_pairs=pairs["train"][0],
        valid_pairs=pairs["valid"][0],
        valid_negatives=pairs["valid"][1],
        test_pairs=pairs["test"][0],
        test_negatives=pairs["test"][1],
        rule="RandomLinkSplit",
        seed=None,
    )


def _labelled_pairs(name: str, part: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(part, Data):
        raise InputTypeError(
            f"{name} is a {type(part).__name__}", expected="a torch_geometric.data.Data"
        )
    pairs, label = part.get("edge_label_index"), part.get("edge_label")
    if not isinstance(pairs, Tensor) or not isinstance(label, Tensor):
        raise InputError(
            f"the {name} graph has no edge_label_index and edge_label",
            expected="both, as RandomLinkSplit makes them",
            mend="use RandomLinkSplit(split_labels=False)",
        )
    if label.dim() != 1 or pairs.dim() != 2 or len(label) != pairs.size(1):
        raise InputError(
            f"the {name} graph has edge_label of shape {list(label.shape)} and edge_label_index "
            f"of shape {list(pairs.shape)}",
            expected="[B] and [2, B]",
        )
    return pairs[:, label > 0].long(), pairs[:, label <= 0].long()


def _layout(split_edges: SplitEdges) -> str:
    named = (f"{part}: {', '.join(sorted(keys))}" for part, keys in split_edges.items())
    return "; ".join(named) or "nothing"
