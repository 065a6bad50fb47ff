"""Message weights that favor some neighbors, and no node as a whole."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.registry import unknown_name
from graphlearn.topology.neighbors import undirected_graph
from graphlearn.validate import check_number

MessageForm = Literal["gcn", "sage"]
MESSAGE_FORMS: tuple[str, ...] = ("gcn", "sage")


def reweighted_messages(
    graph: CSRGraph,
    scores: Tensor,
    loop_scores: Tensor,
    *,
    alpha: float,
    form: MessageForm = "gcn",
) -> CSRGraph:
    r"""Weigh messages by scores of the edges, from `"A Topological Perspective on Demystifying
    GNN-Based Link Prediction Performance" <https://arxiv.org/abs/2310.04612>`_, algorithm 1:

    .. math::
        w_{ij} = \hat A_{ij} + \alpha \Big(\sum_{k} \hat A_{ik}\Big)
        \mathop{\mathrm{softmax}}_{j \in N_i \cup \{i\}} s_{ij},

    with the normalized matrix :math:`\hat A = D^{-1/2} (A + I) D^{-1/2}` (``"gcn"``) or
    :math:`D^{-1} (A + I)` (``"sage"``), D the degrees of A + I. Whatever the scores, the weights of
    node i sum to :math:`1 + \alpha` times those of :math:`\hat A`: only their shares move.

    Cost: O(nnz + N).

    Args:
        graph: The graph, undirected, possibly masked: masked entries and self-loops have weight 0.
        scores: :math:`s_{ij}` of each entry: how much row i is to listen to column j.
        loop_scores: :math:`s_{ii}` of each node.
        alpha: :math:`\alpha`, at least 0.
        form: ``"gcn"`` or ``"sage"``.

    Returns:
        The graph with these weights (:meth:`graphlearn.kernels.CSRGraph.with_weights`), which every
        encoder of this package reads in place of its own normalization.

    Shapes:
        - **scores**: ``[nnz]``; **loop_scores**: ``[N]``

    Raises:
        InputTypeError: If scores are no floating-point tensors.
        InputError: If a shape does not fit, a score is not finite, ``alpha`` is negative, or the
            graph is directed.

    Example:
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]))
        >>> even = reweighted_messages(path, torch.zeros(4), torch.zeros(3), alpha=1, form="sage")
        >>> [round(value, 2) for value in even.weight.tolist()]  # twice the mean's
        [1.0, 0.67, 0.67, 1.0]
    """
    alpha = check_number(alpha, name="alpha")
    if alpha < 0:
        raise InputError(f"alpha is {alpha}", expected="a number >= 0")
    if form not in MESSAGE_FORMS:
        raise unknown_name("form", form, MESSAGE_FORMS)
    if not isinstance(graph, CSRGraph):
        raise InputTypeError(
            f"graph is a {type(graph).__name__}",
            expected="a CSRGraph: scores belong to its entries",
            mend="build it with CSRGraph.from_edge_index(edge_index, num_nodes)",
        )
    graph.with_weights(scores, loop_scores)  # checks types and shapes
    for name, given in (("scores", scores), ("loop_scores", loop_scores)):
        if not bool(given.isfinite().all()):
            raise InputError(f"{name} hold NaN or infinity", expected="finite numbers")
    graph = undirected_graph(graph, None)
    kept = scores.dtype
    # Half precision has neither the range for degrees nor the digits for long sums.
    wide = torch.promote_types(torch.promote_types(kept, loop_scores.dtype), torch.float32)
    scores, loop_scores = scores.to(wide), loop_scores.to(wide)
    row, col = graph.entry_row.long(), graph.col.long()
    degree = (graph.degree() + 1).to(wide)
    if form == "gcn":
        root = degree.rsqrt()
        plain = root[row] * root[col]
    else:
        plain = 1 / degree[row]
    plain_loop = 1 / degree
    if graph.keep is not None:
        scores = scores.masked_fill(~graph.keep, -torch.inf)
        plain = plain * graph.keep
    # Less the largest score of each row, its loop's among them, no power overflows.
    largest = loop_scores.scatter_reduce(0, row, scores, "amax")
    power, loop_power = (scores - largest[row]).exp(), (loop_scores - largest).exp()
    whole = loop_power.index_add(0, row, power)
    share = alpha * plain_loop.index_add(0, row, plain) / whole
    weight, loop_weight = plain + share[row] * power, plain_loop + share * loop_power
    return graph.with_weights(weight.to(kept), loop_weight.to(kept))
