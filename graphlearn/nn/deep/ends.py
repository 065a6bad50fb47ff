"""The two ends of a stack: from features to its width, and from there to its result."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.nn.deep.chunk import Neighborhoods
from graphlearn.nn.deep.layer import DeepLayer
from graphlearn.validate import check_flag


class InputLayer(DeepLayer):
    r"""Dropout on the features, a linear map, ReLU; each node by itself.

    Args:
        in_channels (int): Number of features.
        out_channels (int): Width of the stack.
        dropout (float): Dropout on the features. (default: :obj:`0.0`)
        norm (bool): LayerNorm of the result, before ReLU. (default: :obj:`False`)
        activation (bool): ReLU of the result. (default: :obj:`True`)
        sets_initial (bool): Let what it returns be kept for later layers, as GCNII's read it.
            (default: :obj:`False`)

    Shapes:
        - **x**: ``[n, in_channels]``, own rows alone; **output**: ``[n, out_channels]``

    Raises:
        InputError: If a size is below 1, or ``x`` does not fit.

    Example:
        >>> import torch
        >>> InputLayer(5, 8, dropout=0.5)(torch.randn(3, 5)).shape
        torch.Size([3, 8])
    """

    reads_halo = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dropout: float = 0.0,
        norm: bool = False,
        activation: bool = True,
        sets_initial: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, dropout=dropout, norm=norm, activation=activation
        )
        self.sets_initial = check_flag(sets_initial, name="sets_initial")
        self.lin = nn.Linear(in_channels, out_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        super().reset_parameters()
        self.lin.reset_parameters()

    def forward(self, x: Tensor, chunk: Neighborhoods | None = None) -> Tensor:
        """Return the first representations of the nodes; what they are linked to is not read."""
        self.check_rows(x, chunk)
        return self.finish(self.lin(self.dropout(x)), x)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return super().extra_repr() + (", sets_initial=True" if self.sets_initial else "")


class OutputLayer(DeepLayer):
    r"""LayerNorm, ReLU, dropout, a linear map; each node by itself.

    Norm and ReLU are for a stack of pre-activation blocks, whose last sum has had neither.

    Args:
        in_channels (int): Width of the stack.
        out_channels (int): Size of the result, such as the number of classes.
        dropout (float): Dropout before the map. (default: :obj:`0.0`)
        norm (bool): LayerNorm first. (default: :obj:`False`)
        activation (bool): ReLU before dropout. (default: :obj:`False`)

    Shapes:
        - **x**: ``[n, in_channels]``, own rows alone; **output**: ``[n, out_channels]``

    Raises:
        InputError: If a size is below 1, or ``x`` does not fit.

    Example:
        >>> import torch
        >>> OutputLayer(8, 3)(torch.randn(5, 8)).shape
        torch.Size([5, 3])
    """

    reads_halo = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dropout: float = 0.0,
        norm: bool = False,
        activation: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, dropout=dropout, activation=activation)
        self.norm = nn.LayerNorm(in_channels) if check_flag(norm, name="norm") else None
        self.lin = nn.Linear(in_channels, out_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        super().reset_parameters()
        self.lin.reset_parameters()

    def forward(self, x: Tensor, chunk: Neighborhoods | None = None) -> Tensor:
        """Return the result of each node; what it is linked to is not read."""
        self.check_rows(x, chunk)
        if self.norm is not None:
            x = self.norm(x)
        if self.activation:
            x = x.relu()
        out: Tensor = self.lin(self.dropout(x))
        return out
