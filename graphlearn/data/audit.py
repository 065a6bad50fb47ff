"""The audit that runs before training: does a split hold the answer where it must not?

It looks at what is there, not at who made it, so it judges foreign splits too. Every question is
a sort and a binary search over undirected pair keys: O(E log E), a fraction of a second for a
million links.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.data.pairs import contains, sorted_unique, undirected_keys
from graphlearn.data.pyg import count_nodes
from graphlearn.data.split import LinkSplit
from graphlearn.errors import InputError, InputTypeError, LeakError
from graphlearn.typing import Pairs

SHOWN = 5
"""How many offending pairs a finding keeps."""

_BLOCK = 1 << 22  # pairs that are looked at together: some 100 MB

_NAMES = {
    "train_pairs": "training links",
    "valid_pairs": "validation links",
    "test_pairs": "test links",
    "valid_negatives": "validation negatives",
    "test_negatives": "test negatives",
}
_LINKS = ("train_pairs", "valid_pairs", "test_pairs")
_NEGATIVES = ("valid_negatives", "test_negatives")


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a split.

    Args:
        kind: What it is, such as ``"test links that are training links"``.
        count: How many pairs.
        pairs: The first of them, as they stand in the split.
        refused: Whether it makes the split unusable; otherwise it is a warning.

    Shapes:
        - ``pairs``: up to 5 of ``(u, v)``

    Example:
        >>> str(Finding("test links that are training links", 1, ((3, 7),), refused=True))
        '1 test links that are training links, first (3, 7)'
    """

    kind: str
    count: int
    pairs: tuple[tuple[int, int], ...]
    refused: bool

    def __str__(self) -> str:
        return f"{self.count} {self.kind}, first " + ", ".join(str(pair) for pair in self.pairs)


@dataclass(frozen=True)
class SplitAudit:
    """What :func:`audit_split` found.

    Args:
        sizes: Number of pairs in each part, and of message-passing edges.
        findings: Everything wrong, the refused first.

    Raises:
        LeakError: From :meth:`raise_for_leaks`.

    Example:
        >>> audit = SplitAudit({"test links": 1}, ())
        >>> audit.ok
        True
        >>> print(audit)
        test links: 1
        no leak found
    """

    sizes: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Findings that make the split unusable."""
        return tuple(finding for finding in self.findings if finding.refused)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings worth knowing that do not."""
        return tuple(finding for finding in self.findings if not finding.refused)

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not self.leaks

    def raise_for_leaks(self) -> None:
        """Raise unless nothing was refused.

        Raises:
            LeakError: Naming each leak with its count and first pairs.
        """
        if self.leaks:
            raise LeakError(
                "the split leaks: " + "; ".join(str(leak) for leak in self.leaks),
                expected="every undirected link in one part alone, unlinked distinct negatives",
                mend="make it with graphlearn.data.random_link_split",
            )

    def __str__(self) -> str:
        lines = [f"{name}: {count}" for name, count in self.sizes.items()]
        lines += [f"REFUSED: {leak}" for leak in self.leaks]
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines if self.findings else [*lines, "no leak found"])


