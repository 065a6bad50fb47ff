"""Keeps the plan of the sets that a layer saw last, so that a fixed graph is planned once."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.segment import Segments, TreePlan, TreeShape, plan_tree


class PlanCache:
    """The segments and the tree of one ``index`` or ``ptr``, for as long as it comes again.

    A tensor is the same if it is the same memory, read in the same way, and PyTorch counted no
    change to it since; the former one is held, so its memory cannot have become another tensor's.
    (A change through ``index.data``, or a NumPy array that shares the memory, is not counted: write
    to the tensor itself.) Threads may share one.

    Example:
        >>> import torch
        >>> cache, index = PlanCache(), torch.tensor([0, 0, 1])
        >>> first = cache.get(index, None, num_rows=3, num_segments=2, shape="balanced")
        >>> again = cache.get(index, None, num_rows=3, num_segments=2, shape="balanced")
        >>> first[1] is again[1]
        True
    """

    def __init__(self) -> None:
        # One attribute, set and read at once: threads never see halves of two entries.
        self._entry: tuple[tuple[object, ...], Tensor, tuple[Segments, TreePlan]] | None = None

    @run_eagerly
    def get(
        self,
        index: Tensor | None,
        ptr: Tensor | None,
        *,
        num_rows: int,
        num_segments: int | None,
        shape: TreeShape,
    ) -> tuple[Segments, TreePlan]:
        """Return the segments and the plan; ``ptr`` decides if both are given.

        Raises:
            InputTypeError: If neither is a tensor.
            InputError: If they do not fit the rows; see :func:`group_rows`.
        """
        given = _one_of(index, ptr)
        seen = None
        # Of inference tensors changes are not counted, and plans made of them cannot train.
        if not given.is_inference() and not torch.is_inference_mode_enabled():
            seen = (
                ptr is None,
                given.data_ptr(),
                given.device,
                given.dtype,
                given.shape,
                given.stride(),
                given._version,
                num_rows,
                num_segments,
                shape,
            )
            entry = self._entry
            if entry is not None and entry[0] == seen:
                return entry[2]
        segments = group_rows(index, ptr, num_rows=num_rows, num_segments=num_segments)
        made = segments, plan_tree(segments, shape)
        self._entry = None if seen is None else (seen, given, made)
        return made


@run_eagerly
def group_rows(
    index: Tensor | None, ptr: Tensor | None, *, num_rows: int, num_segments: int | None
) -> Segments:
    """Return the segments that an aggregation is called with; ``ptr`` decides if both are given.

    Args:
        index: The set of each row, or None.
        ptr: Where each set starts, or None.
        num_rows: How many rows there are.
        num_segments: How many sets; by default what ``index`` or ``ptr`` says.

    Shapes:
        - **index**: ``[E]``; **ptr**: ``[S + 1]``

    Raises:
        InputTypeError: If neither is an integer tensor.
        InputError: If they do not fit the rows or each other; see :class:`Segments`.

    Example:
        >>> import torch
        >>> len(group_rows(torch.tensor([0, 2]), None, num_rows=2, num_segments=None))
        3
    """
    given = _one_of(index, ptr)
    segments = (
        Segments.from_index(given, num_segments)
        if ptr is None
        else Segments.from_ptr(given, num_rows)
    )
    if segments.num_rows != num_rows:
        raise InputError(
            f"index has {segments.num_rows} entries", expected=f"{num_rows}, one for each row"
        )
    if num_segments is not None and len(segments) != num_segments:
        raise InputError(
            f"ptr bounds {len(segments)} segments", expected=f"{num_segments}, as dim_size"
        )
    return segments


def _one_of(index: Tensor | None, ptr: Tensor | None) -> Tensor:
    given = index if ptr is None else ptr
    if not isinstance(given, Tensor):
        raise InputTypeError(
            f"index is {type(index).__name__} and ptr {type(ptr).__name__}",
            expected="a tensor for one of them",
        )
    return given
