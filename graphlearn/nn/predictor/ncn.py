"""Neural Common Neighbor: representations of the common neighbors beside the pair's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph, NeighborLists, common_neighbors
from graphlearn.nn.aggr import AggregatorLike, make_aggregator
from graphlearn.nn.predictor.arguments import check_call, check_channels
from graphlearn.nn.predictor.branches import pair_branch, score_head
from graphlearn.nn.predictor.node_weights import check_node_weight, node_weight
from graphlearn.nn.predictor.set_branch import SetBranch
from graphlearn.nn.registries import PREDICTORS
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_number, check_probability


@PREDICTORS.register("ncn")
class NCN(nn.Module):
    r"""Neural Common Neighbor, from `"Neural Common Neighbor with Completion for Link Prediction"
    <https://arxiv.org/abs/2302.00890>`_ (equation 9).

    .. math::
        s_{ij} = \mathrm{head}\Bigl( \beta\, g\bigl( \sum_{u \in N(i) \cap N(j)}
        \mathbf{x}'_u \bigr) + k(\mathbf{x}_i \odot \mathbf{x}_j) \Bigr), \quad
        \mathbf{x}' = \mathbf{x} + f(\mathbf{x})

    Remove the links that are being scored from ``graph`` in training
    (:meth:`CSRGraph.without_edges`), for the encoder too; otherwise training shows the answer.

    Cost a batch: the intersection (see :func:`graphlearn.kernels.common_neighbors`), K C for K
    common neighbors, and the maps. :math:`f` runs on those nodes alone that are somebody's common
    neighbor, :math:`g` on those pairs alone that have one: the empty set's image is shared.

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers; ``channels`` if None.
        dropout (float): Dropout in every hidden layer. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be hidden from the intersection
            in training. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm in the hidden layers. (default: :obj:`True`)
        node_map (bool): Use :math:`f`; else :math:`\mathbf{x}' = \mathbf{x}`.
            (default: :obj:`True`)
        final_linear (bool): End both branches with a linear map. (default: :obj:`False`)
        two_layer_head (bool): Two hidden layers in the head. (default: :obj:`False`)
        beta (float): Initial value of the learned factor. (default: :obj:`1.0`)
        node_weight (str): Factor of each common neighbor: ``"none"``, ``"adamic-adar"``,
            ``"resource-allocation"``, or ``"batch-frequency"``, which makes scores depend on the
            batch and is refused by the audit. (default: :obj:`"none"`)
        pooling (Aggregation, str or dict, optional): What pools the common neighbors in place of
            the sum: any PyG aggregation from ``channels`` to ``channels`` channels, or one of
            :data:`graphlearn.nn.AGGREGATORS` by name, such as ``"lcm"`` or
            ``{"name": "lcm", "shuffle": True}``. A pair without common neighbors gets what it gives
            an empty set. Costs ``[K, C]`` memory for K common neighbors, which the sum does not;
            one whose result depends on other sets is refused by the audit. (default: :obj:`None`)

    Shapes:
        - **x**: ``[N, channels]``
        - **graph**: a ``CSRGraph``, possibly masked, or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> predictor = NCN(8)
        >>> predictor(torch.randn(4, 8), edge_index, torch.tensor([[0, 0], [2, 3]])).shape
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
        node_map: bool = True,
        final_linear: bool = False,
        two_layer_head: bool = False,
        beta: float = 1.0,
        node_weight: str = "none",
        pooling: AggregatorLike = None,
    ) -> None:
        super().__init__()
        channels, hidden = check_channels(channels, hidden_channels)
        self.channels = channels
        dropout = check_probability(dropout, name="dropout")
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        self.node_weight = check_node_weight(node_weight)
        self.initial_beta = check_number(beta, name="beta")
        self.beta = nn.Parameter(torch.empty(()))
        self.node_map = (
            SetBranch(
                channels, channels, dropout=dropout, layer_norm=layer_norm, final_linear=False
            )
            if node_map
            else None
        )
        self.set_branch = SetBranch(
            channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=final_linear
        )
        self.pair_branch = pair_branch(
            channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=final_linear
        )
        self.head = score_head(
            hidden, dropout=dropout, layer_norm=layer_norm, two_layers=two_layer_head
        )
        self.reset_parameters()
        # After the reset: a module that was given may be trained already.
        self.pooling = None if pooling is None else make_aggregator(pooling, channels)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)
        nn.init.constant_(self.beta, self.initial_beta)

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(x, graph, pairs, self.channels, weight=self.beta)
        return self.score(x, self.seen(graph), pairs.long())

    def seen(self, graph: CSRGraph) -> CSRGraph:
        """The graph that neighborhoods are taken from: with edges dropped in training."""
        return graph.drop_entries(self.edge_dropout) if self.training else graph

    def score(self, x: Tensor, graph: CSRGraph, pairs: Pairs) -> Scores:
        """Score pairs from the common neighbors that ``graph`` shows."""
        common = common_neighbors(graph, pairs)
        weight = node_weight(self.node_weight, graph, common, x)
        entry_weight = None if weight is None else weight.index_select(0, common.node.long())
        return self.combine(x, pairs, common, entry_weight)

    def combine(
        self, x: Tensor, pairs: Pairs, neighbors: NeighborLists, entry_weight: Tensor | None
    ) -> Scores:
        """Pool the given neighbors of every pair and score it.

        Shapes:
            - **neighbors**: B lists with K entries; **entry_weight**: ``[K]``; **output**: ``[B]``
        """
        product = x.index_select(0, pairs[0]) * x.index_select(0, pairs[1])
        lists, rows = self.mapped(x, neighbors)
        image = self.set_branch.pooled(lists, rows, entry_weight, self.pooling)
        hidden = torch.addcmul(self.pair_branch(product), image, self.beta)
        scores: Tensor = self.head(hidden).squeeze(-1)
        return scores

    def mapped(self, x: Tensor, neighbors: NeighborLists) -> tuple[NeighborLists, Tensor]:
        """Lists and the rows they point to: ``x'`` of the nodes that occur, numbered anew."""
        if self.node_map is None:
            return neighbors, x
        if neighbors.node.numel() >= 4 * x.size(0):  # nearly all nodes occur
            return neighbors, x + self.node_map(x)
        slot = torch.zeros(x.size(0), dtype=torch.int64, device=x.device)
        slot[neighbors.node.long()] = 1
        used = slot.nonzero().flatten()
        slot[used] = torch.arange(used.numel(), device=x.device)
        rows = x.index_select(0, used)
        renumbered = NeighborLists(neighbors.rowptr, slot[neighbors.node.long()])
        return renumbered, rows + self.node_map(rows)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"{self.channels}, edge_dropout={self.edge_dropout}, node_weight={self.node_weight!r}"
        )


