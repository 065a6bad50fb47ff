"""Where every row goes in a tree reduction: planned from the lengths of the segments alone.

The rows that are left in a level lie in a *pool*, ``[merged, waiting, entering]``: what the level
before merged, what it had to leave over, and input rows that take part from this level on. Each
level permutes its pool into ``[pairs, odd, roots]``: 2 P rows that are merged pair by pair, the odd
ones that move up, and the rows that are all that is left of their segment. A permutation is undone
by a permutation, so gradients are gathered and never summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.segment.segments import Segments, check_segments
from graphlearn.registry import unknown_name

TreeShape = Literal["balanced", "chain"]
TREE_SHAPES: tuple[str, ...] = get_args(TreeShape)

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class TreeLevel:
    """One level of a plan.

    Args:
        entering: Number of input rows that join the pool.
        order: ``[M]``, the pool's row at each place of ``[pairs, odd, roots]``; None if they lie
            so already.
        inverse: ``[M]``, the place of each row of the pool.
        pairs: Number of pairs P.
        odd: Number of rows that move up unmerged.
        roots: Number of segments that end here.
    """

    entering: int
    order: Tensor | None
    inverse: Tensor | None
    pairs: int
    odd: int
    roots: int


@dataclass(frozen=True, eq=False, repr=False)
class TreePlan:
    """A schedule of merges for segments of given lengths; made by :func:`plan_tree`.

    Args:
        levels: The levels, from the leaves to the roots.
        entry: ``[E]``, rows (in segment order) in the order in which they enter; None if that is
            their own order.
        root_place: ``[S]``, where each segment's root lies among the roots of all levels, which
            lie level after level; the empty segments' places follow those of all others.
        empty: Number of empty segments.
        lengths: ``[S]``, the lengths it was made for, on the CPU.

    Example:
        >>> segments = Segments.from_ptr(torch.tensor([0, 5, 5, 6]), num_rows=6)
        >>> plan_tree(segments)
        TreePlan(levels=4, merges=4, segments=3)
    """

    levels: tuple[TreeLevel, ...]
    entry: Tensor | None
    root_place: Tensor
    empty: int
    lengths: Array

    @property
    def merges(self) -> int:
        """Number of merges in all: rows minus segments that are not empty."""
        return sum(level.pairs for level in self.levels)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(levels={len(self.levels)}, merges={self.merges}, "
            f"segments={self.root_place.numel()})"
        )


@njit(nogil=True, cache=True)
def _balanced_level(length: Array, pool: Array, order: Array) -> tuple[int, int, int]:
    """Write the level's ``order`` and turn ``pool`` and ``length`` into the next level's.

    ``length`` has the rows left of each live segment, ``pool`` the pool rows, segment by segment;
    the segments that live on are moved to the front of both. Returns pairs, odd and roots.
    """
    pairs, odd, roots = 0, 0, 0
    for n in length:
        pairs += n // 2
        odd += n > 1 and n % 2 == 1
        roots += n == 1
    at_pair, at_odd, at_root = 0, 2 * pairs, 2 * pairs + odd
    read, write, alive = 0, 0, 0
    merged, waiting = 0, pairs
    for n in length:
        if n == 1:
            order[at_root] = pool[read]
            at_root += 1
            read += 1
            continue
        for _ in range(n // 2):
            order[at_pair] = pool[read]
            order[at_pair + 1] = pool[read + 1]
            at_pair += 2
            read += 2
            pool[write] = merged
            merged += 1
            write += 1
        if n % 2 == 1:
            order[at_odd] = pool[read]
            at_odd += 1
            read += 1
            pool[write] = waiting
            waiting += 1
            write += 1
        length[alive] = (n + 1) // 2
        alive += 1
    return pairs, odd, roots


def plan_tree(segments: Segments, shape: TreeShape = "balanced") -> TreePlan:
    """Plan the merges of every segment.

    ``"balanced"``: each level pairs neighbors inside each segment and the odd last one moves up;
    ``ceil(log2(longest))`` levels of merges. ``"chain"``: one row after the other is merged into
    the first, as a recurrent network reads them; as many levels as the longest segment has rows.
    Both make E - S' merges for S' segments with rows, in O(E + levels) time and O(E) memory: a
    level costs what it merges, whatever the longest segment is. (Balanced trees also move odd rows,
    at most one a level and segment.)

    Args:
        segments: The segments; their lengths alone count.
        shape: ``"balanced"`` or ``"chain"``.

    Raises:
        UnknownNameError: If the shape is unknown.
        InputTypeError: If ``segments`` is something else.

    Example:
        >>> segments = Segments.from_ptr(torch.tensor([0, 9, 10]), num_rows=10)
        >>> [level.pairs for level in plan_tree(segments).levels]
        [4, 2, 1, 1, 0]
        >>> [level.pairs for level in plan_tree(segments, "chain").levels]
        [1, 1, 1, 1, 1, 1, 1, 1, 0]
    """
    check_segments(segments)
    if shape not in TREE_SHAPES:
        raise unknown_name("tree shape", shape, TREE_SHAPES)
    device = segments.rowptr.device
    lengths = segments.lengths
    planned = _plan_balanced(lengths) if shape == "balanced" else _plan_chain(lengths)
    levels, entry, root_segment = planned
    empty = np.flatnonzero(lengths == 0)
    place = np.empty(len(lengths), np.int64)
    place[np.concatenate([root_segment, empty])] = np.arange(len(lengths))
    return TreePlan(
        tuple(_level(*level, device) for level in levels),
        None if entry is None else torch.from_numpy(entry).to(device),
        torch.from_numpy(place).to(device),
        len(empty),
        lengths,
    )


_Planned = tuple[list[tuple[int, Array, int, int, int]], Array | None, Array]


def _level(
    entering: int, order: Array, pairs: int, odd: int, roots: int, device: torch.device
) -> TreeLevel:
    places = np.arange(len(order))
    if np.array_equal(order, places):
        return TreeLevel(entering, None, None, pairs, odd, roots)
    inverse = np.empty_like(order)
    inverse[order] = places
    return TreeLevel(
        entering,
        torch.from_numpy(order).to(device),
        torch.from_numpy(inverse).to(device),
        pairs,
        odd,
        roots,
    )


def _plan_balanced(lengths: Array) -> _Planned:
    alive = np.flatnonzero(lengths)
    length = lengths[alive].copy()
    pool = np.arange(int(length.sum()))
    levels, root_segments = [], []
    entering = len(pool)
    while len(length):
        order = np.empty(len(pool), np.int64)
        root_segments.append(alive[length == 1])
        alive = alive[length > 1]
        pairs, odd, roots = _balanced_level(length, pool, order)
        levels.append((entering, order, pairs, odd, roots))
        length, pool, entering = length[: len(alive)], pool[: pairs + odd], 0
    return levels, None, _joined(root_segments)


def _plan_chain(lengths: Array) -> _Planned:
    by_length = np.argsort(-lengths, kind="stable")
    by_length = by_length[: np.count_nonzero(lengths)]
    longest = int(lengths[by_length[0]]) if len(by_length) else 0
    # At step t the rows number t of all segments that have one enter, longest segment first.
    begins = np.concatenate([[0], np.cumsum(lengths)])[:-1][by_length]
    shrinking = -lengths[by_length]
    reach = [int(np.searchsorted(shrinking, -t)) for t in range(longest + 1)]
    entry = np.concatenate([begins[: reach[t]] + t for t in range(longest)] or [begins])
    levels, root_segments = [], []
    for step in range(longest):
        left = reach[step]
        pairs = reach[step + 1]
        # The pool: `left` merged rows (at first the entering ones), then `pairs` entering ones.
        order = np.empty(left + pairs, np.int64)
        order[0 : 2 * pairs : 2] = np.arange(pairs)
        order[1 : 2 * pairs : 2] = np.arange(left, left + pairs)
        order[2 * pairs :] = np.arange(pairs, left)
        root_segments.append(by_length[pairs:left])
        levels.append((pairs + (left if step == 0 else 0), order, pairs, 0, left - pairs))
    own_order = np.array_equal(entry, np.arange(len(entry)))
    return levels, None if own_order else entry, _joined(root_segments)


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
