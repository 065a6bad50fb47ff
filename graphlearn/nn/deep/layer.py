"""What all layers of a deep stack share: what they read, and what they do row by row."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.nn.deep.chunk import Neighborhoods, check_chunk_rows
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.dtype import check_dtype
from graphlearn.validate import check_flag, check_size


class DeepLayer(nn.Module):
    r"""Base of layers that compute a graph part by part, the same as all at once.

    A layer is called as ``layer(x, chunk)`` and gives a row for each of the chunk's own nodes. It
    may mix rows along the chunk's messages and in no other way, so that no row depends on how the
    graph is cut: no batch norm. Three attributes tell a trainer how to call it; a module without
    them counts as one with the defaults.

    - ``reads_halo`` (default: :obj:`True`): ``x`` has the rows of the halo after the chunk's own;
      False for a layer that maps each node by itself and is given own rows alone.
    - ``sets_initial`` (default: :obj:`False`): what it returns is also kept for later layers.
    - ``takes_initial`` (default: :obj:`False`): it is called as ``layer(x, chunk, initial)`` with
      the own rows of what was kept.

    A subclass computes :math:`f` in :meth:`aggregate`; the layer is

    .. math::
        \mathbf{X}' = \mathrm{ReLU}(\mathrm{LayerNorm}(f(\mathrm{dropout}(\mathbf{X}))))
        + \mathbf{X}

    with each of the four left out where its option says so. Dropout comes before messages are
    sent, as in the papers; each chunk draws its own mask for the rows of its halo.

    Args:
        in_channels (int): Size of a row of ``x``.
        out_channels (int): Size of a row of the result.
        dropout (float): Dropout on what the layer reads. (default: :obj:`0.0`)
        norm (bool): LayerNorm of the result. (default: :obj:`False`)
        activation (bool): ReLU of the result. (default: :obj:`False`)
        residual (bool): Add the node's own input. (default: :obj:`False`)

    Shapes:
        - **x**: ``[n + h, in_channels]`` with n own nodes and h of the halo
        - **output**: ``[n, out_channels]``

    Raises:
        InputError: If ``residual`` is set and the sizes differ, or ``x`` does not fit the chunk.

    Example:
        >>> import torch
        >>> from graphlearn.kernels import spmm
        >>> from graphlearn.nn.deep import whole_graph
        >>> class SumLayer(DeepLayer):
        ...     def aggregate(self, x, chunk):
        ...         return spmm(chunk.rowptr, chunk.col, x)
        >>> path = whole_graph(torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
        >>> SumLayer(1, 1, residual=True)(torch.tensor([[1.0], [2.0], [3.0]]), path).tolist()
        [[1.0], [3.0], [5.0]]
    """

    reads_halo: bool = True
    sets_initial: bool = False
    takes_initial: bool = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dropout: float = 0.0,
        norm: bool = False,
        activation: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels = check_size(in_channels, name="in_channels")
        self.out_channels = check_size(out_channels, name="out_channels")
        self.activation = check_flag(activation, name="activation")
        self.residual = check_flag(residual, name="residual")
        if residual and in_channels != out_channels:
            raise InputError(
                f"residual with in_channels {in_channels} and out_channels {out_channels}",
                expected="as many of both, for the input to be added",
                mend="pass residual=False",
            )
        self.dropout = Dropout(dropout)
        self.norm = nn.LayerNorm(out_channels) if check_flag(norm, name="norm") else None

    def reset_parameters(self) -> None:
        """Draw new weights; a subclass draws its own too."""
        if self.norm is not None:
            self.norm.reset_parameters()

    def forward(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """Return the new rows of the chunk's own nodes."""
        self.check_rows(x, chunk)
        return self.finish(self.aggregate(self.dropout(x), chunk), x)

    def aggregate(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """What the layer computes of rows that dropout has passed; for a subclass to say.

        Shapes:
            - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``
        """
        raise NotImplementedError(f"{type(self).__name__} has no aggregate()")

    def finish(self, out: Tensor, x: Tensor) -> Tensor:
        """Norm, ReLU and residual, as far as the layer has them.

        Shapes:
            - **out**: ``[n, out_channels]``; **x**: ``[n + h, in_channels]``
        """
        if self.norm is not None:
            out = self.norm(out)
        if self.activation:
            out = out.relu()
        return out + x[: out.size(0)] if self.residual else out

    def check_rows(self, x: Any, chunk: Neighborhoods | None) -> None:
        """Raise unless ``x`` has a row for each node and ``in_channels`` channels.

        Raises:
            InputTypeError: If it is no dense floating-point tensor, or not of the weights' dtype.
            InputError: If its shape does not fit.
        """
        check_chunk_rows(x, chunk, halo=self.reads_halo)
        if x.size(1) != self.in_channels:
            raise InputError(
                f"x has shape {list(x.shape)}", expected=f"{self.in_channels} channels, [N, C]"
            )
        for weight in self.parameters():
            check_dtype(x, weight, name="x")
            break

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        text = f"{self.in_channels}, {self.out_channels}"
        for name in ("activation", "residual"):
            text += f", {name}=True" if getattr(self, name) else ""
        return text
