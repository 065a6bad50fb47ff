"""Where each link stands among all that its node could be linked to."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.modes import evaluating
from graphlearn.train.evaluate import score_links
from graphlearn.typing import Pairs
from graphlearn.validate import check_node_pairs, check_num_nodes, check_size

_PAIRS_AT_A_TIME = 2**20


class LinkRanks(NamedTuple):
    """What :func:`rank_links` gives.

    Args:
        rank: The rank of each link among the candidates of its first node, from 1; a candidate of
            the same score counts for half.
        candidates: How many candidates it was ranked among, itself not among them.
    """

    rank: Tensor
    candidates: Tensor


class _Encoded(nn.Module):
    """A predictor beside the representations it reads, which are made once."""

    def __init__(self, predictor: nn.Module, h: Tensor | None) -> None:
        super().__init__()
        self.predictor, self.h = predictor, h

    def forward(self, h: None, graph: CSRGraph, pairs: Pairs) -> Tensor:
        del h
        scores: Tensor = self.predictor(self.h, graph, pairs)
        return scores


def rank_links(
    model: nn.Module,
    x: Tensor | None,
    graph: CSRGraph,
    links: Pairs,
    known: CSRGraph,
    *,
    num_candidates: int | None = None,
    seed: int = 0,
    batch_size: int = 8192,
) -> LinkRanks:
    """Rank each link (i, j) among the links that i might have instead.

    The candidates of i are all nodes but i itself and its neighbors in ``known``; of them all, or a
    sample drawn with repetition, which the links of one i share. Cost: one encoding, and candidates
    times distinct i scores, of which about 2^20 are held at a time (as many as there are nodes,
    where that is more).

    Args:
        model: As in :func:`score_links`: a link model, or a heuristic.
        x: Node features; None where the model needs none.
        graph: The graph to predict from.
        links: The links to rank; give both directions to rank from both ends.
        known: The links that are no candidates: give all true ones, those to rank included.
        num_candidates: How many nodes to draw for each i, of which those that are no candidates
            are dropped; all nodes if None, or if it is as many.
        seed: Seed of the draw.
        batch_size: Pairs scored at a time.

    Shapes:
        - **links**: ``[2, B]``; **output**: twice ``[B]``

    Raises:
        InputTypeError: If ``links`` are no integers.
        InputError: If an id is out of range, the graphs have not as many nodes, or a score is NaN.

    Example:
        >>> class Nearness(nn.Module):
        ...     def forward(self, h, graph, pairs):
        ...         return -(pairs[0] - pairs[1]).abs().float()
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 3]]), 5)
        >>> rank_links(Nearness(), None, path, torch.tensor([[1], [3]]), path).rank.tolist()
        [2.0]
    """
    nodes = graph.num_nodes
    check_node_pairs(links, nodes, name="links")
    if known.num_nodes != nodes:
        raise InputError(f"known has {known.num_nodes} nodes", expected=f"{nodes}, as the graph")
    batch_size = check_size(batch_size, name="batch_size")
    if num_candidates is not None:
        num_candidates = check_size(num_candidates, name="num_candidates")
        if num_candidates >= nodes:
            num_candidates = None
    generator = torch.Generator().manual_seed(check_num_nodes(seed, name="seed"))
    device = links.device
    predictor: Any = model
    h = None
    with torch.no_grad(), evaluating(model):
        if hasattr(model, "encode"):
            h, predictor = model.encode(x, graph), model.predictor  # type: ignore[operator]
    scorer = _Encoded(predictor, h)
    ranks = torch.zeros(links.size(1), dtype=torch.float64, device=device)
    counts = torch.zeros(links.size(1), dtype=torch.int64, device=device)
    sources, owner = torch.unique(links[0].long(), return_inverse=True)
    order = torch.argsort(owner, stable=True)
    width = nodes if num_candidates is None else num_candidates
    step = max(1, _PAIRS_AT_A_TIME // max(1, width))
    for start in range(0, sources.numel(), step):
        own = sources[start : start + step]
        if num_candidates is None:
            targets = torch.arange(nodes, device=device).expand(own.numel(), nodes)
        else:
            targets = torch.randint(nodes, (own.numel(), width), generator=generator).to(device)
        pairs = torch.stack([own[:, None].expand_as(targets), targets])
        barred = known.has_entries(pairs.flatten(1)).view(targets.shape) | (pairs[0] == targets)
        bounds = torch.tensor([start, start + own.numel()], device=device)
        first, last = torch.searchsorted(owner[order], bounds).tolist()
        mine = order[first:last]
        row = owner[mine] - start
        among, at = score_links(scorer, None, graph, [pairs, links[:, mine]], batch_size)
        if bool(at.isnan().any()) or bool(among.isnan().any()):
            raise InputError("a score is NaN", expected="numbers from the model")
        # In portions of links: a source may have thousands of them.
        for part, rows, score in zip(
            torch.split(mine, step), torch.split(row, step), torch.split(at, step), strict=True
        ):
            others = among[rows]
            free = ~barred[rows]
            ahead = ((others > score[:, None]) & free).sum(1)
            tied = ((others == score[:, None]) & free).sum(1)
            ranks[part] = 1 + ahead + tied.double() / 2
            counts[part] = free.sum(1)
    return LinkRanks(ranks, counts)
