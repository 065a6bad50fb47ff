"""NCN with completion: a neighbor of one endpoint counts by how likely the other has it too."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import (
    CSRGraph,
    NeighborLists,
    join_lists,
    neighborhood_overlap,
    sample_lists,
)
from graphlearn.modes import evaluating
from graphlearn.nn.aggr import AggregatorLike
from graphlearn.nn.predictor.arguments import check_call
from graphlearn.nn.predictor.completion import completion_probability
from graphlearn.nn.predictor.ncn import NCN
from graphlearn.nn.predictor.node_weights import node_weight
from graphlearn.nn.registries import PREDICTORS
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_number, check_size

# Inner pairs are scored this many at a time, which bounds the memory of their activations and keeps
# its blocks small enough to be reused: blocks of 16 MiB go back to the system after each use.
# Smaller chunks map the nodes that their sets share more often.
_INNER_CHUNK = 4096


@PREDICTORS.register("ncnc")
class NCNC(NCN):
    r"""Neural Common Neighbor with Completion, from `"Neural Common Neighbor with Completion for
    Link Prediction" <https://arxiv.org/abs/2302.00890>`_ (equation 12).

    Beside the common neighbors, every other neighbor :math:`u` of an endpoint counts with the
    probability that the other endpoint is linked to it too:

    .. math::
        \sum_{u \in N(i) \cap N(j)} \mathbf{x}'_u
        + \sum_{u \in N(i) \setminus N(j)} p_{ju} \mathbf{x}'_u
        + \sum_{u \in N(j) \setminus N(i)} p_{iu} \mathbf{x}'_u

    where :math:`p` comes from this model's own score at ``depth - 1`` (NCN at depth 0), without
    gradient; see :func:`completion_probability`. The sound form is the default: the inner score
    is the score that the model would give (evaluation mode, the unmapped representations, the
    graph as the outer call sees it), and a neighbor that ``edge_dropout`` alone hides from the
    other endpoint is not completed: it is linked to it, in evaluation nothing is hidden, and a
    model that met such links in training would trust completion too much. ``as_published=True``
    does what the reference code does: the inner call gets :math:`\mathbf{x}'`, draws dropout and
    drops edges again, and hidden links are completed.

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers; ``channels`` if None.
        prior (float): :math:`\pi`, in (0, 1]. (default: :obj:`0.5`)
        scale (float): Steepness of the probability. At 0 every residual neighbor has the same,
            and the inner scores, which then change nothing, are not computed.
            (default: :obj:`5.0`)
        offset (float): Logit that counts as even odds. (default: :obj:`3.0`)
        alpha (float): Overall factor of completed neighbors. (default: :obj:`1.0`)
        depth (int): How often completion is applied to itself. (default: :obj:`1`)
        learn_prior (bool): Learn :math:`\pi` for each pair from its Hadamard product.
            (default: :obj:`False`)
        max_residual (int, optional): Most residual neighbors of an endpoint to complete, sampled
            and reweighted; all if None. The choice in evaluation is a hash of the pair, so a score
            is always the same. (default: :obj:`None`)
        max_residual_training (int, optional): The same in training, where each call draws a new
            sample; ``max_residual`` if None. (default: :obj:`None`)
        min_probability (float): Completed neighbors that are less likely are left out, and with
            them the work on their maps; at 0 only those are that rounding would lose beside a
            common neighbor. (default: :obj:`0.0`)
        as_published (bool): The reference code's inner call. (default: :obj:`False`)
        dropout, edge_dropout, layer_norm, node_map, final_linear, two_layer_head, beta,
            node_weight, pooling: As in :class:`NCN`; ``pooling`` gets the rows of completed
            neighbors times their probability.

    Shapes:
        - **x**: ``[N, channels]``
        - **graph**: a ``CSRGraph``, possibly masked, or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputError: If an option is out of range, a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> predictor = NCNC(8, depth=2)
        >>> predictor(torch.randn(4, 8), edge_index, torch.tensor([[0, 0], [2, 3]])).shape
        torch.Size([2])
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        *,
        prior: float = 0.5,
        scale: float = 5.0,
        offset: float = 3.0,
        alpha: float = 1.0,
        depth: int = 1,
        learn_prior: bool = False,
        max_residual: int | None = None,
        max_residual_training: int | None = None,
        min_probability: float = 0.0,
        as_published: bool = False,
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
        for name, value in (
            ("prior", prior),
            ("scale", scale),
            ("offset", offset),
            ("alpha", alpha),
            ("min_probability", min_probability),
        ):
            check_number(value, name=name)
        if not 0.0 < prior <= 1.0:
            raise InputError(f"prior is {prior}", expected="a number in (0, 1]")
        if alpha <= 0.0:
            raise InputError(f"alpha is {alpha}", expected="a number > 0")
        depth = check_size(depth, name="depth")
        for name, limit in (
            ("max_residual", max_residual),
            ("max_residual_training", max_residual_training),
        ):
            if limit is not None:
                check_size(limit, name=name)
        if not 0.0 <= min_probability < alpha:
            raise InputError(
                f"min_probability is {min_probability}",
                expected=f"a number in [0, alpha), and alpha is {alpha}",
                mend="use NCN to complete nothing",
            )
        super().__init__(
            channels,
            hidden_channels,
            dropout=dropout,
            edge_dropout=edge_dropout,
            layer_norm=layer_norm,
            node_map=node_map,
            final_linear=final_linear,
            two_layer_head=two_layer_head,
            beta=beta,
            node_weight=node_weight,
            pooling=pooling,
        )
        self.prior, self.scale, self.offset, self.alpha = prior, scale, offset, alpha
        self.depth = depth
        self.max_residual = max_residual
        self.max_residual_training = max_residual_training
        self.min_probability = min_probability
        self.as_published = as_published
        self.prior_branch: nn.Sequential | None = None
        if learn_prior:
            self.prior_branch = nn.Sequential(
                nn.Linear(channels, channels), nn.ReLU(inplace=True), nn.Linear(channels, 1)
            )

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        whole = check_call(x, graph, pairs, self.channels, weight=self.beta)
        seen = self.seen(whole)
        hides = seen is not whole and not self.as_published
        return self.score(x, seen, pairs.long(), whole=whole if hides else None)

    def score(
        self,
        x: Tensor,
        graph: CSRGraph,
        pairs: Pairs,
        depth: int | None = None,
        whole: CSRGraph | None = None,
    ) -> Scores:
        """Score pairs, completing the neighborhoods that ``graph`` shows ``depth`` times.

        Neighbors that ``whole`` has, where it is given, are not completed.
        """
        depth = self.depth if depth is None else depth
        if depth == 0:
            return super().score(x, graph, pairs)
        common, *residual = neighborhood_overlap(graph, pairs)
        parts = [(common, torch.ones(common.node.numel(), dtype=x.dtype, device=x.device))]
        # Beside common neighbors of weight 1, less than this is lost in rounding: leaving such
        # entries out spares the maps of sets and nodes that would not change a score.
        # Half precision rounds more coarsely, but its sums run over float32.
        rounding = min(torch.finfo(x.dtype).eps, torch.finfo(torch.float32).eps)
        negligible = max(self.min_probability, rounding)
        limit, seed = self.max_residual, 0
        if self.training:
            limit = limit if self.max_residual_training is None else self.max_residual_training
            if limit is not None:
                seed = int(torch.empty((), dtype=torch.int32).random_())
        inner_x = x
        if self.as_published and self.node_map is not None:
            with torch.no_grad():
                inner_x = x + self.node_map(x)
        open_lists: list[tuple[NeighborLists, Tensor | None]] = []
        inner_pairs = []
        for lists, endpoint, other in zip(residual, pairs, pairs.flip(0), strict=True):
            kept, sample_weight = lists, None
            if limit is not None:
                kept, sample_weight = sample_lists(lists, endpoint, other, limit, seed=seed)
            asked = torch.stack([other[kept.rows()], kept.node.long()])
            if whole is not None:
                missing = ~whole.has_entries(asked)
                kept, asked = kept.where(missing), asked[:, missing]
                sample_weight = None if sample_weight is None else sample_weight[missing]
            open_lists.append((kept, sample_weight))
            inner_pairs.append(asked)
        # One inner call for both endpoints: the nodes that their sets share are mapped once.
        logits = self._inner_logit(inner_x, graph, torch.cat(inner_pairs, dim=1), depth - 1, whole)
        for (kept, sample_weight), logit in zip(
            open_lists, torch.split(logits, [inner.size(1) for inner in inner_pairs]), strict=True
        ):
            weight = completion_probability(
                logit,
                self._prior_of(x, pairs, kept),
                scale=self.scale,
                offset=self.offset,
                alpha=self.alpha,
            )
            counts = ~(weight.detach() <= negligible)  # NaN is not negligible: it must show
            if sample_weight is not None:
                weight = weight * sample_weight.to(weight.dtype)
            parts.append((kept.where(counts), weight[counts]))
        completed, entry_weight = join_lists(parts)
        of_node = node_weight(self.node_weight, graph, completed, x)
        if of_node is not None:
            entry_weight = entry_weight * of_node.index_select(0, completed.node.long())
        return self.combine(x, pairs, completed, entry_weight)

    def _prior_of(self, x: Tensor, pairs: Pairs, lists: NeighborLists) -> Tensor | float:
        if self.prior_branch is None:
            return self.prior
        product = x.index_select(0, pairs[0]) * x.index_select(0, pairs[1])
        learned: Tensor = torch.sigmoid(self.prior_branch(product)).squeeze(-1)
        return learned.index_select(0, lists.rows())

    @torch.no_grad()
    def _inner_logit(
        self, x: Tensor, graph: CSRGraph, pairs: Pairs, depth: int, whole: CSRGraph | None
    ) -> Tensor:
        if pairs.size(1) == 0 or self.scale == 0.0:  # with scale 0 no score changes a probability
            return x.new_zeros(pairs.size(1))
        if self.as_published:
            graph = self.seen(graph)
        with evaluating(self, enabled=not self.as_published):
            chunks = [
                self.score(x, graph, pairs[:, start : start + _INNER_CHUNK], depth, whole)
                for start in range(0, pairs.size(1), _INNER_CHUNK)
            ]
        return torch.cat(chunks)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"{super().extra_repr()}, depth={self.depth}, prior={self.prior}, "
            f"scale={self.scale}, offset={self.offset}, alpha={self.alpha}, "
            f"max_residual={self.max_residual}, "
            f"max_residual_training={self.max_residual_training}, "
            f"min_probability={self.min_probability}, as_published={self.as_published}"
        )
