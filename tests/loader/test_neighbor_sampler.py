from __future__ import annotations

import copy
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader import LinkLoader, NodeLoader
from torch_geometric.sampler import (
    EdgeSamplerInput,
    HeteroSamplerOutput,
    NegativeSampling,
    NodeSamplerInput,
    SamplerOutput,
)
from torch_geometric.sampler.base import NumNeighbors, SubgraphType

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.loader import NeighborLoader, NeighborSampler


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def nodes(*ids: int, time: list[int] | None = None, kind: str | None = None) -> NodeSamplerInput:
    when = None if time is None else torch.tensor(time)
    return NodeSamplerInput(None, torch.tensor(ids, dtype=torch.int64), when, kind)


def links(
    pairs: list[tuple[int, int]], *, time: list[int] | None = None, kind: Any = None
) -> EdgeSamplerInput:
    row, col = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).t()
    when = None if time is None else torch.tensor(time)
    return EdgeSamplerInput(None, row, col, time=when, input_type=kind)


def plain(output: SamplerOutput | HeteroSamplerOutput) -> Any:
    """What was sampled, as lists that compare."""

    def listed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: listed(value) for key, value in part.items()}
        return part.tolist() if isinstance(part, torch.Tensor) else part

    names = ("node", "row", "col", "edge", "batch", "num_sampled_nodes", "num_sampled_edges")
    return {name: listed(getattr(output, name)) for name in names}


# 0 leads 1 and 2, and 2 leads 3.
SMALL = Data(edge_index=torch.tensor([[0, 0, 2], [1, 2, 3]]), num_nodes=4)


# What is sampled ################################################################################


def test_by_hand() -> None:
    found = NeighborSampler(SMALL, [1, 1]).sample_from_nodes(nodes(3))
    assert isinstance(found, SamplerOutput)
    assert plain(found) == {
        "node": [3, 2, 0],
        "row": [1, 2],
        "col": [0, 1],
        "edge": [2, 1],
        "batch": None,
        "num_sampled_nodes": [1, 1, 1],
        "num_sampled_edges": [1, 1],
    }


def test_by_hand_backward() -> None:
    sampler = NeighborSampler(SMALL, [2, 2], sample_direction="backward")
    found = plain(sampler.sample_from_nodes(nodes(0)))
    assert found["node"] == [0, 1, 2, 3]
    assert (found["row"], found["col"]) == ([0, 0, 2], [1, 2, 3])
    assert sampler.edge_permutation[torch.tensor(found["edge"])].tolist() == [0, 1, 2]


@pytest.mark.parametrize("subgraph_type", list(SubgraphType))
def test_backward_is_forward_on_the_turned_graph(graph, subgraph_type) -> None:
    turned = copy.copy(graph)
    turned.edge_index = graph.edge_index.flip(0)
    one = NeighborSampler(
        graph, [3, 2], subgraph_type, sample_direction="backward", seed=1
    ).sample_from_nodes(nodes(*range(20)))
    other = NeighborSampler(turned, [3, 2], subgraph_type, seed=1).sample_from_nodes(
        nodes(*range(20))
    )
    assert torch.equal(one.node, other.node)
    edges = set(zip(one.row.tolist(), one.col.tolist(), strict=True))
    assert edges == set(zip(other.col.tolist(), other.row.tolist(), strict=True))


def test_backward_is_forward_on_the_turned_typed_graph(typed_graph) -> None:
    turned = HeteroData()
    for kind in typed_graph.node_types:
        turned[kind].num_nodes = typed_graph[kind].num_nodes
    for first, name, last in typed_graph.edge_types:
        turned[last, name, first].edge_index = typed_graph[first, name, last].edge_index.flip(0)
    seeds = nodes(*range(10), kind="paper")
    one = NeighborSampler(typed_graph, [3, 2], sample_direction="backward", seed=1)
    other = NeighborSampler(turned, [3, 2], seed=1)
    mine, theirs = one.sample_from_nodes(seeds), other.sample_from_nodes(seeds)
    for kind, node in mine.node.items():
        assert torch.equal(node, theirs.node[kind])
    for kind in mine.row:
        back = kind[::-1]
        assert torch.equal(mine.row[kind], theirs.col[back])
        assert torch.equal(mine.col[kind], theirs.row[back])
        assert mine.num_sampled_edges[kind] == theirs.num_sampled_edges[back]


