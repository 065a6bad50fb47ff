from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import GraphConv
from torch_geometric.sampler import NegativeSampling

from graphlearn.errors import InputError
from graphlearn.loader import LinkNeighborLoader, NeighborSampler

CITES = ("paper", "cites", "paper")
WRITES = ("author", "writes", "paper")


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def some_links(count: int, nodes: int = 100) -> Tensor:
    return torch.randint(nodes, (2, count), generator=torch.Generator().manual_seed(9))


def pairs(edge_index: Tensor) -> set[tuple[int, ...]]:
    return set(map(tuple, edge_index.t().tolist()))


# Batches ########################################################################################


@pytest.mark.parametrize("subgraph_type", ["directional", "induced"])
@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("negatives", [None, "binary", "triplet"])
def test_everything_in_a_batch_is_what_its_ids_name(
    graph, check_batch, subgraph_type, disjoint, negatives
) -> None:
    loader = LinkNeighborLoader(
        graph,
        [3, 2],
        some_links(50),
        neg_sampling=negatives,
        subgraph_type=subgraph_type,
        disjoint=disjoint,
        batch_size=20,
        shuffle=True,
    )
    assert str(loader) == "LinkNeighborLoader()"
    assert len(loader) == 3
    for batch in loader:
        assert isinstance(batch, Data)
        check_batch(batch, graph)
        assert (batch.batch is None) == (not disjoint)
        if disjoint:
            assert torch.equal(*batch.batch[batch.edge_index])


@pytest.mark.parametrize("kind", [CITES, WRITES])
@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("negatives", [None, "binary", "triplet"])
def test_everything_in_a_typed_batch_is_what_its_ids_name(
    typed_graph, check_batch, kind, disjoint, negatives
) -> None:
    loader = LinkNeighborLoader(
        typed_graph, [3, 2], kind, neg_sampling=negatives, disjoint=disjoint, batch_size=50
    )
    assert len(loader) == typed_graph[kind].num_edges // 50
    for batch in loader:
        assert isinstance(batch, HeteroData)
        check_batch(batch, typed_graph)
        assert batch[kind].input_id.numel() == 50
        if disjoint:
            for first, name, last in batch.edge_types:
                row, col = batch[first, name, last].edge_index
                assert torch.equal(batch[first].batch[row], batch[last].batch[col])


def test_all_edges_are_the_links_if_none_are_given(graph) -> None:
    loader = LinkNeighborLoader(graph, [1], batch_size=100)
    found = torch.cat([batch.n_id[batch.edge_label_index] for batch in loader], dim=1)
    assert torch.equal(found, graph.edge_index)


@pytest.mark.parametrize("disjoint", [False, True])
def test_labels_point_to_the_links(graph, typed_graph, disjoint) -> None:
    links, label = some_links(50), torch.arange(50) % 4
    loader = LinkNeighborLoader(
        graph, [2], links, label, disjoint=disjoint, batch_size=20, shuffle=True
    )
    for batch in loader:
        assert torch.equal(batch.n_id[batch.edge_label_index], links[:, batch.input_id])
        assert torch.equal(batch.edge_label, label[batch.input_id])
    links = some_links(50, 40)
    loader = LinkNeighborLoader(
        typed_graph, [2], (WRITES, links), label, disjoint=disjoint, batch_size=20, shuffle=True
    )
    for batch in loader:
        first, last = batch[WRITES].edge_label_index
        ends = torch.stack([batch["author"].n_id[first], batch["paper"].n_id[last]])
        assert torch.equal(ends, links[:, batch[WRITES].input_id])
        assert torch.equal(batch[WRITES].edge_label, label[batch[WRITES].input_id])


# Negatives ######################################################################################


