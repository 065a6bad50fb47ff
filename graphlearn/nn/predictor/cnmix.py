"""Our own predictor: three views of a pair, each scored by itself, and a calibrated mix of them."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import (
    CSRGraph,
    NeighborLists,
    common_neighbors,
    join_lists,
    neighborhood_overlap,
    second_order_neighbors,
)
from graphlearn.modes import evaluating
from graphlearn.nn.aggr import AggregatorLike, make_aggregator
from graphlearn.nn.predictor.arguments import check_call, check_channels
from graphlearn.nn.predictor.branches import pair_branch, score_head
from graphlearn.nn.predictor.hadamard import HadamardPredictor
from graphlearn.nn.predictor.node_weights import check_node_weight, node_weight, second_order_rarity
from graphlearn.nn.predictor.ocn import orthogonal
from graphlearn.nn.predictor.set_branch import SetBranch
from graphlearn.nn.predictor.structure import NUM_SUMS, structural_sums
from graphlearn.nn.registries import PREDICTORS
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_flags, check_probability, check_size

# Pairs whose completion is asked for are scored this many at a time, which bounds the memory.
_INNER_CHUNK = 16384
_FIRST_OFFSET = 3.0  # a completed neighbor counts .05 where its link is as likely as not


@PREDICTORS.register("cnmix")
class CNMix(nn.Module):
    r"""Common-neighbor mixture: features, neighborhoods and structure scored apart, then mixed.

    Up to three members give a logit each, and the score is their calibrated mix

    .. math::
        s_{ij} = b + \sum_m w_m s^m_{ij}, \quad w_m > 0

    - **pair**: the tuned graph autoencoder's head of :math:`\mathbf{x}_i \odot \mathbf{x}_j`
      (:class:`HadamardPredictor`).
    - **neighborhood**: as :class:`NCN`, with what pools the common neighbors left open (``"lcm"``
      learns it), a second branch for those of second order made orthogonal to the first as in
      :class:`OCN`, and completion: a neighbor :math:`u` of i alone counts
      :math:`\sigma(a s^{pair}_{ju} - c)`, with a and c learned, so that the inner score costs no
      intersection. As in :class:`NCNC` no gradient passes through the inner score itself.
    - **structure**: a map of what heuristics count (:func:`structural_sums`), which needs no
      features: a perceptron of its own, 64 wide, without norm or dropout.

    In training it gives a row of scores for each member and one for the mix, whose members are held
    fixed: each member learns from its own loss and the mix learns what each is worth. The trainer
    takes the mean of the rows' losses. In evaluation it gives the mix.

    A pair's own link is on none of these paths, but counts in the degrees that the second order is
    divided by: remove it where it is scored, as the trainer's ``remove_targets`` does.

    Cost a batch: intersection, once for each member that reads it, the walks of
    :func:`graphlearn.kernels.second_order_neighbors`, O(N + E) for degrees, K C for K entries
    pooled, the maps; with completion the pair's map for each of the D neighbors that are not
    shared, 2 D C^2 a layer.

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers of the members of features and
            neighborhoods; ``channels`` if None.
        dropout (float): Dropout in each of these. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be hidden from neighborhoods and
            structure in training. Evaluation sees the whole graph, where the member of structure
            meets larger counts than it learned from. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm in the hidden layers of both. (default: :obj:`True`)
        pair (bool): Have the member of features. (default: :obj:`True`)
        pair_layers (int): Hidden layers of its branch; of several each adds the Hadamard product,
            as in Refined GAE. (default: :obj:`1`)
        neighborhood (bool): Have the member of neighborhoods. (default: :obj:`True`)
        structure (bool): Have the member of structure. (default: :obj:`True`)
        pooling (Aggregation, str or dict, optional): What pools the common neighbors in place of
            the sum. (default: :obj:`None`)
        node_weight (str): Factor of each common neighbor, as in :class:`NCN`.
            (default: :obj:`"none"`)
        second_order (bool): Have the branch of second order in the member of neighborhoods.
            (default: :obj:`True`)
        completion (bool): Complete neighborhoods; needs the member of features.
            (default: :obj:`False`)
        learn_mix (bool): Learn the weights; otherwise the mix is the members' mean.
            (default: :obj:`True`)

    Shapes:
        - **x**: ``[N, channels]``
        - **graph**: a ``CSRGraph``, possibly masked, or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``, in training ``[members + 1, B]``

    Raises:
        InputError: If no member is left, an option needs a member that is not there, a shape does
            not fit or an id is out of range.
        InputTypeError: If an argument is of a wrong type.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> predictor = CNMix(8, completion=True)
        >>> x, pairs = torch.randn(4, 8), torch.tensor([[0, 0], [2, 3]])
        >>> predictor(x, edge_index, pairs).shape, predictor.eval()(x, edge_index, pairs).shape
        (torch.Size([4, 2]), torch.Size([2]))
    """

    gives_members: ClassVar[bool] = True

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        *,
        dropout: float = 0.0,
        edge_dropout: float = 0.0,
        layer_norm: bool = True,
        pair: bool = True,
        pair_layers: int = 1,
        neighborhood: bool = True,
        structure: bool = True,
        pooling: AggregatorLike = None,
        node_weight: str = "none",
        second_order: bool = True,
        completion: bool = False,
        learn_mix: bool = True,
    ) -> None:
        super().__init__()
        channels, hidden = check_channels(channels, hidden_channels)
        self.channels = channels
        dropout = check_probability(dropout, name="dropout")
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        check_flags(
            layer_norm=layer_norm,
            pair=pair,
            neighborhood=neighborhood,
            structure=structure,
            second_order=second_order,
            completion=completion,
            learn_mix=learn_mix,
        )
        if not (pair or neighborhood or structure):
            raise InputError(
                "pair, neighborhood and structure are all off",
                expected="a member at least",
                mend="leave one of them at True",
            )
        if completion and not (pair and neighborhood):
            raise InputError(
                f"completion is on with pair {pair} and neighborhood {neighborhood}",
                expected="both members: one says how likely a link is, the other completes",
                mend="leave completion at False",
            )
        if not neighborhood and (pooling is not None or node_weight != "none"):
            raise InputError(
                f"neighborhood is off with pooling {pooling!r} and node_weight {node_weight!r}",
                expected="the member that pools and weighs neighbors",
                mend="leave pooling and node_weight out",
            )
        if check_size(pair_layers, name="pair_layers") > 1 and not pair:
            raise InputError(
                f"pair_layers is {pair_layers} with pair False",
                expected="the member of features, whose layers they are",
                mend="leave pair_layers out",
            )
        if pair_layers > 1 and hidden != channels:
            raise InputError(
                f"pair_layers is {pair_layers}, hidden_channels {hidden} and channels {channels}",
                expected="one size: each of several layers adds the Hadamard product",
                mend="leave hidden_channels out, or pair_layers at 1",
            )
        self.node_weight = check_node_weight(node_weight)
        self.second_order, self.completion = second_order, completion
        self.pair = (
            HadamardPredictor(
                channels,
                hidden,
                dropout=dropout,
                layer_norm=layer_norm,
                num_layers=pair_layers,
                residual=pair_layers > 1,
            )
            if pair
            else None
        )
        self.neighborhood = neighborhood
        if neighborhood:
            self.node_map = SetBranch(
                channels, channels, dropout=dropout, layer_norm=layer_norm, final_linear=False
            )
            self.first_branch, self.second_branch = (
                SetBranch(
                    channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=False
                )
                if made
                else None
                for made in (True, second_order)
            )
            self.pair_branch = pair_branch(
                channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=False
            )
            self.head = score_head(hidden, dropout=dropout, layer_norm=layer_norm, two_layers=False)
            self.factors = nn.Parameter(torch.empty(3))
        if completion:
            self.completion_scale = nn.Parameter(torch.empty(()))
            self.completion_offset = nn.Parameter(torch.empty(()))
        self.structure = (
            nn.Sequential(
                nn.Linear(NUM_SUMS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
            )
            if structure
            else None
        )
        self.num_members = sum((pair, neighborhood, structure))
        self.learn_mix = learn_mix
        if learn_mix:
            self.mix_weight = nn.Parameter(torch.empty(self.num_members))
            self.mix_bias = nn.Parameter(torch.empty(()))
        self.reset_parameters()
        # After the reset: a module that was given may be trained already.
        self.pooling = None if pooling is None else make_aggregator(pooling, channels)

    def reset_parameters(self) -> None:
        """Draw new weights; the mix starts as the members' mean."""
        reset(self)
        if self.neighborhood:
            nn.init.ones_(self.factors)
        if self.completion:
            nn.init.ones_(self.completion_scale)
            nn.init.constant_(self.completion_offset, _FIRST_OFFSET)
        if self.learn_mix:
            nn.init.constant_(self.mix_weight, -torch.tensor(float(self.num_members)).log().item())
            nn.init.zeros_(self.mix_bias)

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair; in training one a member and pair, and the mix."""
        graph = check_call(x, graph, pairs, self.channels, weight=next(self.parameters()))
        pairs = pairs.long()
        members = self.members(x, graph, pairs)
        if not self.training:
            return self.mix(members)
        return torch.cat([members, self.mix(members.detach())[None]])

    def members(self, x: Tensor, graph: CSRGraph, pairs: Pairs) -> Tensor:
        """Return one row of scores a member, ``[members, B]``: pair, neighborhood, structure."""
        rows: list[Tensor] = []
        if self.pair is not None:
            rows.append(self.pair(x, graph, pairs))
        if self.neighborhood or self.structure is not None:
            seen = graph.drop_entries(self.edge_dropout) if self.training else graph
            second = paths = None
            if self.second_order or self.structure is not None:
                second, paths = second_order_neighbors(seen, pairs)
            if self.neighborhood:
                rows.append(self._neighborhood(x, graph, seen, pairs, second, paths))
            if self.structure is not None:
                assert second is not None
                assert paths is not None
                first = common_neighbors(seen, pairs)
                sums = structural_sums(seen, pairs, first, second, paths, x.dtype)
                rows.append(self.structure(sums).squeeze(-1))
        return torch.stack(rows)

    def mix(self, members: Tensor) -> Scores:
        """Return the mix of the members' scores.

        Shapes:
            - **members**: ``[members, B]``; **output**: ``[B]``
        """
        if not self.learn_mix:
            return members.mean(0)
        return self.mix_weight.exp() @ members + self.mix_bias

    def _neighborhood(
        self,
        x: Tensor,
        whole: CSRGraph,
        graph: CSRGraph,
        pairs: Pairs,
        second: NeighborLists | None,
        paths: Tensor | None,
    ) -> Scores:
        product = x.index_select(0, pairs[0]) * x.index_select(0, pairs[1])
        rows = x + self.node_map(x)
        first, weight = self._first_order(x, whole, graph, pairs)
        assert self.first_branch is not None
        hidden = self.factors[0] * self.pair_branch(product)
        image = self.first_branch.pooled(first, rows, weight, self.pooling)
        hidden = hidden + self.factors[1] * image
        if self.second_branch is not None:
            assert second is not None
            assert paths is not None
            rarity = second_order_rarity(graph, x.dtype)[second.node.long()]
            ones = torch.ones(first.node.numel(), dtype=x.dtype, device=x.device)
            along = ones if weight is None else weight.detach()
            lists, rest = orthogonal(
                first, along, second, paths.sum(1).to(x.dtype) * rarity, graph.num_nodes
            )
            hidden = hidden + self.factors[2] * self.second_branch.pooled(lists, rows, rest)
        scores: Scores = self.head(hidden).squeeze(-1)
        return scores

    def _first_order(
        self, x: Tensor, whole: CSRGraph, graph: CSRGraph, pairs: Pairs
    ) -> tuple[NeighborLists, Tensor | None]:
        """Common neighbors, and with completion the others with a weight of each.

        A neighbor that dropped edges alone hide from the other endpoint is not completed: it is
        linked to it, and a model that met such links would trust completion too much.
        """
        if not self.completion:
            first = common_neighbors(graph, pairs)
            of_node = node_weight(self.node_weight, graph, first, x)
            return first, None if of_node is None else of_node[first.node.long()]
        common, *residual = neighborhood_overlap(graph, pairs)
        parts = [(common, torch.ones(common.node.numel(), dtype=x.dtype, device=x.device))]
        for lists, other in zip(residual, pairs.flip(0), strict=True):
            asked = torch.stack([other[lists.rows()], lists.node.long()])
            if whole is not graph:
                missing = ~whole.has_entries(asked)
                lists, asked = lists.where(missing), asked[:, missing]
            logit = self._inner_logit(x, asked)
            odds = self.completion_scale * logit - self.completion_offset
            parts.append((lists, odds.sigmoid()))
        first, weight = join_lists(parts)
        of_node = node_weight(self.node_weight, graph, first, x)
        return first, weight if of_node is None else weight * of_node[first.node.long()]

    @torch.no_grad()
    def _inner_logit(self, x: Tensor, pairs: Pairs) -> Tensor:
        """Scores of the member of features, as it gives them in evaluation."""
        assert self.pair is not None
        with evaluating(self.pair):
            chunks = [
                self.pair.score_vectors(x.index_select(0, own), x.index_select(0, other))
                for own, other in (part.unbind() for part in torch.split(pairs, _INNER_CHUNK, 1))
            ]
        return torch.cat(chunks) if chunks else x.new_zeros(0)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"{self.channels}, edge_dropout={self.edge_dropout}, "
            f"node_weight={self.node_weight!r}, completion={self.completion}"
        )