def test_types_stand_in_the_order_of_the_data(typed_graph) -> None:
    sampler = NeighborSampler(typed_graph, [3, 2], seed=0)
    found = sampler.sample_from_nodes(nodes(5, 6, kind="author"))
    assert isinstance(found, HeteroSamplerOutput)
    assert list(found.node) == typed_graph.node_types
    assert list(found.row) == typed_graph.edge_types
    assert found.node["author"][:2].tolist() == [5, 6]
    assert found.num_sampled_nodes["paper"][0] == 0
    assert sampler.is_hetero
    assert sampler.num_nodes == {"paper": 60, "author": 40}


def test_numbers_of_neighbors_by_type(typed_graph) -> None:
    cites = ("paper", "cites", "paper")
    sampler = NeighborSampler(typed_graph, NumNeighbors({cites: [2, 0]}, default=[0, 3]), seed=0)
    found = sampler.sample_from_nodes(nodes(*range(20), kind="paper"))
    assert found.num_sampled_edges[cites][1] == 0
    assert found.num_sampled_edges["author", "writes", "paper"][0] == 0
    assert found.num_sampled_edges[cites][0] > 0
    assert found.num_sampled_edges["author", "writes", "paper"][1] > 0


def test_numbers_of_neighbors_may_be_set_between_epochs(graph) -> None:
    sampler = NeighborSampler(graph, [0])
    assert sampler.sample_from_nodes(nodes(1)).row.numel() == 0
    sampler.num_neighbors = [-1, -1]
    assert sampler.num_neighbors.values == [-1, -1]
    found = sampler.sample_from_nodes(nodes(1))
    assert found.num_sampled_edges[0] == int((graph.edge_index[1] == 1).sum())
    with pytest.raises(InputError):
        sampler.num_neighbors = [-2]
    assert sampler.num_neighbors.values == [-1, -1]


def test_edge_permutation_names_the_edges_of_the_data(graph, typed_graph) -> None:
    sampler = NeighborSampler(graph, [3])
    found = sampler.sample_from_nodes(nodes(*range(30)))
    edge = sampler.edge_permutation[found.edge]
    assert torch.equal(found.node[torch.stack([found.row, found.col])], graph.edge_index[:, edge])
    ordered = graph.edge_index[:, graph.edge_index[1].argsort()]
    data = Data(edge_index=ordered, num_nodes=100)
    assert NeighborSampler(data, [3], is_sorted=True).edge_permutation is None
    assert set(NeighborSampler(typed_graph, [3]).edge_permutation) == set(typed_graph.edge_types)


def test_bidirectional_subgraphs_hold_every_edge_both_ways(graph) -> None:
    found = NeighborSampler(graph, [3, 2], "bidirectional", seed=0).sample_from_nodes(
        nodes(*range(9))
    )
    drawn = NeighborSampler(graph, [3, 2], "directional", seed=0).sample_from_nodes(
        nodes(*range(9))
    )
    edges = set(zip(found.row.tolist(), found.col.tolist(), strict=True))
    once = set(zip(drawn.row.tolist(), drawn.col.tolist(), strict=True))
    assert edges == once | {(v, u) for u, v in once}
    assert found.num_sampled_nodes is None


def test_induced_subgraphs_count_no_hops(graph) -> None:
    found = NeighborSampler(graph, [3, 2], SubgraphType.induced).sample_from_nodes(nodes(*range(9)))
    assert found.num_sampled_nodes is found.num_sampled_edges is None
    kept = torch.isin(graph.edge_index, found.node).all(dim=0)
    assert found.edge.numel() == int(kept.sum())


# Time ###########################################################################################


def test_without_times_given_seeds_have_their_own(graph) -> None:
    sampler = NeighborSampler(graph, [-1, -1], time_attr="time")
    assert sampler.is_temporal
    assert sampler.disjoint
    found = sampler.sample_from_nodes(nodes(*range(50)))
    assert (graph.time[found.node] <= graph.time[:50][found.batch])[50:].all()
    given = sampler.sample_from_nodes(nodes(*range(50), time=graph.time[:50].tolist()))
    assert torch.equal(found.node, given.node)


