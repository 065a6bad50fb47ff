"""Lists of all nodes that are served: drawn, weighted, and without nodes that are not there yet."""

from __future__ import annotations

import torch

from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.quality import make_examples
from graphlearn.serve.scorer import Scorer
from graphlearn.serve.served import ServedLists, score_served, served_nodes
from graphlearn.serve.snapshot import Snapshot, link_graph
from graphlearn.serve.view import View


def view() -> View:
    """A random graph of 50 nodes, and 50 more of which each has one link."""
    generator = torch.Generator().manual_seed(0)
    inner = torch.randint(50, (2, 200), generator=generator)
    outer = torch.stack([torch.arange(50), torch.arange(50, 100)])
    graph = link_graph(torch.cat([inner, outer], dim=1), 100)
    return View(Snapshot(graph.rowptr, graph.col), torch.zeros(100, 2), CandidateSizes())


def score(most_sources: int, most: int, served: torch.Tensor) -> tuple[ServedLists, torch.Tensor]:
    links = torch.stack([torch.arange(0, 20), torch.arange(20, 40)])
    has_link = torch.zeros(100, dtype=torch.bool)
    has_link[links.flatten()] = True
    examples = make_examples(view(), links, most_sources=most_sources, seed=0)
    found = score_served(Scorer("ra"), view(), examples, has_link, served, most=most, seed=0)
    return found, examples.sources


def test_each_list_stands_for_as_many_nodes_as_were_not_drawn() -> None:
    everyone = torch.ones(100, dtype=torch.bool)
    whole, _ = score(100, 100, everyone)
    assert whole.lists.num_lists == 100
    assert whole.weight.tolist() == [1.0] * 100
    assert int(whole.found.sum()) > 0
    drawn, _ = score(10, 6, everyone)
    assert drawn.weight.tolist() == [4.0] * 10 + [10.0] * 6
    assert drawn.weights.shape == drawn.score.shape == drawn.found.shape
    assert drawn.lists.features.shape[1] == 0
    again, _ = score(10, 6, everyone)
    assert torch.equal(drawn.lists.source, again.lists.source)


def test_lists_without_a_link_hold_none() -> None:
    found, sources = score(100, 100, torch.ones(100, dtype=torch.bool))
    assert not found.found[found.lists.place >= sources.numel()].any()
    assert torch.unique(found.lists.source).numel() == 100


def test_who_is_not_served_counts_for_nothing() -> None:
    served = torch.arange(100) >= 10
    found, sources = score(100, 100, served)
    assert found.weight[: sources.numel()].tolist() == [0.0] * 10 + [1.0] * 30
    assert float(found.weight.sum()) == 90
    nobody, _ = score(100, 100, torch.zeros(100, dtype=torch.bool))
    assert float(nobody.weight.sum()) == 0


def test_nodes_that_are_not_there_yet() -> None:
    known, whole = torch.tensor([0, 1, 2]), torch.tensor([1, 1, 4])
    assert served_nodes(known, whole).tolist() == [False, True, True]
    whole[0] = 0  # a node without any link is asked for as it is
    assert served_nodes(known, whole).all()
