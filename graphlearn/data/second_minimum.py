"""The second-minimum task: sets of 8-bit integers, and of each the second smallest."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.data.graph_collection import GraphCollection
from graphlearn.data.graph_split import GraphSplit
from graphlearn.errors import InputError
from graphlearn.validate import check_num_nodes, check_size

BITS = 8


def second_minimum_sets(
    count: int, *, smallest: int = 1, largest: int = 16, seed: int
) -> GraphCollection:
    """Draw sets for the second-minimum task of "Learnable Commutative Monoids for Graph Neural
    Networks" (https://arxiv.org/abs/2212.08541, section 5).

    The size of each set is uniform in ``[smallest, largest]``, its elements are uniform 8-bit
    integers with repetition. The target is the second element of the sorted set (of one element,
    that element). Features and targets are bits, lowest first.

    Args:
        count: How many sets.
        smallest: Least size.
        largest: Greatest size.
        seed: Of the draws.

    Shapes:
        - ``x``: ``[N, 8]`` float32 of 0 and 1; ``y``: ``[count, 8]`` likewise

    Raises:
        InputError: If a size is below 1, or the smallest exceeds the largest.

    Example:
        >>> sets = second_minimum_sets(100, seed=0)
        >>> sets.y.shape
        torch.Size([100, 8])
        >>> integers_of(sets.batch(torch.tensor([0])).y)
        tensor([47])
    """
    count = check_size(count, name="count")
    smallest, largest = check_size(smallest, name="smallest"), check_size(largest, name="largest")
    if smallest > largest:
        raise InputError(f"smallest is {smallest}", expected=f"at most {largest}, the largest")
    generator = torch.Generator().manual_seed(check_num_nodes(seed, name="seed"))
    sizes = torch.randint(smallest, largest + 1, (count,), generator=generator)
    ptr = torch.zeros(count + 1, dtype=torch.int64)
    torch.cumsum(sizes, 0, out=ptr[1:])
    values = torch.randint(2**BITS, (int(ptr[-1]),), generator=generator)
    # Sorted by set and then by value, the second of each set is one after its first.
    owner = torch.repeat_interleave(torch.arange(count), sizes)
    ordered = (owner * 2**BITS + values).sort().values % 2**BITS
    second = ordered[ptr[:-1] + (sizes > 1).long()]
    return GraphCollection(ptr, bits_of(values), y=bits_of(second))


def second_minimum_split(
    *,
    train: int = 65_536,
    valid: int = 4_096,
    test: int = 4_096,
    largest: int = 16,
    larger: tuple[int, ...] = (32, 200),
    seed: int = 0,
) -> GraphSplit:
    """Training, validation and test sets of one size distribution, and test sets of larger sizes.

    Args:
        train: How many sets to train on.
        valid: How many to validate on.
        test: How many in each test part.
        largest: Greatest size but for the larger test parts.
        larger: Sizes of the larger test parts: part ``"n32"`` has sets of 32.
        seed: Of the draws; the parts are drawn apart.

    Shapes:
        - ``x`` of each part: ``[N, 8]``; ``y``: ``[sets, 8]``

    Raises:
        InputError: If a number is below 1.

    Example:
        >>> split = second_minimum_split(train=10, valid=5, test=5, larger=(40,), seed=1)
        >>> split.more_tests["n40"]
        GraphCollection(graphs=5, nodes=200, edges=0)
    """
    given: object = larger
    if not isinstance(given, (tuple, list)) or len(set(given)) < len(given):
        raise InputError(f"larger is {given!r}", expected="different sizes, as a tuple")
    # No part shares a seed with another's.
    first = 1_000_003 * (check_num_nodes(seed, name="seed") % 2**40)

    def draw(count: int, part: int, *, size: int | None = None) -> GraphCollection:
        smallest, greatest = (1, largest) if size is None else (size, size)
        return second_minimum_sets(count, smallest=smallest, largest=greatest, seed=first + part)

    return GraphSplit(
        draw(train, 0),
        draw(valid, 1),
        draw(test, 2),
        "bits",
        {f"n{size}": draw(test, 3 + place, size=size) for place, size in enumerate(larger)},
        rule="second-minimum",
        seed=seed,
    )


def bits_of(values: Tensor) -> Tensor:
    """Bits of 8-bit integers, lowest first: ``[...]`` to ``[..., 8]`` float32.

    Example:
        >>> bits_of(torch.tensor(5)).tolist()
        [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    return ((values[..., None] >> torch.arange(BITS)) & 1).float()


def integers_of(bits: Tensor) -> Tensor:
    """Undo :func:`bits_of`; what exceeds one half counts as 1.

    Example:
        >>> integers_of(bits_of(torch.tensor([5, 255]))).tolist()
        [5, 255]
    """
    return ((bits > 0.5).long() << torch.arange(BITS)).sum(dim=-1)
