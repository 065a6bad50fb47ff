"""A pair's score is its own: whatever is beside it, wherever it stands, whichever end comes first.

In float64 and to 1e-6, with every predictor in evaluation mode.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph, PoolingPlan
from graphlearn.kernels.intersect import pooling
from graphlearn.nn import NCN, NCNC

TOLERANCE = {"atol": 1e-6, "rtol": 1e-6}


def test_the_other_pairs_do_not_matter(
    predictor: nn.Module, graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    together = predictor(x, graph, pairs)
    assert torch.equal(together, predictor(x, graph, pairs))
    chunked = torch.cat([predictor(x, graph, part) for part in pairs.split(7, dim=1)])
    torch.testing.assert_close(chunked, together, **TOLERANCE)
    alone = torch.cat([predictor(x, graph, pair) for pair in pairs[:, ::4].split(1, dim=1)])
    torch.testing.assert_close(alone, together[::4], **TOLERANCE)
    # Beside others of all sorts: copies of itself, all pairs of one source, pairs without anything.
    ranked = torch.stack([torch.zeros(180, dtype=torch.int64), torch.arange(180)])
    crowded = predictor(x, graph, torch.cat([ranked, pairs, pairs, ranked.flip(0)], dim=1))
    for begin in (180, 180 + pairs.size(1)):
        found = crowded[begin : begin + pairs.size(1)]
        torch.testing.assert_close(found, together, **TOLERANCE)


def test_the_order_does_not_matter(
    predictor: nn.Module, graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    together = predictor(x, graph, pairs)
    order = torch.randperm(pairs.size(1), generator=torch.Generator().manual_seed(5))
    for places in (order, order.flip(0)):
        found = predictor(x, graph, pairs[:, places])
        torch.testing.assert_close(found, together[places], **TOLERANCE)


def test_the_endpoints_may_be_exchanged(
    predictor: nn.Module, graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    together = predictor(x, graph, pairs)
    torch.testing.assert_close(predictor(x, graph, pairs.flip(0)), together, **TOLERANCE)
    turned = pairs.clone()
    turned[:, ::2] = pairs[:, ::2].flip(0)
    torch.testing.assert_close(predictor(x, graph, turned), together, **TOLERANCE)


def test_the_way_of_pooling_does_not_matter(
    predictor: nn.Module,
    graph: CSRGraph,
    x: Tensor,
    pairs: Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = []
    for path in ("gather", "dense"):
        plan = PoolingPlan(path, 0, 0, "forced")
        monkeypatch.setattr(pooling, "choose_path", lambda *_, plan=plan, **__: plan)
        scores.append(predictor(x, graph, pairs))
    torch.testing.assert_close(scores[0], scores[1], **TOLERANCE)


@pytest.mark.parametrize("kind", [NCN, NCNC])
def test_counting_over_the_batch_is_noticed(kind, x: Tensor) -> None:
    predictor = kind(5, node_weight="batch-frequency").double().eval()
    star = CSRGraph.from_edge_index(torch.stack([torch.zeros(9).long(), torch.arange(1, 10)]), 180)
    pairs = torch.combinations(torch.arange(1, 10)).t()  # all share the middle
    together = predictor(x, star, pairs)
    alone = torch.cat([predictor(x, star, pair) for pair in pairs.split(1, dim=1)])
    assert not torch.allclose(together, alone, **TOLERANCE)
