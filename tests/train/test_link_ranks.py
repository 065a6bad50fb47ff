from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.train import LinkRanks, rank_links
from graphlearn.train import link_ranks as module


class Table(nn.Module):
    """Scores from a matrix, some of them equal."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.scores = torch.randint(9, (nodes, nodes), generator=generator).double()

    def forward(self, h: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        return self.scores[pairs[0], pairs[1]]


def drawn(nodes: int = 40) -> tuple[CSRGraph, Tensor, CSRGraph]:
    generator = torch.Generator().manual_seed(0)
    known = CSRGraph.from_edge_index(torch.randint(nodes, (2, 120), generator=generator), nodes)
    pairs = known.edge_pairs()
    graph = CSRGraph.from_edge_index(pairs[:, 20:], nodes)
    links = torch.cat([pairs[:, :20], pairs[:, :20].flip(0)], dim=1)
    return graph, links[:, torch.randperm(40, generator=generator)], known


def one_by_one(model: Table, links: Tensor, known: CSRGraph) -> tuple[list[float], list[int]]:
    true = set(map(tuple, known.edge_index().t().tolist()))
    ranks, counts = [], []
    for i, j in links.t().tolist():
        others = [k for k in range(known.num_nodes) if k != i and (i, k) not in true]
        score = model.scores[i, j]
        ahead = sum(bool(model.scores[i, k] > score) for k in others)
        tied = sum(bool(model.scores[i, k] == score) for k in others)
        ranks.append(1 + ahead + tied / 2)
        counts.append(len(others))
    return ranks, counts


@pytest.mark.parametrize("at_a_time", [1, 100, 2**20])
def test_against_one_link_at_a_time(at_a_time, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PAIRS_AT_A_TIME", at_a_time)
    graph, links, known = drawn()
    model = Table(40)
    found = rank_links(model, None, graph, links, known, batch_size=7)
    assert isinstance(found, LinkRanks)
    assert (found.rank.tolist(), found.candidates.tolist()) == one_by_one(model, links, known)


def test_drawn_candidates_come_near_and_are_the_seeds() -> None:
    graph, links, known = drawn()
    model = Table(40)
    whole = rank_links(model, None, graph, links, known)
    drawn_ones = [
        rank_links(model, None, graph, links, known, num_candidates=30, seed=seed)
        for seed in range(60)
    ]
    share = torch.stack([(some.rank - 1) / some.candidates for some in drawn_ones]).mean(0)
    torch.testing.assert_close(share, (whole.rank - 1) / whole.candidates, atol=0.05, rtol=0)
    again = rank_links(model, None, graph, links, known, num_candidates=30, seed=1)
    assert torch.equal(drawn_ones[1].rank, again.rank)
    assert not torch.equal(drawn_ones[0].rank, again.rank)


def test_the_graph_is_encoded_once_and_all_nodes_are_enough(monkeypatch) -> None:
    class Encoding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.predictor, self.calls = Table(40), 0

        def encode(self, x: None, graph: CSRGraph) -> Tensor:
            self.calls += 1
            return torch.zeros(40, 1)

    monkeypatch.setattr(module, "_PAIRS_AT_A_TIME", 100)
    graph, links, known = drawn()
    model = Encoding()
    found = rank_links(model, None, graph, links, known, num_candidates=10**9)
    assert model.calls == 1
    assert torch.equal(found.rank, rank_links(Table(40), None, graph, links, known).rank)


def test_no_links() -> None:
    graph, _, known = drawn()
    none = torch.empty(2, 0, dtype=torch.int64)
    assert rank_links(Table(40), None, graph, none, known).rank.tolist() == []


def test_bad_input() -> None:
    graph, links, known = drawn()
    with pytest.raises(InputError, match="links holds node id 41"):
        rank_links(Table(40), None, graph, torch.tensor([[41], [0]]), known)
    with pytest.raises(InputTypeError, match="links"):
        rank_links(Table(40), None, graph, links.float(), known)
    with pytest.raises(InputError, match="known has 3 nodes"):
        rank_links(Table(40), None, graph, links, CSRGraph.from_edge_index(links[:, :0], 3))
    with pytest.raises(InputError, match="num_candidates is 0"):
        rank_links(Table(40), None, graph, links, known, num_candidates=0)
    with pytest.raises(InputError, match="batch_size is 0"):
        rank_links(Table(40), None, graph, links, known, batch_size=0)
    broken = Table(40)
    broken.scores[:] = torch.nan
    with pytest.raises(InputError, match="a score is NaN"):
        rank_links(broken, None, graph, links, known)