def test_the_latest_neighbors(graph) -> None:
    sampler = NeighborSampler(graph, [2], temporal_strategy="last", time_attr="edge_time")
    found = sampler.sample_from_nodes(nodes(*range(50), time=[6] * 50))
    time = graph.edge_time[sampler.edge_permutation[found.edge]]
    for seed in range(50):
        row = graph.edge_time[graph.edge_index[1] == seed]
        wanted = row[row <= 6].sort().values[-2:]
        assert time[found.col == seed].tolist() == wanted.tolist()


# A float64 does not tell these whole numbers apart: 2**53 + 1 becomes 2**53.
ROUND = 2**53


def double(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def at(time: Any, of: str) -> Data:
    """Node 1 came to be at this time and leads to node 0, which came to be long before."""
    node_time = torch.stack([torch.zeros_like(time), time])
    edges = torch.tensor([[1], [0]])
    if of == "nodes":
        return Data(edge_index=edges, num_nodes=2, time=node_time)
    return Data(edge_index=edges, num_nodes=2, time=time[None])


@pytest.mark.parametrize("of", ["nodes", "edges"])
@pytest.mark.parametrize(
    ("time", "until", "comes"),
    [
        (torch.tensor(ROUND + 1), double([float(ROUND)]), False),
        (torch.tensor(ROUND), double([float(ROUND)]), True),
        (torch.tensor(ROUND + 1), double([float(ROUND + 2)]), True),
        (torch.tensor(-ROUND), double([float(-ROUND - 2)]), False),
        (torch.tensor(4), double([3.99]), False),
        (torch.tensor(-3), double([-3.01]), False),
        (torch.tensor(4), torch.tensor([4.5]), True),
        (torch.tensor(2**63 - 1), torch.tensor([float("inf")]), True),
        (torch.tensor(2**63 - 1), double([2.0**63 - 1024]), False),
        (double(float(ROUND)), torch.tensor([ROUND + 1]), True),
        (double(float(ROUND + 4)), torch.tensor([ROUND + 3]), False),
        (double(float(ROUND + 4)), torch.tensor([ROUND + 4]), True),
        (double(-float(ROUND)), torch.tensor([-ROUND - 1]), False),
        (double(2.0**63), torch.tensor([2**63 - 1]), False),
        (torch.tensor(4.5), torch.tensor([4]), False),
        (torch.tensor(float("inf")), torch.tensor([2**63 - 1]), False),
        (torch.tensor(4.0), torch.tensor([4], dtype=torch.int32), True),
    ],
)
def test_times_of_two_kinds_are_compared_exactly(of, time, until, comes) -> None:
    data = at(time, of)
    sampler = NeighborSampler(data, [-1], time_attr="time")
    found = sampler.sample_from_nodes(NodeSamplerInput(None, torch.tensor([0]), until))
    assert found.node.tolist() == ([0, 1] if comes else [0])
    (batch,) = NeighborLoader(data, [-1], torch.tensor([0]), until, time_attr="time")
    assert batch.n_id.tolist() == ([0, 1] if comes else [0])
    link = EdgeSamplerInput(None, torch.tensor([0]), torch.tensor([0]), time=until)
    found = sampler.sample_from_edges(link)
    assert (1 in found.node.tolist()) == comes
    assert torch.equal(found.metadata[3], until)


@pytest.mark.parametrize("mode", ["binary", "triplet"])
@pytest.mark.parametrize(
    ("late", "until"),
    [
        (torch.tensor(ROUND + 1), double(float(ROUND))),
        (double(float(ROUND + 4)), torch.tensor(ROUND + 3)),
    ],
)
def test_no_negative_is_later_than_its_link(mode, late, until) -> None:
    time = late.repeat(20)
    time[:2] = 0
    data = Data(edge_index=torch.tensor([[1], [0]]), num_nodes=20, time=time)
    sampler = NeighborSampler(data, [2], time_attr="time", seed=0)
    pairs = EdgeSamplerInput(
        None, torch.zeros(9, dtype=torch.int64), torch.ones(9).long(), time=until.repeat(9)
    )
    found = sampler.sample_from_edges(pairs, NegativeSampling(mode, 2))
    assert set(found.node.tolist()) == {0, 1}
    given = found.metadata[-1]  # the times as they were given
    assert torch.equal(given, until.repeat(27 if mode == "binary" else 9))


def test_weights_and_times_together(graph) -> None:
    graph.weight[::2] = 0
    sampler = NeighborSampler(graph, [4, 4], time_attr="edge_time", weight_attr="weight")
    found = sampler.sample_from_nodes(nodes(*range(50), time=[6] * 50))
    edge = sampler.edge_permutation[found.edge]
    assert edge.numel() > 50
    assert (graph.edge_time[edge] <= 6).all()
    assert (edge % 2 == 1).all()


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_as_many_as_may_be_drawn_in_both_directions(graph, direction) -> None:
    graph.weight[::3] = 0
    sampler = NeighborSampler(
        graph, [3], time_attr="edge_time", weight_attr="weight", sample_direction=direction
    )
    found = sampler.sample_from_nodes(nodes(*range(100), time=[5] * 100))
    near, far = (found.col, 1) if direction == "forward" else (found.row, 0)
    can = (graph.weight > 0) & (graph.edge_time <= 5)
    whole = torch.bincount(graph.edge_index[far][can], minlength=100)
    assert torch.equal(torch.bincount(near, minlength=100), whole.clamp(max=3))


def test_edges_of_no_weight_are_never_drawn(typed_graph) -> None:
    cites = ("paper", "cites", "paper")
    typed_graph[cites].weight = (torch.arange(300) % 3).float()
    sampler = NeighborSampler(typed_graph, [5], weight_attr="weight")
    found = sampler.sample_from_nodes(nodes(*range(60), kind="paper"))
    assert (sampler.edge_permutation[cites][found.edge[cites]] % 3 > 0).all()
    assert found.edge["author", "writes", "paper"].numel() > 0  # not weighted, and drawn


# Keys ###########################################################################################


def test_a_seed_and_the_number_of_the_call_decide(graph) -> None:
    seeds = nodes(*range(30))

    def calls(seed: int) -> list[Any]:
        sampler = NeighborSampler(graph, [2, 2], seed=seed)
        return [plain(sampler.sample_from_nodes(seeds)) for _ in range(3)]

    first = calls(1)
    assert first == calls(1)
    assert first[0] != first[1] != first[2]
    assert first[0] != calls(2)[0]


def test_a_key_given_decides_instead(graph) -> None:
    sampler = NeighborSampler(graph, [2, 2], seed=1)
    found = [plain(sampler.sample_from_nodes(nodes(*range(30)), key=k)) for k in (5, 5, 6)]
    assert found[0] == found[1] != found[2]
    pairs = links([(1, 2), (3, 4)])
    config = NegativeSampling("binary", 2)
    found = [plain(sampler.sample_from_edges(pairs, config, key=k)) for k in (5, 5, 6)]
    assert found[0] == found[1] != found[2]


def test_without_a_seed_torch_decides(graph) -> None:
    def made(seed: int) -> int:
        torch.manual_seed(seed)
        return NeighborSampler(graph, [2]).seed

    assert made(3) == made(3) != made(4)
    state = torch.get_rng_state()
    sampler = NeighborSampler(graph, [2], seed=5)
    sampler.sample_from_nodes(nodes(1))
    sampler.sample_from_edges(links([(1, 2)]), NegativeSampling("binary"))
    assert torch.equal(torch.get_rng_state(), state)


def test_calls_from_several_threads(graph) -> None:
    sampler = NeighborSampler(graph, [4, 4], seed=0)
    seeds = nodes(*range(40))

    def draw(key: int) -> Any:
        return plain(sampler.sample_from_nodes(seeds, key=key))

    expected = [draw(key) for key in range(10)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(10))) == expected


