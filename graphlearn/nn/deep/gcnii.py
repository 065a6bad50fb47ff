"""GCNII's layer: graph convolution with initial residual and identity map, chunk by chunk."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep.chunk import Neighborhoods
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.nn.deep.propagation import gcn_sum
from graphlearn.validate import check_flag, check_number, check_probability, check_size


class GCNIILayer(DeepLayer):
    r"""The layer of `"Simple and Deep Graph Convolutional Networks"
    <https://arxiv.org/abs/2007.02133>`_:

    .. math::
        \mathbf{X}' = \bigl((1 - \alpha) \hat{\mathbf{P}} \mathbf{X} + \alpha \mathbf{X}_0\bigr)
        \bigl((1 - \beta_\ell) \mathbf{I} + \beta_\ell \mathbf{W}\bigr), \qquad
        \beta_\ell = \log(\theta / \ell + 1)

    with :math:`\hat{\mathbf{P}} = \mathbf{D}^{-1/2} (\mathbf{A} + \mathbf{I}) \mathbf{D}^{-1/2}`,
    the number :math:`\ell` of the layer and the first representation :math:`\mathbf{X}_0`, which
    it is called with: ``layer(x, chunk, initial)``. Dropout, norm, ReLU and residual are as
    :class:`DeepLayer` says. Where the chunk has weights they take the place of the matrix.

    Gives what PyG's ``GCN2Conv`` gives; about self-loops of the graph see :class:`GCNLayer`.

    Cost: m C multiply-adds for m messages, and n C^2.

    Args:
        channels (int): Size of a row, in and out.
        layer (int): :math:`\ell`, from 1.
        alpha (float): How much of :math:`\mathbf{X}_0` is mixed in. (default: :obj:`0.1`)
        theta (float): :math:`\theta`, the paper's lambda: how fast the map nears the identity with
            depth. (default: :obj:`0.5`)
        shared_weights (bool): One matrix for both parts; False is the paper's GCNII*, with a second
            one for :math:`\mathbf{X}_0`. (default: :obj:`True`)
        add_self_loops (bool): Add :math:`\mathbf{I}`; False for a graph that has its loops.
            (default: :obj:`True`)
        **options: ``dropout``, ``norm``, ``activation``, ``residual`` of :class:`DeepLayer`.

    Shapes:
        - **x**: ``[n + h, channels]``; **initial**, **output**: ``[n, channels]``

    Raises:
        InputError: If an option is out of range, or a shape does not fit the chunk.

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> path = whole_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> x = torch.randn(3, 8)
        >>> GCNIILayer(8, layer=1)(x, path, x).shape
        torch.Size([3, 8])
    """

    takes_initial = True

    def __init__(
        self,
        channels: int,
        layer: int,
        *,
        alpha: float = 0.1,
        theta: float = 0.5,
        shared_weights: bool = True,
        add_self_loops: bool = True,
        dropout: float = 0.0,
        norm: bool = False,
        activation: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__(
            channels,
            channels,
            dropout=dropout,
            norm=norm,
            activation=activation,
            residual=residual,
        )
        self.layer = check_size(layer, name="layer")
        self.alpha = check_probability(alpha, name="alpha")
        self.theta = check_number(theta, name="theta")
        if self.theta < 0:
            raise InputError(f"theta is {theta}", expected="a number >= 0")
        self.beta = math.log(self.theta / self.layer + 1)
        self.add_self_loops = check_flag(add_self_loops, name="add_self_loops")
        self.weight = nn.Parameter(torch.empty(channels, channels))
        shared = check_flag(shared_weights, name="shared_weights")
        self.initial_weight = None if shared else nn.Parameter(torch.empty(channels, channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        super().reset_parameters()
        nn.init.xavier_uniform_(self.weight)
        if self.initial_weight is not None:
            nn.init.xavier_uniform_(self.initial_weight)

    def forward(  # type: ignore[override]  # it is told by takes_initial
        self, x: Tensor, chunk: Neighborhoods, initial: Tensor
    ) -> Tensor:
        """Return the new rows of the chunk's own nodes; ``initial`` has theirs of the start."""
        self.check_rows(x, chunk)
        self._check_initial(initial, chunk)
        around = gcn_sum(self.dropout(x), chunk, add_self_loops=self.add_self_loops)
        if self.initial_weight is None:
            mixed = torch.lerp(around, initial.to(around.dtype), self.alpha)
            return self.finish(self._map(mixed, self.weight), x)
        out = self._map(around * (1 - self.alpha), self.weight)
        return self.finish(out + self._map(initial * self.alpha, self.initial_weight), x)

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return torch.addmm(x, x, weight, beta=1 - self.beta, alpha=self.beta)

    def _check_initial(self, initial: Tensor, chunk: Neighborhoods) -> None:
        if not isinstance(initial, Tensor):
            raise InputTypeError(
                f"initial is {type(initial).__name__}",
                expected="the rows that the stack's first layer gave",
                mend="put an InputLayer with sets_initial=True before it",
            )
        expected = [chunk.num_nodes, self.out_channels]
        if list(initial.shape) != expected:
            raise InputError(f"initial has shape {list(initial.shape)}", expected=f"{expected}")

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        text = f"{self.out_channels}, layer={self.layer}, alpha={self.alpha}, theta={self.theta}"
        for name in ("activation", "residual"):
            text += f", {name}=True" if getattr(self, name) else ""
        if self.initial_weight is not None:
            text += ", shared_weights=False"
        return text + ("" if self.add_self_loops else ", add_self_loops=False")