@pytest.mark.parametrize("amount", [1, 2, 0.5])
@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("kind", [None, CITES, WRITES])
def test_binary_negatives_follow_the_links(graph, typed_graph, amount, disjoint, kind) -> None:
    links = some_links(45, 40)
    loader = LinkNeighborLoader(
        graph if kind is None else typed_graph,
        [2, 2],
        links if kind is None else (kind, links),
        neg_sampling=NegativeSampling("binary", amount),
        disjoint=disjoint,
        batch_size=20,
    )
    for batch in loader:
        of_links = batch if kind is None else batch[kind]
        ends = (batch, batch) if kind is None else (batch[kind[0]], batch[kind[-1]])
        positives = of_links.input_id.numel()
        negatives = math.ceil(positives * amount)
        assert of_links.edge_label.tolist() == [1] * positives + [0] * negatives
        index = of_links.edge_label_index
        assert index.shape == (2, positives + negatives)
        for end in (0, 1):
            ids = ends[end].n_id[index[end]]
            assert torch.equal(ids[:positives], links[end, of_links.input_id])
            if disjoint:  # a negative belongs to the link in whose place it was drawn
                own = torch.arange(positives + negatives) % positives
                assert torch.equal(ends[end].batch[index[end]], own)


@pytest.mark.parametrize("amount", [1, 2])
@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("kind", [None, CITES, WRITES])
def test_triplets_share_their_source(graph, typed_graph, amount, disjoint, kind) -> None:
    links = some_links(45, 40)
    loader = LinkNeighborLoader(
        graph if kind is None else typed_graph,
        [2, 2],
        links if kind is None else (kind, links),
        neg_sampling={"mode": "triplet", "amount": amount},
        disjoint=disjoint,
        batch_size=20,
    )
    for batch in loader:
        of_links = batch if kind is None else batch[kind]
        first, last = (batch, batch) if kind is None else (batch[kind[0]], batch[kind[-1]])
        size = of_links.input_id.numel()
        assert torch.equal(first.n_id[first.src_index], links[0, of_links.input_id])
        assert torch.equal(last.n_id[last.dst_pos_index], links[1, of_links.input_id])
        assert last.dst_neg_index.shape == ((size,) if amount == 1 else (size, amount))
        assert last.dst_neg_index.max() < last.num_nodes
        if disjoint:
            assert first.batch[first.src_index].tolist() == list(range(size))
            assert last.batch[last.dst_pos_index].tolist() == list(range(size))
            own = torch.arange(size) if amount == 1 else torch.arange(size)[:, None].expand(-1, 2)
            assert torch.equal(last.batch[last.dst_neg_index], own)


def test_negatives_follow_their_weights(graph) -> None:
    weight = torch.zeros(100)
    weight[[3, 5]] = 1.0
    loader = LinkNeighborLoader(
        graph,
        [1],
        neg_sampling={"mode": "triplet", "amount": 2, "dst_weight": weight},
        batch_size=100,
    )
    drawn = torch.cat([batch.n_id[batch.dst_neg_index].flatten() for batch in loader])
    assert drawn.unique().tolist() == [3, 5]
    assert 500 < int((drawn == 3).sum()) < 700


def test_labels_that_hold_zero_make_room_for_negatives(graph) -> None:
    label = torch.arange(600) % 2
    loader = LinkNeighborLoader(
        graph, [1], edge_label=label, neg_sampling_ratio=1.0, batch_size=100
    )
    for batch in loader:
        assert batch.edge_label.dtype == torch.int64
        assert torch.equal(batch.edge_label[:100], label[batch.input_id] + 1)
        assert not batch.edge_label[100:].any()


def test_labels_are_ones_if_none_are_given(graph) -> None:
    for batch in LinkNeighborLoader(graph, [1], neg_sampling_ratio=2, batch_size=300):
        assert batch.edge_label.dtype == torch.float32
        assert batch.edge_label.tolist() == [1.0] * 300 + [0.0] * 600


def test_every_batch_and_epoch_has_negatives_of_its_own(graph) -> None:
    loader = LinkNeighborLoader(graph, [1], neg_sampling="binary", batch_size=200, seed=0)

    def negatives() -> list[tuple[int, ...]]:
        return [
            tuple(batch.n_id[batch.edge_label_index[:, 200:]].flatten().tolist())
            for batch in loader
        ]

    first, second = negatives(), negatives()
    assert len({*first, *second}) == 6
    loader.set_epoch(0)
    assert negatives() == first


# Time ###########################################################################################