def test_pickled_and_copied_samplers_draw_the_same(graph) -> None:
    sampler = NeighborSampler(graph, [3, 2], seed=4, time_attr="edge_time")
    seeds = nodes(*range(30), time=[5] * 30)
    expected = plain(sampler.sample_from_nodes(seeds, key=1))
    for other in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler)):
        assert plain(other.sample_from_nodes(seeds, key=1)) == expected
        assert other.edge_permutation.tolist() == sampler.edge_permutation.tolist()


# In PyG's own loaders ###########################################################################


@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("replace", [False, True])
def test_pyg_s_node_loader(graph, check_batch, disjoint, replace) -> None:
    sampler = NeighborSampler(graph, [5, 3], replace=replace, disjoint=disjoint)
    batches = list(NodeLoader(graph, sampler, torch.arange(50), batch_size=20))
    assert [batch.batch_size for batch in batches] == [20, 20, 10]
    for number, batch in enumerate(batches):
        check_batch(batch, graph)
        assert batch.n_id[: batch.batch_size].tolist() == batch.input_id.tolist()
        assert batch.input_id[0] == 20 * number
        assert (batch.batch is not None) == disjoint


def test_pyg_s_node_loader_on_types(typed_graph, check_batch) -> None:
    sampler = NeighborSampler(typed_graph, [5, 3])
    for batch in NodeLoader(typed_graph, sampler, "author", batch_size=20):
        check_batch(batch, typed_graph)
        assert batch["author"].batch_size == 20


