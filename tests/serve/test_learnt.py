"""NCN trained on a user's own graph."""

from __future__ import annotations

import numpy as np
import torch

from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.serve.learnt import (
    LearntScores,
    can_train,
    dense_note,
    learnt_scores,
    train_model,
)
from graphlearn.serve.order import order_links
from graphlearn.serve.own_links import OwnLinks, own_links
from graphlearn.serve.snapshot import link_graph, snapshot


def test_trains_and_scores(pairs: np.ndarray) -> None:
    own = own_links(EdgeColumns(pairs, torch.arange(120)))
    order = order_links(own.links.size(1), None, seed=0)
    graph = link_graph(own.links, 120)
    state = snapshot(graph, order.known(order.cuts[0]), own)
    asked = torch.tensor([[0, 1, 2], [10, 55, 90]])
    scores = []
    for features in (None, None, torch.randn(120, 3, generator=torch.Generator().manual_seed(0))):
        model = train_model(own, order, features, seed=0)
        learnt = learnt_scores(model, graph, state, features)
        assert isinstance(learnt, LearntScores)
        scores.append(learnt(asked))
    assert torch.equal(scores[0], scores[1])
    assert scores[2].shape == (3,)
    assert learnt(asked[:, :0]).numel() == 0


def test_a_graph_with_hardly_a_pair_unlinked() -> None:
    links = torch.combinations(torch.arange(12)).t()[:, :-2]
    own = own_links(EdgeColumns(links.t().numpy(), torch.arange(12)))
    assert not can_train(own)
    assert dense_note(own) == "NCN is left out: of 66 pairs of nodes only 2 are not linked"


def test_large_graphs_do_without() -> None:
    own = OwnLinks(torch.arange(200_001), torch.tensor([[0], [1]]))
    assert not can_train(own)
    assert dense_note(own) is None
