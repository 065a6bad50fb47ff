"""The recurrent aggregator: a GRU reads each set row by row, whatever the sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch_geometric.nn.aggr import Aggregation

from graphlearn.nn.aggr.arguments import check_generator, check_rows
from graphlearn.nn.aggr.plan_cache import PlanCache
from graphlearn.validate import check_flag, check_probability, check_size


class GRUAggregation(Aggregation):  # type: ignore[misc]  # PyG is untyped here
    r"""Recurrent aggregation: the last state of a GRU that reads the rows of a set one by one.

    A drop-in for PyG's class of the same name, which pads every set to the largest and returns the
    state after the padding, so that a set's result changes with the size of other sets. Here the
    sequences are packed: a set gives the state after its own last row, and an empty one the state
    before any, which is zero.

    Cost for E rows: E steps of the GRU in as many calls as the largest set has rows; no padding.

    Args:
        in_channels (int): Size of each input row.
        out_channels (int): Size of each result.
        num_layers (int): Number of GRUs, each reading the one below. (default: :obj:`1`)
        bias (bool): Whether they have biases. (default: :obj:`True`)
        dropout (float): Dropout between two of them. (default: :obj:`0.0`)
        shuffle (bool): In training, take the rows of each set in a random order.
            (default: :obj:`False`)
        generator (torch.Generator, optional): Source of the shuffles, on the CPU; torch's default
            if None. (default: :obj:`None`)

    Shapes:
        - **x**: ``[E, in_channels]``; **index**: ``[E]``; **ptr**: ``[S + 1]``
        - **output**: ``[S, out_channels]``

    Raises:
        InputError: If a shape does not fit, an index is out of range or a row holds NaN.
        InputTypeError: If a tensor is of a wrong type.

    Example:
        >>> import torch
        >>> aggr = GRUAggregation(16, 32)
        >>> aggr(torch.randn(5, 16), torch.tensor([0, 2, 0, 2, 2])).shape
        torch.Size([3, 32])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = check_size(in_channels, name="in_channels")
        self.out_channels = check_size(out_channels, name="out_channels")
        self.shuffle, self.generator = check_flag(shuffle, name="shuffle"), generator
        check_generator(generator)
        self.gru = nn.GRU(
            in_channels,
            out_channels,
            check_size(num_layers, name="num_layers"),
            bias=check_flag(bias, name="bias"),
            dropout=check_probability(dropout, name="dropout"),
            batch_first=True,
        )
        self._plans = PlanCache()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.gru.reset_parameters()

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        max_num_elements: int | None = None,
    ) -> Tensor:
        """Read the rows of each set; ``max_num_elements`` is there for PyG's signature alone."""
        del max_num_elements
        check_rows(x, self.in_channels, dim, next(self.gru.parameters()), axes=2)
        segments, plan = self._plans.get(
            index, ptr, num_rows=x.size(0), num_segments=dim_size, shape="chain"
        )
        if self.shuffle and self.training:
            segments = segments.shuffled(self.generator)
        filled = len(segments) - plan.empty
        out = x.new_zeros(len(segments), self.out_channels)
        if filled == 0:
            return out
        # The chain's plan says which rows enter together: one of every set that still has one.
        rows = x if segments.order is None else x.index_select(0, segments.order)
        rows = rows if plan.entry is None else rows.index_select(0, plan.entry)
        # At each step the sets that go on, and those that end there.
        entering = torch.tensor([level.pairs + level.roots for level in plan.levels])
        _, state = self.gru(PackedSequence(rows, entering))
        longest_first = torch.argsort(segments.counts(), descending=True, stable=True)[:filled]
        return out.to(state.dtype).index_copy(0, longest_first, state[-1])

    def __repr__(self) -> str:
        shuffle = ", shuffle=True" if self.shuffle else ""
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}{shuffle})"