def test_pyg_s_link_loader(graph, check_batch) -> None:
    sampler = NeighborSampler(graph, [5, 3])
    loader = LinkLoader(graph, sampler, graph.edge_index, neg_sampling="binary", batch_size=50)
    for batch in loader:
        check_batch(batch, graph)
        ends = batch.n_id[batch.edge_label_index[:, :50]]
        assert torch.equal(ends, graph.edge_index[:, batch.input_id])


def in_processes(data: Data, kind: str, **options: Any) -> Any:
    """One of PyG's own loaders, whose workers are processes."""
    options = {"batch_size": 25, "multiprocessing_context": "fork", **options}
    sampler = NeighborSampler(data, [4, 4], seed=3)
    if kind == "node":
        return NodeLoader(data, sampler, **options)
    return LinkLoader(data, sampler, data.edge_index[:, :100], neg_sampling="triplet", **options)


def edges_of(batches: Any) -> list[list[int]]:
    return [batch.e_id.tolist() for batch in batches]


@pytest.mark.parametrize("kind", ["node", "link"])
@pytest.mark.parametrize("persistent", [False, True])
def test_worker_processes_draw_the_same_in_a_new_run(graph, assert_same, kind, persistent) -> None:
    def epochs(workers: int, seed: int = 7) -> list[list[Any]]:
        torch.manual_seed(seed)
        loader = in_processes(graph, kind, num_workers=workers, persistent_workers=persistent)
        return [list(loader) for _ in range(2)]

    one, two = epochs(1), epochs(2)
    assert [len(epoch) for epoch in one + two] == [4] * 4
    for first, again in ((one, epochs(1)), (two, epochs(2))):
        for epoch, other in zip(first, again, strict=True):
            assert_same(epoch, other)
    # Another state of torch is another base seed of the workers.
    assert edges_of(epochs(2, seed=8)[0]) != edges_of(two[0])


@pytest.mark.parametrize("kind", ["node", "link"])
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_draw_anew_every_epoch(graph, kind, persistent, workers) -> None:
    loader = in_processes(graph, kind, num_workers=workers, persistent_workers=persistent)
    epochs = [edges_of(loader) for _ in range(3)]
    for number in range(4):
        assert len({str(epoch[number]) for epoch in epochs}) == 3


def test_worker_processes_draw_differently_in_one_epoch(graph) -> None:
    sampler = NeighborSampler(graph, [3], seed=0)
    seeds = torch.arange(25).repeat(4)
    loader = NodeLoader(
        graph, sampler, seeds, batch_size=25, num_workers=2, multiprocessing_context="fork"
    )
    assert len({str(edges) for edges in edges_of(loader)}) == 4


# Links ##########################################################################################


