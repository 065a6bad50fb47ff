"""Hit rate and reciprocal rank, against counting by hand."""

from __future__ import annotations

import torch

from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.lists import Lists, list_order
from graphlearn.serve.quality import (
    TOP,
    Examples,
    Quality,
    choose_scorer,
    make_examples,
    measure,
    quality_lines,
)
from graphlearn.serve.scorer import Mixer, Scorer
from graphlearn.serve.snapshot import Snapshot, link_graph
from graphlearn.serve.view import View


def test_against_sorting_every_list() -> None:
    generator = torch.Generator().manual_seed(0)
    place = torch.randint(30, (2000,), generator=generator).sort().values
    score = torch.randint(5, (2000,), generator=generator).float()  # with many ties
    found = torch.rand(2000, generator=generator) < 0.05
    lists = Lists(place, place, torch.arange(2000), {"ra": score}, torch.empty(2000, 0), 30)
    quality = measure(Scorer("ra"), Examples(lists, found, total=200))
    assert isinstance(quality, Quality)
    order, rank = list_order(place, score)
    ranks = rank[found[order]]
    assert quality.hit_rate == int((ranks < TOP).sum()) / 200
    assert abs(quality.mrr - float((1 / (1 + ranks.double())).sum()) / 200) < 1e-12


def test_links_in_no_list_count_as_missed() -> None:
    empty = torch.empty(0, dtype=torch.int64)
    lists = Lists(empty, empty, empty, {"ra": empty.float()}, torch.empty(0, 0), 3)
    assert measure(Scorer("ra"), Examples(lists, empty.bool(), total=4)) == Quality(0.0, 0.0)


def view() -> View:
    generator = torch.Generator().manual_seed(0)
    graph = link_graph(torch.randint(50, (2, 200), generator=generator), 50)
    return View(Snapshot(graph.rowptr, graph.col), torch.zeros(50, 2), CandidateSizes())


def test_both_ends_are_asked_for() -> None:
    links = torch.tensor([[0, 0], [1, 2]])
    examples = make_examples(view(), links, most_sources=9, seed=0)
    assert examples.lists.num_lists == 3
    assert examples.total == 4
    wanted = {(0, 1), (1, 0), (0, 2), (2, 0)}
    pairs = zip(examples.lists.source.tolist(), examples.lists.node.tolist(), strict=True)
    assert [pair in wanted for pair in pairs] == examples.found.tolist()


def test_a_draw_of_sources() -> None:
    links = torch.stack([torch.arange(0, 25), torch.arange(25, 50)])
    one, again = (make_examples(view(), links, most_sources=10, seed=3) for _ in range(2))
    assert one.lists.num_lists == one.total == 10
    assert torch.equal(one.lists.source, again.lists.source)


def test_what_a_draw_measures_is_counted() -> None:
    links = torch.stack([torch.arange(0, 25), torch.arange(25, 50)])
    links = torch.cat([links, torch.tensor([[0], [1]])], dim=1)
    examples = make_examples(view(), links, most_sources=99, seed=0)
    assert examples.sources.tolist() == list(range(50))
    assert examples.total == 52  # each link is looked for from both ends
    assert examples.links == 26
    one = make_examples(view(), links, most_sources=1, seed=0)
    assert one.links == one.total < 26


def test_lines_say_what_was_measured() -> None:
    figures = {"hit_rate": 0.25, "mrr": 0.1, "auc": 0.9}
    quality = {
        "chosen": "ra", "split": "random", "test": {"ra": figures}, "test_links": 100_000,
        "measured_links": 3_950, "measured_sources": 2_000, "calibration_error": 0.001,
        "next_links": 99_000,
    }  # fmt: skip
    lines = quality_lines(quality)
    assert lines[0] == (
        "quality on 3,950 of 100,000 links held out (random), in the lists of 2,000 nodes"
    )
    assert "among the next 99,000 links: off by 0.0010" in lines[-1]
    assert not any("standard error" in line for line in lines)
    few = quality_lines(quality | {"test_links": 20, "measured_links": 20})
    assert few[0].startswith("quality on 20 links held out")
    assert "within about 0.095 (a standard error)" in few[-2]
    figures["hit_rate"] = 0.0
    few = quality_lines(quality | {"test_links": 20, "measured_links": 20})
    assert "within about 0.044" in few[-2]


def test_choice() -> None:
    scorers = [Scorer("cn"), Scorer("ra"), Scorer("simple", Mixer(1)), Scorer("rich", Mixer(1, 2))]
    rates = {"cn": 0.3, "ra": 0.4, "simple": 0.42, "rich": 0.9}
    quality = {name: Quality(rate, 0.1) for name, rate in rates.items()}
    assert choose_scorer(scorers, quality, 10).name == "rich"
    assert choose_scorer(scorers[:3], quality, 100).name == "ra"  # within a standard error
    assert choose_scorer(scorers[:3], quality, 10_000).name == "simple"
