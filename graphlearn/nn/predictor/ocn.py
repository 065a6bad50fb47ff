"""Orthogonal common neighbors: those of second order without what the first order says."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import (
    CSRGraph,
    NeighborLists,
    common_neighbors,
    join_lists,
    second_order_neighbors,
    values_where_shared,
)
from graphlearn.nn.predictor.arguments import check_call, check_channels
from graphlearn.nn.predictor.branches import pair_branch, score_head
from graphlearn.nn.predictor.node_weights import first_order_rarity, second_order_rarity
from graphlearn.nn.predictor.published_ocn import PublishedWeights
from graphlearn.nn.predictor.set_branch import SetBranch
from graphlearn.nn.registries import PREDICTORS
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_flags, check_number, check_probability


@PREDICTORS.register("ocn")
class OCN(nn.Module):
    r"""Orthogonal Common Neighbor, after `"OCN: Effectively Utilizing Higher-Order Common Neighbors
    for Better Link Prediction" <https://arxiv.org/abs/2505.19719>`_, in a sound form.

    .. math::
        s_{ij} = \mathrm{head}\Bigl( \alpha_1 g_1\bigl( \sum_u c^1_{ij}(u)\, \mathbf{x}_u \bigr)
        + \alpha_1 \alpha_2 g_2\bigl( \sum_u \tilde c^2_{ij}(u)\, \mathbf{x}_u \bigr)
        + \beta k(\mathbf{x}_i \odot \mathbf{x}_j) \Bigr)

    :math:`c^1(u)` is 1 for common neighbors and 0 for others, :math:`c^2(u)` the number of paths of
    length three that u is on (:func:`graphlearn.kernels.second_order_neighbors`), each divided by
    how often u occurs at all; :math:`\tilde c^2 = c^2 - \frac{\langle c^2, c^1 \rangle}{\langle
    c^1, c^1 \rangle} c^1` for each pair, and the :math:`\alpha` are learned in (0, 1).

    The sound form is the default: how often a node occurs is counted over the graph
    (:func:`graphlearn.nn.predictor.node_weights.first_order_rarity` and ``second_order_rarity``),
    and each pair's second order is made orthogonal to its own first, so that a score depends on the
    graph and the pair alone, and not on which endpoint comes first. ``as_published=True`` does what
    the reference code does: it counts over the pairs of the current call, so that a score depends
    on the pairs beside it, and where links and non-links are scored apart (``negatives_apart`` of
    the trainer) on the label itself. ``graphlearn audit`` refuses it; it is here to measure what
    that is worth.

    Cost a batch: the intersection, the walks of
    :func:`graphlearn.kernels.second_order_neighbors`, K C for K entries of both orders, and the
    maps.

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers; ``channels`` if None.
        dropout (float): Dropout in every hidden layer. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be hidden from the neighborhoods
            in training; the reference draws none. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm in the hidden layers. (default: :obj:`True`)
        final_linear (bool): End the pair's branch with a linear map, as those of the sets do.
            (default: :obj:`False`)
        two_layer_head (bool): Two hidden layers in the head. (default: :obj:`False`)
        beta (float): Initial value of the learned factor. (default: :obj:`1.0`)
        as_published (bool): The reference code's counts. (default: :obj:`False`)
        single_weight (float): As published, the weight of a node that occurs once in a call, in
            place of 1. (default: :obj:`0.0`)

    Shapes:
        - **x**: ``[N, channels]``
        - **graph**: a ``CSRGraph``, possibly masked, or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputTypeError: If a switch is neither True nor False.
        InputError: If a shape does not fit, an id is out of range, or ``single_weight`` has nothing
            to weigh.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> OCN(8)(torch.randn(4, 8), edge_index, torch.tensor([[0, 0], [2, 3]])).shape
        torch.Size([2])
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        *,
        dropout: float = 0.0,
        edge_dropout: float = 0.0,
        layer_norm: bool = True,
        final_linear: bool = False,
        two_layer_head: bool = False,
        beta: float = 1.0,
        as_published: bool = False,
        single_weight: float = 0.0,
    ) -> None:
        super().__init__()
        channels, hidden = check_channels(channels, hidden_channels)
        self.channels = channels
        dropout = check_probability(dropout, name="dropout")
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        check_flags(
            layer_norm=layer_norm,
            final_linear=final_linear,
            two_layer_head=two_layer_head,
            as_published=as_published,
        )
        if single_weight != 0.0 and not as_published:
            raise InputError(
                f"single_weight is {single_weight} and as_published is off",
                expected="0: the sound form counts over the graph, not over a call",
            )
        self.as_published = as_published
        self.initial_beta = check_number(beta, name="beta")
        self.beta = nn.Parameter(torch.empty(()))
        self.alpha = nn.Parameter(torch.empty(2))
        self.published = (
            PublishedWeights(check_number(single_weight, name="single_weight"))
            if as_published
            else None
        )
        self.first_branch, self.second_branch = (
            SetBranch(channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=True)
            for _ in range(2)
        )
        self.pair_branch = pair_branch(
            channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=final_linear
        )
        self.head = score_head(
            hidden, dropout=dropout, layer_norm=layer_norm, two_layers=two_layer_head
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)
        nn.init.constant_(self.beta, self.initial_beta)
        nn.init.ones_(self.alpha)

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(x, graph, pairs, self.channels, weight=self.beta)
        pairs = pairs.long()
        seen = graph.drop_entries(self.edge_dropout) if self.training else graph
        (first, first_weight), (second, second_weight) = self._orders(seen, pairs, x.dtype)
        product = x.index_select(0, pairs[0]) * x.index_select(0, pairs[1])
        share = torch.sigmoid(self.alpha).cumprod(0)
        hidden = self.beta * self.pair_branch(product)
        hidden = hidden + share[0] * self.first_branch.pooled(first, x, first_weight)
        hidden = hidden + share[1] * self.second_branch.pooled(second, x, second_weight)
        scores: Scores = self.head(hidden).squeeze(-1)
        return scores

    def _orders(
        self, graph: CSRGraph, pairs: Pairs, dtype: torch.dtype
    ) -> tuple[tuple[NeighborLists, Tensor], tuple[NeighborLists, Tensor]]:
        """First and second order: lists, and a weight of each entry."""
        first = common_neighbors(graph, pairs)
        second, paths = second_order_neighbors(graph, pairs)
        if self.published is not None:
            # Not by a call, whose type nobody knows.
            return self.published.forward(first, second, paths, graph.num_nodes, dtype)
        first_weight = first_order_rarity(graph, dtype)[first.node.long()]
        rarity = second_order_rarity(graph, dtype)
        second_weight = paths.sum(1).to(dtype) * rarity[second.node.long()]
        parts = orthogonal(first, first_weight, second, second_weight, graph.num_nodes)
        return (first, first_weight), parts

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"{self.channels}, edge_dropout={self.edge_dropout}, as_published={self.as_published}"
        )