def later_ends(data: Data, links: Tensor) -> Tensor:
    """The earliest time at which both ends of every link are there."""
    return data.time[links].max(dim=0).values


@pytest.mark.parametrize("negatives", [None, "binary", "triplet"])
def test_nothing_in_a_link_s_tree_is_later_than_the_link(graph, check_batch, negatives) -> None:
    links = some_links(60)
    until = later_ends(graph, links)
    loader = LinkNeighborLoader(
        graph,
        [3, 2],
        links,
        edge_label_time=until,
        time_attr="time",
        neg_sampling=negatives,
        batch_size=20,
        shuffle=True,
    )
    for batch in loader:
        check_batch(batch, graph)
        time = batch.seed_time if negatives == "triplet" else batch.edge_label_time
        assert torch.equal(time[:20], until[batch.input_id])
        assert (batch.time <= until[batch.input_id][batch.batch]).all()


@pytest.mark.parametrize("amount", [1, 2, 0.5])
@pytest.mark.parametrize("kind", [CITES, WRITES])
def test_typed_links_in_time_with_negatives(typed_graph, check_batch, amount, kind) -> None:
    # Before time 0 nobody is there.
    until = torch.arange(typed_graph[kind].num_edges) % 10
    typed_graph["paper"].time[0] = typed_graph["author"].time[0] = 0
    loader = LinkNeighborLoader(
        typed_graph,
        [3, 2],
        kind,
        edge_label_time=until,
        time_attr="time",
        neg_sampling=NegativeSampling("binary", amount),
        batch_size=32,
        drop_last=True,
    )
    for batch in loader:
        check_batch(batch, typed_graph)
        seeds = until[batch[kind].input_id]
        for node in batch.node_types:
            assert batch[node].batch.max() < 32
            met = batch[node].num_sampled_nodes[0]
            late = batch[node].time > seeds[batch[node].batch]
            assert not late[met:].any()  # links themselves are given as they are


def test_edges_in_time(graph, check_batch) -> None:
    until = torch.arange(60) % 10
    loader = LinkNeighborLoader(
        graph, [3, 2], some_links(60), None, until, time_attr="edge_time", batch_size=20
    )
    for batch in loader:
        check_batch(batch, graph)
        tree = batch.batch[batch.edge_index[1]]
        assert (batch.edge_time <= batch.edge_label_time[tree]).all()


# Networks, features, samplers ###################################################################


def test_whole_neighborhoods_give_the_scores_of_the_whole_graph(graph) -> None:
    first, second = GraphConv(32, 8).double(), GraphConv(8, 4).double()
    graph.x = torch.randn(100, 32, dtype=torch.float64)

    def scores(x: Tensor, edge_index: Tensor, links: Tensor) -> Tensor:
        x = second(first(x, edge_index).relu(), edge_index)
        return (x[links[0]] * x[links[1]]).sum(dim=1)

    links = some_links(60)
    whole = scores(graph.x, graph.edge_index, links)
    for disjoint in (False, True):
        for batch in LinkNeighborLoader(graph, [-1, -1], links, batch_size=25, disjoint=disjoint):
            out = scores(batch.x, batch.edge_index, batch.edge_label_index)
            torch.testing.assert_close(out, whole[batch.input_id])


@pytest.mark.parametrize("layout", ["coo", "csc", "csr"])
def test_a_pair_of_pyg_s_stores(typed_graph, in_stores, layout) -> None:
    loader = LinkNeighborLoader(
        in_stores(typed_graph, layout), [-1, -1], (WRITES, some_links(40, 40)), batch_size=20
    )
    own = LinkNeighborLoader(typed_graph, [-1, -1], (WRITES, some_links(40, 40)), batch_size=20)
    for batch, other in zip(loader, own, strict=True):
        for kind in typed_graph.node_types:
            assert torch.equal(batch[kind].x, typed_graph[kind].x[batch[kind].n_id])
            assert torch.equal(batch[kind].n_id.sort().values, other[kind].n_id.sort().values)
        for kind in typed_graph.edge_types:
            assert batch[kind].num_edges == other[kind].num_edges