@PREDICTORS.register("ncn-count")
class NCNCount(nn.Module):
    r"""The paper's ablation "GAE + CN": the number of common neighbors in place of their sum.

    .. math::
        s_{ij} = \mathrm{head}\bigl( \beta\, g(|N(i) \cap N(j)|) +
        k(\mathbf{x}_i \odot \mathbf{x}_j) \bigr)

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers; ``channels`` if None.
        dropout (float): Dropout in every hidden layer. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be hidden from the intersection
            in training. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm in the hidden layers. (default: :obj:`True`)
        final_linear (bool): End both branches with a linear map. (default: :obj:`False`)
        two_layer_head (bool): Two hidden layers in the head. (default: :obj:`False`)
        beta (float): Initial value of the learned factor. (default: :obj:`1.0`)

    Shapes:
        - **x**: ``[N, channels]``
        - **graph**: a ``CSRGraph``, possibly masked, or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> NCNCount(8)(torch.randn(4, 8), edge_index, torch.tensor([[0, 0], [2, 3]])).shape
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
    ) -> None:
        super().__init__()
        channels, hidden = check_channels(channels, hidden_channels)
        self.channels = channels
        dropout = check_probability(dropout, name="dropout")
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        self.initial_beta = check_number(beta, name="beta")
        self.beta = nn.Parameter(torch.empty(()))
        self.count_branch = SetBranch(
            1, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=final_linear
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

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(x, graph, pairs, self.channels, weight=self.beta)
        if self.training:
            graph = graph.drop_entries(self.edge_dropout)
        pairs = pairs.long()
        count = common_neighbors(graph, pairs).counts().to(x.dtype)[:, None]
        product = x.index_select(0, pairs[0]) * x.index_select(0, pairs[1])
        hidden = self.pair_branch(product) + self.beta * self.count_branch(count)
        scores: Tensor = self.head(hidden).squeeze(-1)
        return scores