def orthogonal(
    first: NeighborLists,
    first_weight: Tensor,
    second: NeighborLists,
    second_weight: Tensor,
    num_nodes: int,
) -> tuple[NeighborLists, Tensor]:
    r"""The second lists less their projection on the first, each pair by itself.

    With weights as vectors over the nodes, :math:`\tilde c^2 = c^2 - \frac{\langle c^2, c^1
    \rangle}{\langle c^1, c^1 \rangle} c^1`; unchanged where :math:`c^1` is zero. The result has
    the entries of both lists, of which a node may have two. Costs O(K log K) for K entries.

    Args:
        first: B lists, with no node twice.
        first_weight: A weight of each entry.
        second: B lists, each sorted, with no node twice.
        second_weight: A weight of each entry.
        num_nodes: Number of nodes.

    Shapes:
        - **first_weight**: ``[K]``; **second_weight**: ``[L]``
        - **output**: B lists and ``[K + L]``

    Example:
        >>> import torch
        >>> first = NeighborLists(torch.tensor([0, 1]), torch.tensor([4]))
        >>> second = NeighborLists(torch.tensor([0, 2]), torch.tensor([2, 4]))
        >>> weights = torch.tensor([2.0]), torch.tensor([1.0, 3.0])
        >>> lists, weight = orthogonal(first, weights[0], second, weights[1], 5)
        >>> lists.tolist(), weight.tolist()
        ([[2, 4, 4]], [1.0, 3.0, -3.0])
    """
    rows = first.rows()
    met = values_where_shared(first, second, second_weight, num_nodes)
    sums = first_weight.new_zeros(2, len(first))
    inner = sums[0].index_add(0, rows, met * first_weight)
    square = sums[1].index_add(0, rows, first_weight * first_weight)
    factor = torch.where(square > 0, inner / square.clamp(min=torch.finfo(square.dtype).tiny), 0.0)
    return join_lists([(second, second_weight), (first, -factor[rows] * first_weight)])
