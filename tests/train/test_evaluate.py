from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import LinkEvaluator
from graphlearn.train import evaluate_links, score_links


class Counting(nn.Module):
    """A heuristic without parameters that notes the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, h: None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        assert h is None
        assert not torch.is_grad_enabled()
        self.batches.append(pairs.size(1))
        return graph.degree()[pairs].sum(dim=0).float()


@pytest.fixture
def graph() -> CSRGraph:
    return CSRGraph.from_edge_index(torch.tensor([[0, 0, 0, 1], [1, 2, 3, 2]]), 5)


def test_parts_share_batches_and_come_back_in_their_shapes(graph: CSRGraph) -> None:
    heuristic = Counting()
    parts = [
        torch.tensor([[0], [1]]),
        torch.empty(2, 0, dtype=torch.int64),
        torch.tensor([[[0, 1], [2, 4]], [[4, 4], [3, 4]]]),
    ]
    first, none, rows = score_links(heuristic, None, graph, parts, batch_size=2)
    assert heuristic.batches == [2, 2, 1]
    assert first.tolist() == [5.0]
    assert none.shape == (0,)
    assert rows.tolist() == [[3.0, 2.0], [3.0, 0.0]]
    assert score_links(heuristic, None, graph, parts[1:2])[0].shape == (0,)


def test_a_link_model_encodes_once_and_keeps_its_modes(
    make_split: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    split, model = make_split("dense"), make_model(20)
    calls = []
    model.encoder.register_forward_hook(lambda *_: calls.append(model.encoder.training))
    model.train()
    model.predictor.norm.eval()
    graph = CSRGraph.from_edge_index(split.data.edge_index, 60)
    whole = score_links(model, split.data.x, graph, [split.test_pairs, split.test_negatives])
    pieces = score_links(model, split.data.x, graph, [split.test_pairs, split.test_negatives], 3)
    assert calls == [False, False]
    assert [m.training for m in (model, model.encoder, model.predictor.norm)] == [True, True, False]
    for one, other in zip(whole, pieces, strict=True):
        assert not one.requires_grad
        torch.testing.assert_close(one, other)


def test_modes_come_back_after_an_error(graph: CSRGraph) -> None:
    class Broken(nn.Module):
        def forward(self, h: None, graph: CSRGraph, pairs: Tensor) -> Tensor:
            return torch.zeros(pairs.size(1), 1)

    model = Broken()
    with pytest.raises(InputError, match=r"shape \[1, 1\].*one score a pair"):
        score_links(model, None, graph, [torch.tensor([[0], [1]])])
    assert model.training


def test_metrics_of_links_and_non_links(graph: CSRGraph) -> None:
    positive, negative = torch.tensor([[0], [1]]), torch.tensor([[0, 3], [4, 4]])
    evaluator = LinkEvaluator(["auc", "hits@1"])
    found = evaluate_links(Counting(), None, graph, positive, negative, evaluator)
    assert found == {"auc": 1.0, "hits@1": 1.0}


def test_a_score_that_is_not_a_number_is_no_perfect_score(graph: CSRGraph) -> None:
    class Undefined(nn.Module):
        def forward(self, h: None, graph: CSRGraph, pairs: Tensor) -> Tensor:
            return torch.full((pairs.size(1),), torch.nan)

    pairs = torch.tensor([[0], [1]])
    with pytest.raises(InputError, match="NaN"):
        evaluate_links(Undefined(), None, graph, pairs, pairs, LinkEvaluator(["mrr"]))


@pytest.mark.parametrize("size", [1, 3, 4, 5, 7, 100])
def test_batches_go_across_parts_as_if_these_were_joined(graph: CSRGraph, size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 3), (2, 0), (2, 2, 4), (2, 1), (2, 6))
    parts = [torch.randint(5, shape, generator=generator) for shape in shapes]
    heuristic = Counting()
    found = score_links(heuristic, None, graph, parts, batch_size=size)
    joined = torch.cat([part.flatten(1) for part in parts], dim=1)
    assert heuristic.batches == [batch.size(1) for batch in torch.split(joined, size, dim=1)]
    with torch.no_grad():
        wanted = heuristic(None, graph, joined)
    assert torch.equal(torch.cat([scores.flatten() for scores in found]), wanted)


def test_no_batch_goes_across_parts_that_are_scored_apart(graph: CSRGraph) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randint(5, (2, size), generator=generator) for size in (5, 1, 4)]
    heuristic = Counting()
    found = score_links(heuristic, None, graph, parts, batch_size=3, apart=True)
    assert heuristic.batches == [3, 2, 1, 3, 1]
    together = score_links(Counting(), None, graph, parts, batch_size=3)
    assert all(torch.equal(*both) for both in zip(found, together, strict=True))
