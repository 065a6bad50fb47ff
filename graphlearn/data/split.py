"""Link splits: what one holds, and the random one.

The rule for every split of this package: the graph is read as **undirected**. Edge ``(u, v)`` and
edge ``(v, u)`` are one link, also where the source is a directed graph; repeated edges are one
link; self-loops are none. A link is in one part alone, in both directions. Negatives are unlinked
in the whole graph, distinct, and no pair serves two parts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.negatives import sample_non_edges
from graphlearn.data.pairs import unique_pairs
from graphlearn.data.pyg import count_nodes, from_pyg
from graphlearn.errors import InputError, InputTypeError
from graphlearn.typing import Pairs
from graphlearn.validate import check_num_nodes

PARTS = ("train_pairs", "valid_pairs", "valid_negatives", "test_pairs", "test_negatives")
"""The pair tensors of a :class:`LinkSplit`."""


@dataclass(frozen=True, eq=False, repr=False)
class LinkSplit:
    """A graph whose links are divided into training, validation and test parts.

    Making one checks nothing, so that a foreign split can be put in and shown to
    :func:`graphlearn.data.audit_split`.

    Args:
        data: The graph a model may see: ``edge_index`` holds the training links in both
            directions; ``x`` is dense, sparse CSR or ``None``.
        train_pairs: Training links, one direction each, distinct; column ``i`` of it is column
            ``i`` of ``data.edge_index``.
        valid_pairs: Validation links.
        valid_negatives: Unlinked pairs for validation; those that all links are ranked among, or
            for each link its own.
        test_pairs: Test links.
        test_negatives: Unlinked pairs for the test; likewise.
        rule: How it was made, such as ``"random(0.1,0.2)"``.
        seed: The seed it was drawn with; ``None`` where nothing was drawn.
        test_uses_valid_edges: Whether validation links join the graph when test links are scored.

    Shapes:
        - every pair tensor: ``[2, *]``, int64; negatives of links that have their own:
          ``[2, P, Q]``

    Example:
        >>> ring = Data(edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30]))
        >>> split = random_link_split(ring, seed=0)
        >>> split
        LinkSplit(random(0.1,0.2), seed=0, nodes=30, train=21, valid=3+3, test=6+6)
        >>> split.data.edge_index.shape
        torch.Size([2, 42])
    """

    data: Data
    train_pairs: Tensor
    valid_pairs: Tensor
    valid_negatives: Tensor
    test_pairs: Tensor
    test_negatives: Tensor
    rule: str
    seed: int | None
    test_uses_valid_edges: bool = False

    def digest(self) -> str:
        """Return a SHA-256 over every tensor of the split: the dataset hash of the ledger.

        Kept until a tensor is changed in a way that torch counts.
        """
        tensors: dict[str, Tensor | None] = {"x": self.data.get("x")}
        tensors["edge_index"] = self.data.edge_index
        tensors |= {name: getattr(self, name) for name in PARTS}
        return kept_digest(self, tensors, count_nodes(self.data))

    def __repr__(self) -> str:
        size = {name: "x".join(map(str, getattr(self, name).shape[1:])) for name in PARTS}
        return (
            f"{type(self).__name__}({self.rule}, seed={self.seed}, nodes={count_nodes(self.data)}, "
            f"train={size['train_pairs']}, valid={size['valid_pairs']}+{size['valid_negatives']}, "
            f"test={size['test_pairs']}+{size['test_negatives']})"
        )


def random_link_split(
    data: Data,
    *,
    valid_ratio: float = 0.1,
    test_ratio: float = 0.2,
    num_negatives: int | None = None,
    seed: int,
) -> LinkSplit:
    """Divide the links of a graph at random, with negatives drawn uniformly from the unlinked.

    The result depends on the set of links and the seed alone: not on the order or direction in
    which the edges are stored, nor on the number of threads.

    Args:
        data: The graph; see :func:`graphlearn.data.from_pyg` for what is refused.
        valid_ratio: Share of the links held out for validation, rounded down.
        test_ratio: Share of the links held out for the test, rounded down.
        num_negatives: Negatives for validation, and again for the test; by default as many as
            that part has links.
        seed: Seed of the draw.

    Shapes:
        - ``data.edge_index``: ``[2, E]``

    Raises:
        InputError: If a ratio or the seed is out of range, a part would be empty, or the graph
            has too few unlinked pairs.
        InputTypeError: If an argument is of a wrong type.

    Example:
        >>> path = Data(edge_index=torch.stack([torch.arange(50), torch.arange(50) + 1]))
        >>> random_link_split(path, valid_ratio=0.2, test_ratio=0.2, seed=7)
        LinkSplit(random(0.2,0.2), seed=7, nodes=51, train=30, valid=10+10, test=10+10)
    """
    data = from_pyg(data)
    links, generator = shuffled_links(data, seed)
    total = links.size(1)
    num_valid, num_test = _part_sizes(total, valid_ratio, test_ratio)
    counts = (num_valid, num_test)
    if num_negatives is not None:
        counts = (check_num_nodes(num_negatives, name="num_negatives"),) * 2
        if num_negatives == 0:
            raise InputError("num_negatives is 0", expected="an integer >= 1")
    negatives = sample_non_edges(links, data.num_nodes, sum(counts), generator)
    valid_negatives, test_negatives = torch.split(negatives, list(counts), dim=1)
    sizes = [num_valid, num_test, total - num_valid - num_test]
    valid, test, train = torch.split(links, sizes, dim=1)
    return LinkSplit(
        data=message_graph(data, train),
        train_pairs=train.contiguous(),
        valid_pairs=valid.contiguous(),
        valid_negatives=valid_negatives.contiguous(),
        test_pairs=test.contiguous(),
        test_negatives=test_negatives.contiguous(),
        rule=f"random({valid_ratio:g},{test_ratio:g})",
        seed=int(seed),
    )


def shuffled_links(
    data: Data, seed: int, *, by_target: bool = False
) -> tuple[Pairs, torch.Generator]:
    """Return a checked graph's distinct links in a seeded random order, and the generator.

    Args:
        data: The graph.
        seed: Seed of the generator.
        by_target: List the links ``u < v`` by ``v`` before they are shuffled, else by ``u``.

    Shapes:
        - output: ``[2, P]``

    Raises:
        InputTypeError: If the seed is no integer.
        InputError: If the seed is negative, or the graph has no link but self-loops.

    Example:
        >>> pair = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2)
        >>> links, _ = shuffled_links(pair, seed=0)
        >>> links
        tensor([[0],
                [1]])
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise InputTypeError(f"seed is {seed!r}", expected="an integer >= 0")
    if not 0 <= int(seed) < 2**63:
        raise InputError(f"seed is {seed}", expected="an integer in [0, 2**63)")
    links = unique_pairs(data.edge_index, data.num_nodes)
    if links.size(1) == 0:
        raise InputError("the graph has no link between two nodes", expected="at least one")
    if by_target:
        links = links[:, torch.argsort(links[1], stable=True)]
    generator = torch.Generator().manual_seed(int(seed))
    return links[:, torch.randperm(links.size(1), generator=generator)], generator