def test_links_of_a_graph_without_edges() -> None:
    links = some_links(40)
    for batch in LinkNeighborLoader(Data(num_nodes=100), [], links, batch_size=20):
        assert batch.num_nodes == batch.edge_label_index.unique().numel()
    typed = HeteroData(paper={"num_nodes": 100})
    loader = LinkNeighborLoader(typed, [], (("paper", "paper"), links), batch_size=20)
    for batch in loader:
        index = batch["paper", "paper"].edge_label_index
        assert torch.equal(batch["paper"].n_id[index], links[:, batch["paper", "paper"].input_id])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"replace": True}, "replace"),
        ({"weight_attr": "weight"}, "weight_attr"),
        ({"time_attr": "edge_time", "temporal_strategy": "last"}, "temporal_strategy"),
    ],
)
def test_options_reach_the_sampler(graph, assert_same, options, name) -> None:
    def batches(sampler_options: dict[str, Any]) -> list[Data]:
        time = torch.arange(600) % 10 if "time_attr" in options else None
        sampler = NeighborSampler(graph, [2, 2], seed=1, **sampler_options)
        return list(
            LinkNeighborLoader(
                graph, None, neighbor_sampler=sampler, edge_label_time=time, batch_size=100
            )
        )

    time = torch.arange(600) % 10 if "time_attr" in options else None
    loader = LinkNeighborLoader(
        graph, [2, 2], edge_label_time=time, batch_size=100, seed=1, **options
    )
    found = list(loader)
    assert_same(found, batches(options))
    without = batches({key: value for key, value in options.items() if key != name})
    assert any(found[i].e_id.tolist() != without[i].e_id.tolist() for i in range(6))


def test_a_sampler_made_before(graph, assert_same) -> None:
    sampler = NeighborSampler(graph, [3, 2], seed=8)
    options: dict[str, Any] = {"neg_sampling": "binary", "batch_size": 100, "shuffle": True}
    loader = LinkNeighborLoader(graph, None, neighbor_sampler=sampler, **options)
    assert loader.link_sampler is sampler
    assert_same(loader, LinkNeighborLoader(graph, [3, 2], seed=8, **options))


# Bad input ######################################################################################


@pytest.mark.parametrize(
    ("options", "given", "other"),
    [
        ({"time_attr": "time"}, "time_attr", "edge_label_time"),
        ({"edge_label_time": torch.zeros(600)}, "edge_label_time", "time_attr"),
    ],
)
def test_times_of_links_and_of_the_graph_come_together(graph, options, given, other) -> None:
    message = f"'{given}' is set while '{other}' is not set: expected both, or neither"
    with pytest.raises(InputError, match=exactly(message)):
        LinkNeighborLoader(graph, [2], **options)


@pytest.mark.parametrize("seed", [-1, 100])
@pytest.mark.parametrize("workers", [0, 1])
def test_links_out_of_range_are_refused(graph, seed, workers) -> None:
    links = torch.tensor([[0], [seed]])
    message = exactly(f"edge_label_index holds node {seed}: expected ids in [0, 100)")
    for given in (links, links.flip(0)):
        with pytest.raises(InputError, match=message):
            LinkNeighborLoader(graph, [2], given, num_workers=workers, batch_size=1)


def test_weights_of_negatives_have_to_fit(graph) -> None:
    sampling = {"mode": "binary", "src_weight": torch.ones(3)}
    loader = LinkNeighborLoader(graph, [2], neg_sampling=sampling)
    with pytest.raises(InputError, match=r"^the weights of negatives \(src_weight\) are 3"):
        next(iter(loader))


def test_triplets_have_no_labels(graph) -> None:
    with pytest.raises(ValueError, match="'edge_label' needs to be undefined"):
        LinkNeighborLoader(graph, [2], edge_label=torch.ones(600), neg_sampling="triplet")


def test_times_of_links_fit_the_links(graph) -> None:
    for shape in ((4, 2), (3,), (5,), ()):
        message = exactly(f"edge_label_time has shape {list(shape)}: expected [4], one each")
        with pytest.raises(InputError, match=message):
            LinkNeighborLoader(
                graph, [2], some_links(4), edge_label_time=torch.zeros(shape), time_attr="time"
            )
