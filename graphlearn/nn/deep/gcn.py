"""Graph convolution, chunk by chunk."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.nn.deep.chunk import Neighborhoods
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.nn.deep.propagation import gcn_sum
from graphlearn.validate import check_flag


class GCNLayer(DeepLayer):
    r"""The layer of `"Semi-Supervised Classification with Graph Convolutional Networks"
    <https://arxiv.org/abs/1609.02907>`_:

    .. math::
        \mathbf{X}' = \mathbf{D}^{-1/2} (\mathbf{A} + \mathbf{I}) \mathbf{D}^{-1/2} \mathbf{X}
        \mathbf{W} + \mathbf{b}

    with dropout, norm, ReLU and residual as :class:`DeepLayer` says. Rows are summed first and then
    mapped, so those of the halo are not. Where the chunk has weights they take the place of the
    matrix, self-loops included.

    Gives what PyG's ``GCNConv`` gives, but for graphs with self-loops of their own: PyG drops them
    before it adds :math:`\mathbf{I}`, which would need degrees that a chunk does not know. For the
    same there, add the loops that are missing to the graph and pass ``add_self_loops=False``.

    Cost: m C multiply-adds for m messages, and n C C'.

    Args:
        in_channels (int): Size of a row of ``x``.
        out_channels (int): Size of a row of the result.
        bias (bool): Learn a bias. (default: :obj:`True`)
        add_self_loops (bool): Add :math:`\mathbf{I}`; False for a graph that has its loops.
            (default: :obj:`True`)
        **options: ``dropout``, ``norm``, ``activation``, ``residual`` of :class:`DeepLayer`.

    Shapes:
        - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``

    Raises:
        InputError: If ``residual`` is set and the sizes differ, or ``x`` does not fit the chunk.

    Example:
        >>> import torch
        >>> from graphlearn.nn.deep import whole_graph
        >>> path = whole_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> GCNLayer(4, 8, activation=True)(torch.randn(3, 4), path).shape
        torch.Size([3, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        bias: bool = True,
        add_self_loops: bool = True,
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
        self.add_self_loops = check_flag(add_self_loops, name="add_self_loops")
        self.lin = nn.Linear(in_channels, out_channels, bias=check_flag(bias, name="bias"))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights as the paper does: Glorot's, and a bias of 0."""
        super().reset_parameters()
        nn.init.xavier_uniform_(self.lin.weight)
        if self.lin.bias is not None:
            nn.init.zeros_(self.lin.bias)

    def aggregate(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """Normalized sum over neighbors, then the linear map.

        Shapes:
            - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``
        """
        out: Tensor = self.lin(gcn_sum(x, chunk, add_self_loops=self.add_self_loops))
        return out

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return super().extra_repr() + ("" if self.add_self_loops else ", add_self_loops=False")
