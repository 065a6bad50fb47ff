"""GraphSAGE's layer with any aggregation, chunk by chunk."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.kernels.segment import Segments, segment_max
from graphlearn.nn.aggr import AggregatorLike, make_aggregator
from graphlearn.nn.deep.chunk import Neighborhoods
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.nn.deep.propagation import mean_or_weighted_sum, weighted_sum
from graphlearn.nn.reset import reset
from graphlearn.validate import check_flag

_COMPILED = ("mean", "sum", "max")


class SAGELayer(DeepLayer):
    r"""The layer of `"Inductive Representation Learning on Large Graphs"
    <https://arxiv.org/abs/1706.02216>`_:

    .. math::
        \mathbf{x}'_i = \mathbf{W}_1 \bigoplus_{j \in N(i)} \mathbf{x}_j + \mathbf{W}_2 \mathbf{x}_i
        + \mathbf{b}

    with the mean, or any aggregator of this package: ``aggregation="lcm"`` for the learnable
    commutative monoids of `arXiv 2212.08541 <https://arxiv.org/abs/2212.08541>`_. Dropout, norm,
    ReLU and residual are as :class:`DeepLayer` says. Rows are aggregated first and then mapped, so
    those of the halo are not.

    Where the chunk has weights, ``"mean"`` and ``"sum"`` are the weighted sum (weights that favor
    some neighbors hold the mean's 1/degree already, see
    :func:`graphlearn.topology.reweighted_messages`), and any other aggregator is given weighted
    rows.

    Cost: m C additions for ``"mean"`` and ``"sum"``, n C C' for the map. Others make the messages
    first, ``[m, C]``, and cost what they cost on these.

    Args:
        in_channels (int): Size of a row of ``x``.
        out_channels (int): Size of a row of the result.
        aggregation (str, dict or Aggregation): ``"mean"``, ``"sum"``, ``"max"``, or what
            :func:`graphlearn.nn.make_aggregator` takes, to as many channels as it gets.
            (default: :obj:`"mean"`)
        bias (bool): Learn a bias. (default: :obj:`True`)
        **options: ``dropout``, ``norm``, ``activation``, ``residual`` of :class:`DeepLayer`.

    Shapes:
        - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``

    Raises:
        UnknownNameError: If there is no such aggregator; offers the nearest.
        InputError: If ``residual`` is set and the sizes differ, or ``x`` does not fit the chunk.

    Example:
        >>> import torch
        >>> from graphlearn.nn.deep import whole_graph
        >>> path = whole_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> SAGELayer(4, 8, aggregation="lcm")(torch.randn(3, 4), path).shape
        torch.Size([3, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        aggregation: AggregatorLike = "mean",
        bias: bool = True,
        dropout: float = 0.0,
        norm: bool = False,
        activation: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            dropout=dropout,
            norm=norm,
            activation=activation,
            residual=residual,
        )
        self.compiled = aggregation if aggregation in _COMPILED else None
        self.aggregator = None if self.compiled else make_aggregator(aggregation, in_channels)
        self.of_neighbors = nn.Linear(in_channels, out_channels, bias=check_flag(bias, name="bias"))
        self.of_node = nn.Linear(in_channels, out_channels, bias=False)
        # No reset_parameters() here: the parts are new, and an aggregator may come trained.

    def reset_parameters(self) -> None:
        """Draw new weights, those of the aggregator included."""
        reset(self)

    def aggregate(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """Aggregate neighbors, map what comes of it, and add the mapped node.

        Shapes:
            - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``
        """
        around = self.of_neighbors(self._around(x, chunk))
        out: Tensor = around + self.of_node(x[: chunk.num_nodes])
        return out

    def _around(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        if self.compiled == "mean":
            return mean_or_weighted_sum(x, chunk)
        if self.compiled == "sum":
            return weighted_sum(x, chunk)
        messages = x.index_select(0, chunk.col)
        if chunk.weight is not None:
            messages = messages * chunk.weight.to(x.dtype)[:, None]
        if self.compiled == "max":
            # PyG's (torch 2.13) has wrong gradients where messages are equal, as those of repeated
            # edges and of ReLU's zeros are.
            return segment_max(messages, Segments.from_ptr(chunk.rowptr, chunk.col.numel()))
        assert self.aggregator is not None
        out: Tensor = self.aggregator(messages, chunk.edge_index[1], dim_size=chunk.num_nodes)
        return out

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        name = f", aggregation={self.compiled!r}" if self.compiled else ""
        return super().extra_repr() + name
