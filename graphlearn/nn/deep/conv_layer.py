"""Any convolution of PyG as a layer of a deep stack."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from graphlearn.errors import InputError
from graphlearn.nn.deep.chunk import Neighborhoods, check_chunk_rows
from graphlearn.nn.deep.conv_checks import check_conv
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.reset import reset
from graphlearn.validate import check_flag


class ConvLayer(nn.Module):
    r"""A convolution of PyG on a part of a graph: dropout, ``conv``, ReLU, residual.

    A convolution that takes two sets of nodes (``SAGEConv``, ``GATConv``, ``GraphConv``,
    ``GINConv``, ``TransformerConv``, ...) is called with ``((x, x[:n]), edge_index)``, from the
    chunk's rows to its own nodes. Any other is called with all rows as one graph, of which the
    first n results are taken; that computes and drops a result for each row of the halo.

    Right for a convolution whose result for a node depends on the node, its messages and their
    weights alone. What breaks that is refused where it can be seen from outside: more than one hop,
    normalization by degrees (``GCNConv`` must have ``normalize=False`` and get its factors as the
    chunk's weights), norms over rows. A convolution of one's own that looks at degrees or at other
    nodes inside is not found out.

    Cost: what the convolution costs on m messages, with its ``[m, C]``. Own layers
    (:class:`GCNLayer`, :class:`SAGELayer`, :class:`GENLayer`) make no row a message.

    Args:
        conv (MessagePassing): The convolution; shared, not copied.
        dropout (float): Dropout on what it reads. (default: :obj:`0.0`)
        activation (bool): ReLU of the result. (default: :obj:`False`)
        residual (bool): Add the node's own input. (default: :obj:`False`)
        bipartite (bool, optional): Whether it takes two sets of nodes; by default read from the
            types of its ``forward``. (default: :obj:`None`)

    Shapes:
        - **x**: ``[n + h, in_channels]``; **output**: ``[n, out_channels]``

    Raises:
        InputTypeError: If ``conv`` is no ``MessagePassing``.
        InputError: If a part of a graph is not enough for it, the chunk has weights that it does
            not take, or a shape does not fit.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GATConv
        >>> from graphlearn.nn.deep import whole_graph
        >>> path = whole_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> ConvLayer(GATConv(4, 8, heads=2), activation=True)(torch.randn(3, 4), path).shape
        torch.Size([3, 16])
    """

    reads_halo: bool = True
    sets_initial: bool = False
    takes_initial: bool = False

    def __init__(
        self,
        conv: MessagePassing,
        *,
        dropout: float = 0.0,
        activation: bool = False,
        residual: bool = False,
        bipartite: bool | None = None,
    ) -> None:
        super().__init__()
        check_conv(conv)
        parameters = inspect.signature(conv.forward).parameters
        if bipartite is None:
            bipartite = _takes_pairs(parameters["x"].annotation)
        self.bipartite = check_flag(bipartite, name="bipartite")
        self.takes_weight = "edge_weight" in parameters
        self.takes_size = "size" in parameters
        self.conv = conv
        self.dropout = Dropout(dropout)
        self.activation = check_flag(activation, name="activation")
        self.residual = check_flag(residual, name="residual")
        # No reset_parameters() here: the convolution may come trained.

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)

    def forward(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        """Return the new rows of the chunk's own nodes."""
        check_chunk_rows(x, chunk)
        own = chunk.num_nodes
        options: dict[str, Any] = {}
        if chunk.weight is not None:
            if self.takes_weight:
                options["edge_weight"] = chunk.weight.to(x.dtype)
            elif chunk.weight.numel():  # without messages nothing is lost
                raise InputError(
                    f"the chunk has weights and {type(self.conv).__name__} takes none",
                    expected="a convolution with edge_weight, or a graph without weights",
                )
        read = self.dropout(x)
        out: Any
        if self.bipartite:
            if self.takes_size:
                options["size"] = (x.size(0), own)
            out = self.conv((read, read[:own]), chunk.edge_index, **options)
        else:
            out = self.conv(read, chunk.edge_index, **options)
            if isinstance(out, Tensor) and out.dim() == 2 and out.size(0) == x.size(0):
                out = out[:own]
        if not isinstance(out, Tensor) or out.dim() != 2 or out.size(0) != own:
            given = (
                f"a tensor of shape {list(out.shape)}"
                if isinstance(out, Tensor)
                else type(out).__name__
            )
            raise InputError(
                f"{type(self.conv).__name__} returned {given}",
                expected=f"a tensor of {own} rows, one a node of the chunk",
                mend="pass bipartite=False" if self.bipartite else "",
            )
        result: Tensor = out.relu() if self.activation else out
        if not self.residual:
            return result
        if result.size(1) != x.size(1):
            raise InputError(
                f"residual with {x.size(1)} channels in and {result.size(1)} out",
                expected="as many of both",
                mend="pass residual=False",
            )
        return result + x[:own]

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        names = ("bipartite", "activation", "residual")
        return ", ".join(f"{name}=True" for name in names if getattr(self, name))


def _takes_pairs(annotation: Any) -> bool:
    """Whether a type is, or may be, a pair of tensors; it may be written as text."""
    text = str(annotation).lower()
    return "tuple[" in text or "pairtensor" in text