@pytest.mark.parametrize("amount", [1, 2, 0.5])
@pytest.mark.parametrize("name", ["plain", "one type", "two types"])
def test_every_node_is_numbered_by_its_link(graph, typed_graph, amount, name) -> None:
    data, kind = {
        "plain": (graph, None),
        "one type": (typed_graph, ("paper", "cites", "paper")),
        "two types": (typed_graph, ("author", "writes", "paper")),
    }[name]
    sampler = NeighborSampler(data, [2, 2], disjoint=True, seed=0)
    pairs = [(1, 2), (3, 4), (5, 6), (7, 8), (9, 1)]
    found = sampler.sample_from_edges(links(pairs, kind=kind), NegativeSampling("binary", amount))
    _, index, label, _ = found.metadata
    negatives = -int(-5 * amount // 1)
    assert label.tolist() == [1] * 5 + [0] * negatives
    assert index.shape == (2, 5 + negatives)
    batches = found.batch if kind else {"all": found.batch}
    of_link = [number % 5 for number in range(5 + negatives)]
    first, last = (kind[0], kind[-1]) if kind else ("all", "all")
    assert batches[first][index[0]].tolist() == of_link
    assert batches[last][index[1]].tolist() == of_link
    # Whatever an edge ties together belongs to one link.
    if kind:
        for edge_type in found.row:
            row, col = found.row[edge_type], found.col[edge_type]
            assert torch.equal(batches[edge_type[0]][row], batches[edge_type[-1]][col])
    else:
        assert torch.equal(found.batch[found.row], found.batch[found.col])


def test_links_without_negatives(graph) -> None:
    pairs = [(1, 2), (3, 1)]
    found = NeighborSampler(graph, [2]).sample_from_edges(links(pairs))
    _, index, label, time = found.metadata
    assert found.node[index].t().tolist() == [[1, 2], [3, 1]]
    assert label is time is None


# Bad input ######################################################################################


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"num_neighbors": [3, -2]},
            "num_neighbors holds -2: expected integers >= 0, or -1 for all",
        ),
        (
            {"num_neighbors": [2.5]},
            "num_neighbors holds 2.5: expected integers >= 0, or -1 for all",
        ),
        (
            {"num_neighbors": [True]},
            "num_neighbors holds True: expected integers >= 0, or -1 for all",
        ),
        (
            {"subgraph_type": "inducd"},
            "unknown subgraph_type 'inducd': expected one of bidirectional, directional, induced; "
            "did you mean 'induced'?",
        ),
        (
            {"temporal_strategy": "latest", "time_attr": "time"},
            "unknown temporal_strategy 'latest': expected one of last, uniform; "
            "did you mean 'last'?",
        ),
        (
            {"sample_direction": "forwards"},
            "unknown sample_direction 'forwards': expected one of backward, forward; "
            "did you mean 'forward'?",
        ),
        (
            {"temporal_strategy": "last"},
            "temporal_strategy is 'last' without times: expected time_attr beside it",
        ),
        (
            {"time_attr": "when"},
            "time_attr is 'when': expected the name of an attribute of nodes or edges",
        ),
    ],
)
def test_options_that_mean_nothing_are_refused(graph, options, message) -> None:
    with pytest.raises(InputError, match=exactly(message)):
        NeighborSampler(graph, **{"num_neighbors": [2], **options})


@pytest.mark.parametrize("name", ["replace", "disjoint", "is_sorted"])
def test_flags_are_booleans(graph, name) -> None:
    with pytest.raises(InputTypeError, match=f"^{name} is "):
        NeighborSampler(graph, [2], **{name: "yes"})


@pytest.mark.parametrize("seed", ["1", 1.5, True])
def test_a_seed_is_an_integer(graph, seed) -> None:
    with pytest.raises(InputTypeError, match=exactly(f"seed is {seed!r}: expected an integer")):
        NeighborSampler(graph, [2], seed=seed)


