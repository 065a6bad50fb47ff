"""Principal neighborhood aggregation: four aggregators times three degree scalers, mapped back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.aggr import Aggregation, DegreeScalerAggregation

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr.arguments import check_rows
from graphlearn.nn.aggr.plan_cache import group_rows
from graphlearn.validate import check_size


class PNAAggregation(Aggregation):  # type: ignore[misc]  # PyG is untyped here
    r"""Principal neighborhood aggregation, from `"Principal Neighbourhood Aggregation for Graph
    Nets" <https://arxiv.org/abs/2004.05718>`_: mean, least, largest and standard deviation, each
    times :math:`1`, :math:`\log(n + 1) / \delta` and :math:`\delta / \log(n + 1)` for a set of n
    rows, and a linear map of the twelve. PyG's ``DegreeScalerAggregation`` does the former.

    Args:
        in_channels (int): Size of each input row.
        out_channels (int): Size of each result.
        degree_histogram (Tensor): How many sets of the training data have each size, from which
            :math:`\delta`, the mean of :math:`\log(n + 1)`, follows.

    Shapes:
        - **x**: ``[E, in_channels]``; **index**: ``[E]``; **degree_histogram**: ``[largest + 1]``
        - **output**: ``[S, out_channels]``

    Raises:
        InputTypeError: If ``degree_histogram`` is no integer tensor.
        InputError: If it is empty, all zero or has another shape.

    Example:
        >>> import torch
        >>> aggr = PNAAggregation(16, 32, torch.tensor([0, 2, 5]))
        >>> aggr(torch.randn(5, 16), torch.tensor([0, 0, 1, 2, 2])).shape
        torch.Size([3, 32])
    """

    def __init__(self, in_channels: int, out_channels: int, degree_histogram: Tensor) -> None:
        super().__init__()
        self.in_channels = check_size(in_channels, name="in_channels")
        self.out_channels = check_size(out_channels, name="out_channels")
        _check_histogram(degree_histogram)
        self.scaled = DegreeScalerAggregation(
            ["mean", "min", "max", "std"],
            ["identity", "amplification", "attenuation"],
            deg=degree_histogram,
        )
        self.lin = nn.Linear(12 * in_channels, out_channels)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.lin.reset_parameters()

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        max_num_elements: int | None = None,
    ) -> Tensor:
        """Reduce the rows of each set; see the class."""
        del max_num_elements
        axis = check_rows(x, self.in_channels, dim, self.lin.weight)
        segments = group_rows(index, ptr, num_rows=x.size(axis), num_segments=dim_size)
        # The scalers count sizes by index.
        made = self.scaled(x, segments.row_segment, dim_size=len(segments), dim=dim)
        mapped: Tensor = self.lin(made)
        return mapped

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels})"


def _check_histogram(histogram: Any) -> None:
    if not isinstance(histogram, Tensor) or histogram.dtype not in (torch.int32, torch.int64):
        kind = histogram.dtype if isinstance(histogram, Tensor) else type(histogram).__name__
        raise InputTypeError(f"degree_histogram is {kind}", expected="an int64 tensor")
    counts = histogram.dim() == 1 and histogram.numel() > 1 and int(histogram.min()) >= 0
    if not counts or int(histogram[1:].sum()) == 0:
        raise InputError(
            f"degree_histogram is {histogram.flatten()[:8].tolist()} of shape "
            f"{list(histogram.shape)}",
            expected="counts [largest + 1], with at least one set that has rows",
        )
