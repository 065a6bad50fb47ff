"""DeeperGCN's block: generalized graph convolution behind norm, ReLU and dropout."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessageNorm

from graphlearn.errors import InputError
from graphlearn.nn.deep.chunk import Neighborhoods
from graphlearn.nn.deep.gen_aggregation import plain_mean, power_mean, softmax_mean
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.nn.reset import reset
from graphlearn.registry import unknown_name
from graphlearn.validate import check_flag, check_number, check_size

GENAggregation = Literal["softmax", "power"]


class GENLayer(DeepLayer):
    r"""The block ResGCN+ of `"DeeperGCN: All You Need to Train Deeper GCNs"
    <https://arxiv.org/abs/2006.07739>`_ around its convolution GENConv:

    .. math::
        \mathbf{X}' &= \mathrm{GEN}(\mathrm{dropout}(\mathrm{ReLU}(\mathrm{LayerNorm}(\mathbf{X}))))
        + \mathbf{X} \\
        \mathrm{GEN}(\mathbf{x})_i &= \mathrm{MLP}\Bigl(\mathbf{x}_i + s \,
        \lVert \mathbf{x}_i \rVert \frac{\mathbf{m}_i}{\lVert \mathbf{m}_i \rVert}\Bigr), \qquad
        \mathbf{m}_i = \bigoplus_{j \in N(i)} (\mathrm{ReLU}(\mathbf{x}_j) + \epsilon)

    with softmax aggregation (inverse temperature t) or the power mean (exponent p) for
    :math:`\bigoplus`, each with its number learned or fixed. Without ``message_norm``
    :math:`\mathbf{m}_i` is added as it is. Weights of the chunk are the messages' shares in
    either mean: one of weight 2 counts as two.

    Gives what PyG's ``GENConv`` gives, and inside ``DeepGCNLayer`` with ``residual=True``. The
    messages depend on their sender alone (there are no features of edges), so that both
    aggregations are sums over neighbors and no row a message is made: see
    :func:`graphlearn.nn.deep.gen_aggregation.softmax_mean`. Norm, ReLU and dropout are computed of
    the halo's rows too, the map of own rows alone.

    Cost: 2 m C multiply-adds (softmax) or m C (power) for m messages, and 4 n C^2 for the default
    map.

    Args:
        channels (int): Size of a row, in and out.
        aggregation (str): ``"softmax"`` or ``"power"``. (default: :obj:`"softmax"`)
        temperature (float): Start of t, or its value. (default: :obj:`1.0`)
        power (float): Start of p, or its value; 1 and fixed is the plain mean.
            (default: :obj:`1.0`)
        learn (bool): Learn t or p. (default: :obj:`True`)
        message_norm (bool): Scale messages to the length of the node's row.
            (default: :obj:`False`)
        learn_scale (bool): Learn s, which is 1 else. (default: :obj:`False`)
        mlp_layers (int): Number of linear maps of the MLP, with LayerNorm and ReLU between.
            (default: :obj:`2`)
        expansion (int): Width of the MLP, in channels. (default: :obj:`2`)
        eps (float): :math:`\epsilon`. (default: :obj:`1e-7`)
        bias (bool): Learn biases of the MLP. (default: :obj:`True`)
        residual (bool): The whole block; False for GEN alone, without norm, ReLU and dropout
            before it, as the first of a stack is. (default: :obj:`True`)
        dropout (float): Dropout in the block. (default: :obj:`0.0`)

    Shapes:
        - **x**: ``[n + h, channels]``; **output**: ``[n, channels]``

    Raises:
        UnknownNameError: If the aggregation is not known.
        InputError: If a size or a number is out of range, or ``x`` does not fit the chunk.

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> path = whole_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> GENLayer(8, aggregation="power", message_norm=True)(torch.randn(3, 8), path).shape
        torch.Size([3, 8])
    """

    number: Tensor

    def __init__(
        self,
        channels: int,
        *,
        aggregation: GENAggregation = "softmax",
        temperature: float = 1.0,
        power: float = 1.0,
        learn: bool = True,
        message_norm: bool = False,
        learn_scale: bool = False,
        mlp_layers: int = 2,
        expansion: int = 2,
        eps: float = 1e-7,
        bias: bool = True,
        residual: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(channels, channels, dropout=dropout, residual=residual)
        if aggregation not in get_args(GENAggregation):
            raise unknown_name("aggregation", aggregation, get_args(GENAggregation))
        self.aggregation = aggregation
        self.temperature = check_number(temperature, name="temperature")
        self.power = check_number(power, name="power")
        if self.power == 0:
            raise InputError("power is 0", expected="a number other than 0")
        self.eps = check_number(eps, name="eps")
        if self.eps < 0:
            raise InputError(f"eps is {eps}", expected="a number >= 0")
        self.learn = check_flag(learn, name="learn")
        start = torch.empty(1)  # t or p
        if self.learn:
            self.number = nn.Parameter(start)
        else:
            self.register_buffer("number", start)
        scale = check_flag(learn_scale, name="learn_scale")
        used = check_flag(message_norm, name="message_norm")
        if scale and not used:
            raise InputError(
                "learn_scale=True with message_norm=False",
                expected="a message norm for its scale to be learned",
                mend="pass message_norm=True",
            )
        self.message_norm = MessageNorm(learn_scale=scale) if used else None
        self.norm = nn.LayerNorm(channels) if residual else None
        widths = [channels] + [
            channels * check_size(expansion, name="expansion")
            for _ in range(check_size(mlp_layers, name="mlp_layers") - 1)
        ]
        check_flag(bias, name="bias")
        maps: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            maps += [nn.Linear(before, after, bias=bias), nn.LayerNorm(after), nn.ReLU()]
        self.mlp = nn.Sequential(*maps, nn.Linear(widths[-1], channels, bias=bias))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights; t, p and s start anew."""
        reset(self)
        start = self.temperature if self.aggregation == "softmax" else self.power
        nn.init.constant_(self.number, start)

    def forward(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """Return the new rows of the chunk's own nodes."""
        self.check_rows(x, chunk)
        if self.norm is None:
            return self.aggregate(x, chunk)
        return self.aggregate(self.dropout(self.norm(x).relu()), chunk) + x[: chunk.num_nodes]

    def aggregate(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """GENConv.

        Shapes:
            - **x**: ``[n + h, channels]``; **output**: ``[n, channels]``
        """
        own = x[: chunk.num_nodes]
        around = self._around(x.relu() + self.eps, chunk)
        if self.message_norm is not None:
            around = self.message_norm(own, around)
        out: Tensor = self.mlp(own + around)
        return out

    def _around(self, messages: Tensor, chunk: Neighborhoods) -> Tensor:
        if self.aggregation == "softmax":
            return softmax_mean(messages, chunk, self.number)
        if not self.learn and self.power == 1:
            return plain_mean(messages, chunk)
        return power_mean(messages, chunk, self.number)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        name = "temperature" if self.aggregation == "softmax" else "power"
        text = f"{self.out_channels}, {self.aggregation!r}, {name}={getattr(self, name)}"
        text += "" if self.learn else ", learn=False"
        return text + ("" if self.residual else ", residual=False")