def test_numbers_of_neighbors_fit_the_types(graph, typed_graph) -> None:
    cites, writes, back = typed_graph.edge_types
    with pytest.raises(InputError, match="^num_neighbors is .* all of one length$"):
        NeighborSampler(typed_graph, {cites: [1], writes: [1, 2], back: [1]})
    with pytest.raises(InputError, match="^num_neighbors is .* for each type of edges"):
        NeighborSampler(typed_graph, {cites: [1]})
    with pytest.raises((InputError, InputTypeError), match="^num_neighbors is "):
        NeighborSampler(graph, {cites: [1]})


@pytest.mark.parametrize("number", [None, 3, "ab"])
def test_numbers_of_neighbors_are_a_list(graph, number) -> None:
    message = f"num_neighbors is {number!r}: expected a list: a number for each hop"
    with pytest.raises(InputTypeError, match=exactly(message)):
        NeighborSampler(graph, number)


@pytest.mark.parametrize(
    "ids",
    [torch.tensor([1.7]), torch.tensor([float("nan")]), torch.tensor([[1]]), torch.ones(2) > 0],
)
def test_seeds_are_a_list_of_ids(graph, ids) -> None:
    message = (
        f"seeds have dtype {ids.dtype} and shape {list(ids.shape)}: "
        "expected ids of int32 or int64, [S]"
    )
    for time_attr in (None, "time"):
        sampler = NeighborSampler(graph, [2], time_attr=time_attr)
        with pytest.raises(InputTypeError, match=exactly(message)):
            sampler.sample_from_nodes(NodeSamplerInput(None, ids))


def test_narrow_seeds_are_ids_too(graph) -> None:
    sampler = NeighborSampler(graph, [2, 2], seed=0)
    narrow = NodeSamplerInput(None, torch.arange(9, dtype=torch.int32))
    wide = NodeSamplerInput(None, torch.arange(9))
    assert plain(sampler.sample_from_nodes(narrow, key=1)) == plain(
        sampler.sample_from_nodes(wide, key=1)
    )


@pytest.mark.parametrize("seed", [-1, 100])
@pytest.mark.parametrize("time_attr", [None, "time"])
def test_seeds_out_of_range_are_refused(graph, seed, time_attr) -> None:
    sampler = NeighborSampler(graph, [2], time_attr=time_attr)
    message = exactly(f"a seed is node {seed}: expected ids in [0, 100)")
    with pytest.raises(InputError, match=message):
        sampler.sample_from_nodes(nodes(0, seed))
    with pytest.raises(InputError, match=message):
        sampler.sample_from_edges(links([(0, seed)]))


def test_seeds_need_a_time_from_somewhere(graph, typed_graph) -> None:
    sampler = NeighborSampler(graph, [2], time_attr="edge_time")
    message = "seeds have no time; pass input_time (for links: edge_label_time)"
    with pytest.raises(InputError, match=exactly(message)):
        sampler.sample_from_nodes(nodes(1))
    sampler = NeighborSampler(typed_graph, [2], time_attr="edge_time")
    with pytest.raises(InputError, match=r"^seeds have no time \(node type 'paper'\); pass"):
        sampler.sample_from_nodes(nodes(1, kind="paper"))


def test_times_fit_the_seeds(graph) -> None:
    sampler = NeighborSampler(graph, [2], time_attr="time")
    with pytest.raises(
        InputError, match=exactly("there are 1 times for 2 seeds: expected one each")
    ):
        sampler.sample_from_nodes(nodes(1, 2, time=[3]))


def test_links_have_no_times_where_the_graph_has_none(graph) -> None:
    message = "links have times, but the sampler has none; give the sampler a time_attr"
    with pytest.raises(InputError, match=exactly(message)):
        NeighborSampler(graph, [2]).sample_from_edges(links([(1, 2)], time=[3]))


def test_an_unknown_type_of_seeds_is_refused(typed_graph) -> None:
    sampler = NeighborSampler(typed_graph, [2])
    message = "unknown node type 'papers': expected one of author, paper; did you mean 'paper'?"
    with pytest.raises(UnknownNameError, match=exactly(message)):
        sampler.sample_from_nodes(nodes(1, kind="papers"))


def test_repr(graph) -> None:
    found = repr(NeighborSampler(graph, [2, 3], seed=7))
    assert found == "NeighborSampler(100 nodes, 600 edges, num_neighbors=[2, 3], seed=7)"