def audit_split(split: LinkSplit) -> SplitAudit:
    """Look for everything that would make a test score of this split a lie.

    Refused: a link of one part in another part, in either direction; message-passing edges that
    hold validation or test links; negatives that are links; a negative in both parts; a pair
    twice in a part, in either direction; self-loops among the pairs; ids out of range. In an
    official OGB split all but ids out of range is a warning: it is as it is, and its figures are
    published with it (authors of ogbl-collab who publish together in one year do so again in the
    next; a paper may cite one that cites it). Self-loops among message-passing edges are a warning
    everywhere.

    Where each link has its own negatives, negatives of different links may be the same.

    Args:
        split: Any split, this package's or not.

    Shapes:
        - every pair tensor: ``[2, *]``; negatives also ``[2, P, Q]``

    Raises:
        InputTypeError: If a part is no integer tensor.
        InputError: If a part is not of shape ``[2, *]``, or negatives ``[2, P, Q]`` are not of as
            many links as there are.

    Example:
        >>> from torch_geometric.data import Data
        >>> train, held_out = torch.tensor([[0, 1], [1, 2]]), torch.tensor([[1], [0]])
        >>> none, data = torch.tensor([[0], [3]]), Data(edge_index=train, num_nodes=4)
        >>> other, last = torch.tensor([[2], [3]]), torch.tensor([[1], [3]])
        >>> split = LinkSplit(data, train, other, last, held_out, none, "by hand", None)
        >>> for leak in audit_split(split).leaks:
        ...     print(leak)
        1 test links that are training links, first (1, 0)
        1 test links that are message-passing edges, first (1, 0)
    """
    num_nodes = count_nodes(split.data)
    own = tuple(name for name in _NEGATIVES if _has_own(split, name))
    parts = {name: _checked(name, _columns(split, name)) for name in _NAMES}
    edges = _checked("data.edge_index", split.data.edge_index)
    findings: list[Finding] = []
    sizes = {_NAMES[name]: pairs.size(1) for name, pairs in parts.items()}
    sizes["message-passing edges"] = edges.size(1)
    published = split.rule == "ogb-official"

    def report(
        kind: str, pairs: Pairs, wrong: Tensor | Callable[[Pairs], Tensor], *, refused: bool
    ) -> int:
        """Look at a part block by block: one of ogbl-citation2 has 87 million negatives."""
        count, shown = 0, list[list[int]]()
        for begin in range(0, pairs.size(1), _BLOCK):
            block = pairs[:, begin : begin + _BLOCK]
            marks = wrong[begin : begin + _BLOCK] if isinstance(wrong, Tensor) else wrong(block)
            columns = marks.nonzero()[:, 0]
            count += columns.numel()
            shown += block[:, columns[: SHOWN - len(shown)]].t().tolist()
        if count:
            findings.append(Finding(kind, count, tuple((u, v) for u, v in shown), refused))
        return count

    def out_of_range(pairs: Pairs) -> Tensor:
        return ((pairs < 0) | (pairs >= num_nodes)).any(dim=0)

    def in_range(kind: str, pairs: Pairs) -> Pairs:
        kind = f"{kind} with an id outside [0, {num_nodes})"
        if report(kind, pairs, out_of_range, refused=True):
            return pairs[:, ~out_of_range(pairs)]
        return pairs

    def are_loops(pairs: Pairs) -> Tensor:
        return pairs[0] == pairs[1]

    edges = in_range("message-passing edges", edges)
    seen = sorted_unique(undirected_keys(edges, num_nodes))
    ordered: dict[str, Tensor] = {}
    for name, pairs in parts.items():
        parts[name] = pairs = in_range(_NAMES[name], pairs)
        report(f"{_NAMES[name]} that are self-loops", pairs, are_loops, refused=not published)
        if name in own:
            continue
        keys = undirected_keys(pairs, num_nodes)
        ordered[name] = sorted_unique(keys)
        if ordered[name].numel() != keys.numel():
            kind = f"{_NAMES[name]} that repeat an earlier one"
            report(kind, pairs, _repeats(keys), refused=not published)

    def overlap(name: str, other: str, with_keys: Tensor) -> None:
        def shared(pairs: Pairs) -> Tensor:
            return contains(with_keys, undirected_keys(pairs, num_nodes))

        report(f"{_NAMES[name]} that are {other}", parts[name], shared, refused=not published)

    for held_out, other in (
        ("valid_pairs", "train_pairs"),
        ("test_pairs", "train_pairs"),
        ("test_pairs", "valid_pairs"),
    ):
        overlap(held_out, _NAMES[other], ordered[other])
    for name in ("valid_pairs", "test_pairs"):
        overlap(name, "message-passing edges", seen)
    for name in _NEGATIVES:
        for other in _LINKS:
            overlap(name, _NAMES[other], ordered[other])
    if not own:
        overlap("test_negatives", _NAMES["valid_negatives"], ordered["valid_negatives"])
    kind = "message-passing edges that are self-loops"
    report(kind, edges, are_loops, refused=False)
    findings.sort(key=lambda finding: not finding.refused)
    return SplitAudit(sizes, tuple(findings))


def _has_own(split: LinkSplit, name: str) -> bool:
    """Whether each link has its own negatives, ``[2, P, Q]``."""
    negatives = getattr(split, name)
    if not isinstance(negatives, Tensor) or negatives.dim() != 3:
        return False
    links = getattr(split, name.replace("negatives", "pairs"))
    if negatives.size(1) != links.shape[-1]:
        raise InputError(
            f"{name} has shape {list(negatives.shape)}",
            expected=f"[2, {links.shape[-1]}, Q], a row of Q for each link",
        )
    return True


def _columns(split: LinkSplit, name: str) -> object:
    pairs = getattr(split, name)
    return pairs.flatten(1) if name in _NEGATIVES and _has_own(split, name) else pairs


def _checked(name: str, pairs: object) -> Tensor:
    if not isinstance(pairs, Tensor) or pairs.is_floating_point() or pairs.dtype == torch.bool:
        kind = f"dtype {pairs.dtype}" if isinstance(pairs, Tensor) else type(pairs).__name__
        raise InputTypeError(f"{name} has {kind}", expected="an integer tensor of shape [2, *]")
    if pairs.dim() != 2 or pairs.size(0) != 2:
        raise InputError(f"{name} has shape {list(pairs.shape)}", expected="shape [2, *]")
    return pairs.detach().cpu()


def _repeats(keys: Tensor) -> Tensor:
    # Stable, so that the first of equal keys in the split's own order is the one not marked.
    ordered, order = torch.sort(keys, stable=True)
    again = torch.zeros(keys.numel(), dtype=torch.bool)
    again[order[1:]] = ordered[1:] == ordered[:-1]
    return again
