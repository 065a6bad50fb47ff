"""What is read about pairs at one cut."""

from __future__ import annotations

import torch

from graphlearn.nn import NCN
from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.learnt import LearntScores
from graphlearn.serve.snapshot import Snapshot, link_graph
from graphlearn.serve.view import View


def test_lists_and_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    graph = link_graph(torch.randint(30, (2, 80), generator=generator), 30)
    vectors = torch.rand(30, 4, generator=generator)
    torch.manual_seed(0)
    learnt = LearntScores(NCN(4).eval(), vectors, graph)
    view = View(Snapshot(graph.rowptr, graph.col), vectors, CandidateSizes(), learnt)
    lists = view.lists(torch.tensor([3, 0, 7]))
    assert lists.num_lists == 3
    assert set(lists.source.tolist()) == {0, 3, 7}
    pairs = torch.stack([lists.source, lists.node])
    assert not graph.has_entries(pairs).any()
    alone = view.pairs(pairs)
    assert torch.equal(alone.node, lists.node)
    assert torch.allclose(alone.features, lists.features, atol=1e-5)
    plain = View(view.state, vectors, CandidateSizes()).lists(torch.tensor([3, 0, 7]))
    assert torch.equal(plain.features, lists.features[:, :-1])