def message_graph(data: Data, train_pairs: Pairs) -> Data:
    """Return the graph a model may see: node attributes, and training links in both directions.

    ``x``, ``y`` and ``node_ids`` are kept; everything that belongs to edges is dropped.

    Shapes:
        - ``train_pairs``: ``[2, P]``

    Example:
        >>> message_graph(Data(num_nodes=2), torch.tensor([[0], [1]])).edge_index
        tensor([[0, 1],
                [1, 0]])
    """
    kept = {name: data[name] for name in ("x", "y", "node_ids") if data.get(name) is not None}
    both = torch.cat([train_pairs, train_pairs.flip(0)], dim=1)
    return Data(edge_index=both, num_nodes=data.num_nodes, **kept)


def tensor_digest(tensors: Mapping[str, Tensor | None], num_nodes: int | None) -> str:
    """Return a SHA-256 over named tensors: names, dtypes, shapes, layout and bytes.

    Shapes:
        - every tensor: any

    Example:
        >>> tensor_digest({"x": torch.zeros(1)}, 1) == tensor_digest({"x": torch.zeros(2)}, 1)
        False
    """
    digest = hashlib.sha256(f"num_nodes {num_nodes};".encode())
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        tensor = tensor.detach().cpu()
        if tensor.layout not in (torch.strided, torch.sparse_csr):
            tensor = tensor.to_sparse_csr()
        digest.update(f"{name} {tensor.dtype} {tensor.layout} {list(tensor.shape)};".encode())
        if tensor.layout == torch.sparse_csr:
            pieces = [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
        else:
            pieces = [tensor]
        for piece in pieces:
            # As bytes: numpy does not know every dtype.
            # No copy is made of them: features may be a view of a file larger than memory.
            digest.update(piece.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _part_sizes(total: int, valid_ratio: float, test_ratio: float) -> tuple[int, int]:
    for name, ratio in (("valid_ratio", valid_ratio), ("test_ratio", test_ratio)):
        if isinstance(ratio, bool) or not isinstance(ratio, (int, float)):
            raise InputTypeError(f"{name} is {ratio!r}", expected="a number between 0 and 1")
        if not 0 < ratio < 1:  # NaN fails this too.
            raise InputError(f"{name} is {ratio}", expected="a number between 0 and 1")
    if valid_ratio + test_ratio >= 1:
        raise InputError(
            f"valid_ratio + test_ratio is {valid_ratio + test_ratio:g}",
            expected="less than 1, so that links are left to train on",
        )
    sizes = math.floor(valid_ratio * total), math.floor(test_ratio * total)
    if min(sizes) == 0:
        raise InputError(
            f"{total} link{'s' * (total != 1)} at ratios {valid_ratio:g} and {test_ratio:g} make "
            f"{sizes[0]} validation and {sizes[1]} test links",
            expected="at least one in each",
            mend="use larger ratios or a larger graph",
        )
    return sizes


def kept_digest(owner: object, tensors: Mapping[str, Tensor | None], num_nodes: int) -> str:
    """Return :func:`tensor_digest`, computed once while the tensors stay the same.

    A run asks for it several times, and of ogbn-papers100M it is over 100 GB.

    Args:
        owner: What keeps it, by an attribute.
        tensors: The tensors by name.
        num_nodes: The number of nodes.

    Example:
        >>> from types import SimpleNamespace
        >>> owner, x = SimpleNamespace(), torch.zeros(2)
        >>> first = kept_digest(owner, {"x": x}, 2)
        >>> x[0] = 1.0
        >>> first == kept_digest(owner, {"x": x}, 2)
        False
    """
    present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    now = num_nodes, {name: (id(tensor), tensor._version) for name, tensor in present.items()}
    kept = getattr(owner, "_kept_digest", None)
    if kept is None or kept[0] != now:
        # With the tensors themselves: an id is one's own only as long as it lives.
        kept = now, tensor_digest(tensors, num_nodes), tuple(present.values())
        object.__setattr__(owner, "_kept_digest", kept)
    digest: str = kept[1]
    return digest
