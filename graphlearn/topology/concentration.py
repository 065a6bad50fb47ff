"""Topological concentration: how much of a node's surroundings its neighbors share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, edge_triangles, hop_overlap, walk_overlap
from graphlearn.registry import unknown_name
from graphlearn.topology.neighbors import mean_over_neighbors, neighbor_pairs, undirected_graph
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_number, check_size

Form = Literal["hops", "walks"]
Normalizer = Literal["source", "min", "mean", "geometric", "union", "product"]

FORMS: tuple[str, ...] = ("hops", "walks")
NORMALIZERS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "source": lambda source, target, shared: source.expand_as(shared).clone(),
    "min": lambda source, target, shared: torch.minimum(source, target),
    "mean": lambda source, target, shared: (source + target) / 2,
    "geometric": lambda source, target, shared: (source * target).sqrt(),
    "union": lambda source, target, shared: source + target - shared,
    "product": lambda source, target, shared: source * target,
}
"""Name to g(|H_i^k1|, |H_j^k2|); the third argument is the size of the intersection."""

_PORTION_BYTES = 2**24  # of counts at a time; with their copies in float64 four times as much


def topological_concentration(
    graph: CSRGraph | EdgeIndex,
    neighbors: Pairs | None = None,
    *,
    hops: int = 1,
    beta: float | Sequence[float] | None = None,
    form: Form = "hops",
    normalizer: Normalizer = "source",
    leave_out_neighbor: bool = False,
    num_nodes: int | None = None,
) -> Tensor:
    r"""Topological concentration (TC) of every node, from `"A Topological Perspective on
    Demystifying GNN-Based Link Prediction Performance" <https://arxiv.org/abs/2310.04612>`_:

    .. math::
        \mathrm{TC}_i^{K,t} = \mathop{\mathrm{mean}}_{j \in N_i^t}
        \frac{\sum_{k_1, k_2 = 1}^K b_{k_1} b_{k_2} |H_i^{k_1} \cap H_j^{k_2}|}
        {\sum_{k_1, k_2 = 1}^K b_{k_1} b_{k_2}\, g(|H_i^{k_1}|, |H_j^{k_2}|)},
        \qquad b_k = \beta^{k - 1},

    where :math:`H_i^k` are the nodes at exactly k hops from i along the edges of ``graph``, and
    :math:`N_i^t` the neighbors of i in ``neighbors``: give the training edges as the graph, and
    none, the validation or the test links as neighbors for the paper's train, validation and test
    TC. With K = 1 and the normalizer ``"source"`` it is the mean of
    :math:`|N_i \cap N_j| / |N_i|`.

    ``form="walks"`` is what the paper's code computes for K > 1: the numerator counts the walks of
    :math:`k_1` steps from i that end where some walk of :math:`k_2` steps from j can, the
    denominator all walks of :math:`k_1` steps from i; for K = 1 it is the same as ``"source"``.

    A neighbor j along an edge of the graph is one of i's own :math:`H_i^1`, and can't be among its
    own neighbors: a node all of whose neighbors know each other still has a TC below 1.
    ``leave_out_neighbor`` leaves j out of that size where :math:`k_1 = k_2 = 1`, as the paper's
    code does for training neighbors; with K = 1 TC then is the local clustering coefficient.

    A node without neighbors in ``neighbors`` has TC 0, as has one without edges in ``graph``. Edges
    count in both directions; self-loops and repetitions count for nothing.

    Cost: K = 1 on the graph's own edges counts each triangle once; else see
    :func:`graphlearn.kernels.hop_overlap` and :func:`graphlearn.kernels.walk_overlap`. Beside the
    graph about 64 MiB are held, and some numbers for each pair of neighbors.

    Args:
        graph: The edges that surroundings are taken from, possibly masked; or an ``edge_index``.
        neighbors: Pairs of nodes, each once or in both directions; the edges of ``graph`` if None.
        hops: K, at least 1.
        beta: The number :math:`\beta`, or the K weights :math:`b_1, ..., b_K` themselves; at least
            0. One over the mean degree if None, as in the paper's code.
        form: ``"hops"`` or ``"walks"``.
        normalizer: g, for the form ``"hops"``: ``"source"`` (the first size), ``"min"``,
            ``"mean"``, ``"geometric"`` (root of the product), ``"union"`` or ``"product"``. The
            paper leaves it open.
        leave_out_neighbor: See above; for the graph's own edges alone. A node of one neighbor then
            has TC 0 for every K.
        num_nodes: For an ``edge_index``: how many nodes there are; by default one more than the
            largest id.

    Shapes:
        - **neighbors**: ``[2, B]``; **output**: ``[N]`` float64

    Raises:
        InputTypeError: If ids, ``hops`` or ``beta`` are of a wrong type.
        InputError: If ``hops`` is below 1, ``beta`` negative, all 0 or of the wrong length, a name
            is unknown, an id out of range, or a :class:`CSRGraph` directed.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])  # a triangle with a tail
        >>> topological_concentration(edge_index).tolist()
        [0.5, 0.5, 0.2222222222222222, 0.0]
        >>> topological_concentration(edge_index, torch.tensor([[3], [0]])).tolist()
        [0.5, 0.0, 0.0, 1.0]
    """
    graph = undirected_graph(graph, num_nodes)
    pairs, forward, backward = neighbor_concentration(
        graph,
        neighbors,
        hops=hops,
        beta=beta,
        form=form,
        normalizer=normalizer,
        leave_out_neighbor=leave_out_neighbor,
    )
    result = mean_over_neighbors(pairs, forward, backward, graph.num_nodes)
    return result.masked_fill_(graph.degree() <= int(leave_out_neighbor), 0.0)


def neighbor_concentration(
    graph: CSRGraph | EdgeIndex,
    neighbors: Pairs | None = None,
    *,
    hops: int = 1,
    beta: float | Sequence[float] | None = None,
    form: Form = "hops",
    normalizer: Normalizer = "source",
    leave_out_neighbor: bool = False,
    num_nodes: int | None = None,
) -> tuple[Pairs, Tensor, Tensor]:
    """What each neighbor shares of a node's surroundings: the terms whose mean is TC.

    Args:
        graph: As for :func:`topological_concentration`, like all the rest.
        neighbors: Pairs of nodes.
        hops: K.
        beta: Weights of the hops.
        form: ``"hops"`` or ``"walks"``.
        normalizer: g.
        leave_out_neighbor: Leave the neighbor itself out of the surroundings.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Returns:
        The distinct pairs (i, j), one direction of each; the term of j in the mean of i; the term
        of i in the mean of j.

    Shapes:
        - **neighbors**: ``[2, B]``; **output**: ``[2, P]``, ``[P]`` and ``[P]`` float64, P <= B

    Raises:
        InputTypeError: As :func:`topological_concentration`.
        InputError: As :func:`topological_concentration`.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])
        >>> pairs, forward, backward = neighbor_concentration(edge_index)
        >>> pairs[:, 1].tolist(), forward[1].item(), round(backward[1].item(), 3)
        ([1, 2], 0.5, 0.333)
    """
    graph = undirected_graph(graph, num_nodes)
    hops = check_size(hops, name="hops")
    if form not in FORMS:
        raise unknown_name("form", form, FORMS)
    if normalizer not in tuple(NORMALIZERS):  # which nothing is too odd to be looked up in
        raise unknown_name("normalizer", normalizer, NORMALIZERS)
    if form == "walks" and normalizer != "source":
        raise InputError(
            f"normalizer is {normalizer!r} with form='walks'",
            expected="'source': that form has a normalizer of its own",
        )
    if not isinstance(leave_out_neighbor, bool):
        raise InputTypeError(
            f"leave_out_neighbor is {leave_out_neighbor!r}", expected="True or False"
        )
    if leave_out_neighbor and neighbors is not None:
        raise InputError(
            "leave_out_neighbor is True with neighbors given",
            expected="False: a neighbor is in the surroundings along the graph's own edges alone",
        )
    weights = hop_weights(beta, hops, graph)
    weights /= weights.max()  # no ratio changes, and no product overflows or vanishes
    pairs = neighbor_pairs(graph, neighbors)
    left_out = int(leave_out_neighbor)
    if hops == 1 and neighbors is None:
        forward, backward = _of_own_edges(graph, pairs, normalizer, left_out)
    else:
        ratios = _walk_ratios if form == "walks" else _hop_ratios
        size = max(1, _PORTION_BYTES // (8 * (hops * hops + 2 * hops)))
        portions = [
            ratios(graph, part, weights, normalizer, left_out)
            for part in torch.split(pairs, size, dim=1)
        ]
        forward, backward = (torch.cat(side) for side in zip(*portions, strict=True))
    if not (bool(forward.isfinite().all()) and bool(backward.isfinite().all())):
        raise InputError(
            f"with hops = {hops} and form {form!r} a count is beyond the range of float64",
            expected="fewer hops, or a smaller beta",
        )
    return pairs, forward, backward


def hop_weights(
    beta: float | Sequence[float] | Tensor | None, hops: int, graph: CSRGraph
) -> Tensor:
    """The weights of 1, ..., K hops, ``[K]`` float64.

    Args:
        beta: Base of a power, or the weights; one over the mean degree if None.
        hops: K.
        graph: The graph.

    Raises:
        InputTypeError: If it is no number.
        InputError: If it is negative, or there are not K, or all are 0.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 0]]))
        >>> hop_weights(None, 3, graph).tolist(), hop_weights([1, 0.5], 2, graph).tolist()
        ([1.0, 0.5, 0.25], [1.0, 0.5])
    """
    if beta is None:
        degrees = int(graph.degree().sum())
        beta = graph.num_nodes / degrees if degrees else 1.0
    given: Any = beta.tolist() if isinstance(beta, Tensor) else beta
    several = isinstance(given, Sequence) and not isinstance(given, str)
    numbers = [check_number(value, name="beta") for value in (given if several else [given])]
    if min(numbers, default=0.0) < 0:
        raise InputError(f"beta holds {min(numbers)}", expected="numbers >= 0")
    if several:
        if len(numbers) != hops:
            raise InputError(
                f"beta has {len(numbers)} weights", expected=f"{hops}, one for each hop"
            )
        values = numbers
    else:
        try:
            values = [numbers[0] ** k for k in range(hops)]
        except OverflowError:
            raise InputError(
                f"beta is {beta}", expected=f"one with a finite {hops - 1}th power"
            ) from None
    if not any(values):
        raise InputError("beta is 0 for every hop", expected="one that is greater")
    return torch.tensor(values, dtype=torch.float64)


def _of_own_edges(
    graph: CSRGraph, pairs: Pairs, normalizer: str, left_out: int
) -> tuple[Tensor, Tensor]:
    """K = 1 along the graph's own edges: what two ends share are the edge's triangles."""
    shared = edge_triangles(graph)
    if graph.keep is not None:
        shared = shared[graph.keep[graph.edge_entries[:, 0].long()]]
    shared = shared.double()
    first, second = graph.degree().double()[pairs] - left_out
    norm = NORMALIZERS[normalizer]
    return _ratio(shared, norm(first, second, shared)), _ratio(shared, norm(second, first, shared))


def _hop_ratios(
    graph: CSRGraph, pairs: Pairs, weights: Tensor, normalizer: str, left_out: int
) -> tuple[Tensor, Tensor]:
    shared, source, target = (part.double() for part in hop_overlap(graph, pairs, weights.numel()))
    weights = weights.to(shared.device)
    product = weights[:, None] * weights
    norm = NORMALIZERS[normalizer]

    def ratio(shared: Tensor, source: Tensor, target: Tensor) -> Tensor:
        sizes = norm(source[:, :, None], target[:, None, :], shared)
        if left_out:
            sizes[:, 0, 0] = norm(source[:, 0] - 1, target[:, 0] - 1, shared[:, 0, 0])
        return _ratio((shared * product).sum((1, 2)), (sizes * product).sum((1, 2)))

    return ratio(shared, source, target), ratio(shared.transpose(1, 2), target, source)


def _walk_ratios(
    graph: CSRGraph, pairs: Pairs, weights: Tensor, normalizer: str, left_out: int
) -> tuple[Tensor, Tensor]:
    del normalizer

    def ratio(pairs: Pairs) -> Tensor:
        shared, source = walk_overlap(graph, pairs, weights.numel())
        own = weights.to(shared.device)
        whole = (source @ own) * own.sum() - left_out * own[0] ** 2
        return _ratio((shared * (own[:, None] * own)).sum((1, 2)), whole)

    return ratio(pairs), ratio(pairs.flip(0))


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Nothing shared of nothing is 0."""
    return torch.where(whole > 0, part / whole.clamp(min=torch.finfo(whole.dtype).tiny), 0.0)
