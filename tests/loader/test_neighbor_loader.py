from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import GraphConv, to_hetero
from torch_geometric.utils import is_undirected, trim_to_layer

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader import NeighborLoader, NeighborSampler
from graphlearn.loader.neighbor_loader import chosen_subgraph
from graphlearn.store import MemoryStore

SUBGRAPHS = ["directional", "bidirectional", "induced"]


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


class GNN(torch.nn.Module):
    """Two layers; trims what the second needs no more if it is told what was sampled."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = GraphConv(channels, 8), GraphConv(8, 3)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        return self.second(self.first(x, edge_index, edge_weight).relu(), edge_index, edge_weight)

    def trimmed(self, batch: Data) -> Tensor:
        x, edge_index = batch.x, batch.edge_index
        for layer, conv in enumerate((self.first, self.second)):
            x, edge_index, _ = trim_to_layer(
                layer, batch.num_sampled_nodes, batch.num_sampled_edges, x, edge_index
            )
            x = conv(x, edge_index)
            x = x.relu() if layer == 0 else x
        return x


# Batches ########################################################################################


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
@pytest.mark.parametrize("subgraph_type", ["directional", "induced"])
@pytest.mark.parametrize("disjoint", [False, True])
def test_everything_in_a_batch_is_what_its_ids_name(
    graph, check_batch, subgraph_type, disjoint, dtype
) -> None:
    graph.edge_index = graph.edge_index.to(dtype)
    loader = NeighborLoader(
        graph, [5, 3], batch_size=30, subgraph_type=subgraph_type, disjoint=disjoint
    )
    assert str(loader) == "NeighborLoader()"
    assert len(loader) == 4
    for number, batch in enumerate(loader):
        assert isinstance(batch, Data)
        check_batch(batch, graph)
        assert batch.batch_size == batch.input_id.numel() == (30 if number < 3 else 10)
        seeds = torch.arange(30 * number, 30 * number + batch.batch_size)
        assert torch.equal(batch.n_id[: batch.batch_size], seeds)
        assert (batch.batch is None) == (not disjoint)
        if disjoint:
            assert torch.equal(batch.batch[: batch.batch_size], torch.arange(batch.batch_size))
            assert torch.equal(*batch.batch[batch.edge_index])


@pytest.mark.parametrize("subgraph_type", ["directional", "induced"])
@pytest.mark.parametrize("kind", ["paper", "author"])
def test_everything_in_a_typed_batch_is_what_its_ids_name(
    typed_graph, check_batch, subgraph_type, kind
) -> None:
    loader = NeighborLoader(
        typed_graph, [5, 3], kind, batch_size=20, subgraph_type=subgraph_type, num_workers=2
    )
    for number, batch in enumerate(loader):
        assert isinstance(batch, HeteroData)
        check_batch(batch, typed_graph)
        assert batch.node_types == typed_graph.node_types
        assert batch.edge_types == typed_graph.edge_types
        assert batch[kind].batch_size == 20
        assert batch[kind].n_id[:20].tolist() == list(range(20 * number, 20 * number + 20))


def test_bidirectional_batches_have_every_edge_both_ways(graph, typed_graph) -> None:
    for batch in NeighborLoader(graph, [5, 3], batch_size=30, subgraph_type="bidirectional"):
        assert is_undirected(batch.edge_index)
    loader = NeighborLoader(typed_graph, [5, 3], "paper", subgraph_type="bidirectional")
    for batch in loader:
        assert is_undirected(batch["paper", "cites", "paper"].edge_index)
        writes = batch["author", "writes", "paper"].edge_index
        back = batch["paper", "rev_writes", "author"].edge_index
        assert torch.equal(writes, back.flip(0))
        # No edge of the data stands for an edge that is both.
        assert "e_id" not in batch["author", "writes", "paper"]
        assert "edge_attr" not in batch["author", "writes", "paper"]


def test_an_older_option_asks_for_induced_subgraphs(graph) -> None:
    assert chosen_subgraph("bidirectional", True) == "bidirectional"
    batch = next(iter(NeighborLoader(graph, [2], batch_size=30, directed=False)))
    inside = torch.isin(graph.edge_index, batch.n_id).all(dim=0)
    assert sorted(batch.e_id.tolist()) == inside.nonzero().view(-1).tolist()


def test_no_more_edges_than_asked_for(graph) -> None:
    degree = torch.bincount(graph.edge_index[1], minlength=100)
    for replace in (False, True):
        for batch in NeighborLoader(graph, [4], batch_size=25, replace=replace):
            drawn = torch.bincount(batch.edge_index[1], minlength=25)[:25]
            whole = degree[batch.n_id[:25]]
            expected = torch.where(whole > 0, 4, 0) if replace else whole.clamp(max=4)
            assert torch.equal(drawn, expected)


def test_what_was_sampled_in_every_hop_is_counted() -> None:
    # A tree that leaves no choice: one, two, and four neighbors are as many as there are.
    edges = torch.tensor([[2, 3, 4, 5, 7, 7, 10, 11, 12, 13], [0, 1, 2, 3, 2, 3, 7, 7, 7, 7]])
    batch = next(
        iter(NeighborLoader(Data(edge_index=edges, num_nodes=14), [1, 2, 4], batch_size=2))
    )
    assert batch.num_sampled_nodes == [2, 2, 3, 4]
    assert batch.num_sampled_edges == [2, 4, 4]

    typed = HeteroData(paper={"num_nodes": 14}, author={"num_nodes": 14})
    for kind in (("paper", "paper"), ("paper", "author"), ("author", "paper")):
        typed[kind].edge_index = edges
    batch = next(iter(NeighborLoader(typed, [1, 2, 4], "paper", batch_size=2)))
    assert batch["paper"].num_sampled_nodes == [2, 2, 3, 4]
    assert batch["author"].num_sampled_nodes == [0, 2, 3, 4]
    assert batch["paper", "paper"].num_sampled_edges == [2, 4, 4]
    assert batch["paper", "author"].num_sampled_edges == [0, 4, 4]
    assert batch["author", "paper"].num_sampled_edges == [2, 4, 4]


# Seeds ##########################################################################################


def test_seeds_may_be_ids_a_mask_a_list_or_all(graph) -> None:
    mask = torch.zeros(100, dtype=torch.bool)
    mask[[3, 50, 99]] = True
    for seeds in (torch.tensor([3, 50, 99]), mask, [3, 50, 99]):
        batch = next(iter(NeighborLoader(graph, [2], seeds, batch_size=3)))
        assert batch.n_id[:3].tolist() == [3, 50, 99]
        of_mask = isinstance(seeds, Tensor) and seeds.dtype == torch.bool
        assert batch.input_id.tolist() == ([3, 50, 99] if of_mask else [0, 1, 2])
    assert len(NeighborLoader(graph, [2])) == 100


def test_typed_seeds_may_be_ids_a_mask_or_all(typed_graph) -> None:
    mask = torch.arange(40) % 10 == 1
    for seeds in (torch.tensor([1, 11, 21, 31]), mask):
        batch = next(iter(NeighborLoader(typed_graph, [2], ("author", seeds), batch_size=4)))
        assert batch["author"].n_id[:4].tolist() == [1, 11, 21, 31]
    assert len(NeighborLoader(typed_graph, [2], ("author", None))) == 40


def test_ids_of_the_seeds_may_be_given(graph) -> None:
    loader = NeighborLoader(
        graph, [2], torch.tensor([5, 6]), input_id=torch.tensor([70, 80]), batch_size=2
    )
    assert next(iter(loader)).input_id.tolist() == [70, 80]


def test_a_seed_that_comes_twice_stands_twice(graph, check_batch) -> None:
    batch = next(iter(NeighborLoader(graph, [3], torch.tensor([4, 4, 5]), batch_size=3)))
    assert batch.n_id[:3].tolist() == [4, 4, 5]
    check_batch(batch, graph)


# Networks #######################################################################################


@pytest.mark.parametrize("subgraph_type", ["directional", "induced"])
@pytest.mark.parametrize("disjoint", [False, True])
def test_whole_neighborhoods_give_the_output_of_the_whole_graph(
    graph, subgraph_type, disjoint
) -> None:
    model = GNN(32).double()
    graph.x = torch.randn(100, 32, dtype=torch.float64)
    whole = model(graph.x, graph.edge_index, graph.weight)
    loader = NeighborLoader(
        graph, [-1, -1], batch_size=30, subgraph_type=subgraph_type, disjoint=disjoint
    )
    for batch in loader:
        out = model(batch.x, batch.edge_index, batch.weight)[: batch.batch_size]
        torch.testing.assert_close(out, whole[batch.input_id])


def test_bidirectional_neighborhoods_do_on_an_undirected_graph(graph) -> None:
    model = GNN(32).double()
    graph.x = torch.randn(100, 32, dtype=torch.float64)
    both = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1).unique(dim=1)
    data = Data(x=graph.x, edge_index=both)
    whole = model(data.x, data.edge_index)
    for batch in NeighborLoader(data, [-1, -1], batch_size=30, subgraph_type="bidirectional"):
        out = model(batch.x, batch.edge_index)[: batch.batch_size]
        torch.testing.assert_close(out, whole[batch.input_id])


def test_layers_need_only_what_was_sampled_for_them(graph) -> None:
    model = GNN(32).double()
    graph.x = torch.randn(100, 32, dtype=torch.float64)
    whole = model(graph.x, graph.edge_index)
    for batch in NeighborLoader(graph, [-1, -1], batch_size=30):
        out = model.trimmed(batch)
        assert out.size(0) < batch.num_nodes
        torch.testing.assert_close(out[: batch.batch_size], whole[batch.input_id])
    for batch in NeighborLoader(graph, [3, 2], batch_size=30):
        out = model(batch.x, batch.edge_index)[: batch.batch_size]
        torch.testing.assert_close(model.trimmed(batch)[: batch.batch_size], out)


def test_whole_typed_neighborhoods_give_the_output_of_the_whole_graph(typed_graph) -> None:
    for kind in typed_graph.node_types:
        typed_graph[kind].x = torch.randn(typed_graph[kind].num_nodes, 20, dtype=torch.float64)
    model = to_hetero(GNN(20).double(), typed_graph.metadata())
    whole = model(typed_graph.x_dict, typed_graph.edge_index_dict)
    for kind in typed_graph.node_types:
        for batch in NeighborLoader(typed_graph, [-1, -1], kind, batch_size=25):
            out = model(batch.x_dict, batch.edge_index_dict)[kind][: batch[kind].batch_size]
            torch.testing.assert_close(out, whole[kind][batch[kind].input_id])


# Features #######################################################################################


@pytest.mark.parametrize("workers", [0, 2])
def test_features_in_a_file_that_is_mapped(graph, tmp_path, workers) -> None:
    path = tmp_path / "x.npy"
    np.save(path, graph.x.numpy())
    data = Data(x=np.load(path, mmap_mode="r"), edge_index=graph.edge_index)
    assert isinstance(data.x, np.memmap)
    for batch in NeighborLoader(data, [5, 3], batch_size=30, num_workers=workers):
        assert isinstance(batch.x, Tensor)
        assert torch.equal(batch.x, graph.x[batch.n_id])


def test_features_from_stores(graph, typed_graph, assert_same) -> None:
    bare = Data(edge_index=graph.edge_index, num_nodes=100)
    loader = NeighborLoader(bare, [3], batch_size=30, feature_store=MemoryStore(graph.x), seed=0)
    for batch in loader:
        assert torch.equal(batch.x, graph.x[batch.n_id])
    stores = {("paper", "x"): typed_graph["paper"].x, ("author", "y"): typed_graph["author"].y}
    options: dict[str, Any] = {"batch_size": 20, "seed": 0}
    assert_same(
        NeighborLoader(typed_graph, [3], "paper", feature_store=stores, **options),
        NeighborLoader(typed_graph, [3], "paper", **options),
    )


@pytest.mark.parametrize(
    "hold",
    [
        lambda batch: batch.x,
        lambda batch: batch.x[3:],
        lambda batch: batch.x.numpy(),
        lambda batch: batch.x.detach().view(-1),
    ],
)
def test_features_stay_as_long_as_anyone_holds_them(hold) -> None:
    # Memory of a batch is used for later ones, but not before it is free. These are large enough
    # to come from such memory.
    edges = torch.randint(1000, (2, 8000), generator=torch.Generator().manual_seed(0))
    data = Data(x=torch.arange(1000.0)[:, None].expand(-1, 64).clone(), edge_index=edges)
    held, copies = [], []
    for batch in NeighborLoader(data, [5, 5], batch_size=50, num_workers=1):
        held.append(hold(batch))
        copies.append(torch.as_tensor(held[-1]).detach().clone())
        del batch
    for now, then in zip(held, copies, strict=True):
        assert torch.equal(torch.as_tensor(now), then)


@pytest.mark.parametrize("layout", ["coo", "csc", "csr"])
def test_a_pair_of_pyg_s_stores(graph, typed_graph, in_stores, layout) -> None:
    loader = NeighborLoader(in_stores(graph, layout), [-1, -1], torch.arange(40), batch_size=20)
    own = NeighborLoader(graph, [-1, -1], torch.arange(40), batch_size=20)
    for batch, other in zip(loader, own, strict=True):
        assert torch.equal(batch.x, graph.x[batch.n_id])
        assert torch.equal(batch.n_id.sort().values, other.n_id.sort().values)
        assert batch.num_edges == other.num_edges

    loader = NeighborLoader(in_stores(typed_graph, layout), [-1, -1], "author")
    own = NeighborLoader(typed_graph, [-1, -1], "author")
    for batch, other in zip(loader, own, strict=True):
        for kind in typed_graph.node_types:
            assert torch.equal(batch[kind].x, typed_graph[kind].x[batch[kind].n_id])
            assert torch.equal(batch[kind].n_id.sort().values, other[kind].n_id.sort().values)
        for kind in typed_graph.edge_types:
            assert batch[kind].num_edges == other[kind].num_edges


def test_what_was_given_stays_as_it_was(graph, typed_graph) -> None:
    for data, seeds in ((graph, None), (typed_graph, "paper")):
        before = {(store._key, key): value for store in data.stores for key, value in store.items()}
        copies = {key: value.clone() for key, value in before.items()}
        list(NeighborLoader(data, [3], seeds, batch_size=20, num_workers=1))
        after = {(store._key, key): value for store in data.stores for key, value in store.items()}
        assert after.keys() == before.keys()
        assert all(after[key] is before[key] for key in before)
        assert all(torch.equal(after[key], copies[key]) for key in before)
        assert data.num_nodes == 100


# Weights and times ##############################################################################


def test_weights_decide_what_is_drawn() -> None:
    edges = torch.tensor([[1, 3, 0, 4], [2, 2, 1, 3]])
    weight = torch.tensor([0.0, 1.0, 0.0, 1.0])
    data = Data(edge_index=edges, num_nodes=5, edge_weight=weight)
    loader = NeighborLoader(data, [1, 1], torch.tensor([2]), weight_attr="edge_weight")
    batch = next(iter(loader))
    assert batch.n_id.tolist() == [2, 3, 4]
    assert batch.n_id[batch.edge_index].tolist() == [[3, 4], [2, 3]]
    assert batch.edge_weight.tolist() == [1, 1]


def test_no_neighbor_is_later_than_its_seed(graph, check_batch) -> None:
    loader = NeighborLoader(graph, [4, 4], time_attr="time", batch_size=25)
    for batch in loader:
        check_batch(batch, graph)
        until = graph.time[batch.n_id[:25]][batch.batch]
        assert (batch.time <= until).all()
        assert "seed_time" not in batch


def test_no_edge_is_later_than_its_seed_s_time(graph, typed_graph, check_batch) -> None:
    until = torch.arange(100) % 10
    loader = NeighborLoader(graph, [4, 4], input_time=until, time_attr="edge_time", batch_size=25)
    for batch in loader:
        check_batch(batch, graph)
        assert torch.equal(batch.seed_time, until[batch.input_id])
        of_edge = batch.seed_time[batch.batch[batch.edge_index[1]]]
        assert (batch.edge_time <= of_edge).all()
    loader = NeighborLoader(
        typed_graph, [4, 4], "paper", until[:60], time_attr="edge_time", batch_size=20
    )
    for batch in loader:
        check_batch(batch, typed_graph)
        for kind in batch.edge_types:
            tree = batch[kind[-1]].batch[batch[kind].edge_index[1]]
            assert (batch[kind].edge_time <= batch["paper"].seed_time[tree]).all()


def test_types_without_times_are_always_there() -> None:
    typed = HeteroData()
    for kind in "abc":
        typed[kind].x = torch.arange(10)
    typed["b"].time, typed["c"].time = torch.arange(10), torch.arange(1, 11)
    for pair in (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")):
        typed[pair].edge_index = torch.arange(10).expand(2, -1)
    loader = NeighborLoader(
        typed, [-1], "a", time_attr="time", input_time=torch.arange(10), batch_size=10
    )
    batch = next(iter(loader))
    assert [batch[kind].num_nodes for kind in "abc"] == [10, 10, 0]


def test_times_in_pyg_s_stores(graph, in_stores) -> None:
    pair = in_stores(graph, by_time="time")
    for batch in NeighborLoader(pair, [3, 3], torch.arange(100), time_attr="time", batch_size=25):
        assert (batch.time <= graph.time[batch.n_id[:25]][batch.batch]).all()


@pytest.mark.parametrize("strategy", ["uniform", "last"])
def test_the_latest_neighbors_if_asked_for(graph, strategy) -> None:
    until = torch.full((100,), 6)
    loader = NeighborLoader(
        graph, [2], input_time=until, time_attr="edge_time", temporal_strategy=strategy, seed=0
    )
    differs = False
    for number, batch in enumerate(loader):
        row = graph.edge_time[graph.edge_index[1] == number]
        latest = row[row <= 6].sort().values[-2:].tolist()
        differs |= sorted(batch.edge_time.tolist()) != latest
    assert differs == (strategy == "uniform")


# Samplers, bad input ############################################################################


def test_a_sampler_made_before(graph, assert_same) -> None:
    sampler = NeighborSampler(graph, [3, 2], seed=8, disjoint=True)
    loader = NeighborLoader(graph, None, batch_size=30, neighbor_sampler=sampler)
    assert loader.node_sampler is sampler
    assert_same(loader, NeighborLoader(graph, [3, 2], batch_size=30, seed=8, disjoint=True))


def test_a_graph_without_edges() -> None:
    loader = NeighborLoader(Data(x=torch.arange(5.0)[:, None], num_nodes=5), [2, 2], batch_size=2)
    assert [batch.x.flatten().tolist() for batch in loader] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("seed", [-1, 100])
def test_seeds_out_of_range_are_refused(graph, seed, workers) -> None:
    message = exactly(f"input_nodes holds node {seed}: expected ids in [0, 100)")
    with pytest.raises(InputError, match=message):
        NeighborLoader(graph, [2], torch.tensor([0, seed]), batch_size=2, num_workers=workers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_time": torch.zeros(100)},
            "'input_time' is set while 'time_attr' is not set: expected time_attr beside it",
        ),
        ({"num_neighbors": [-3]}, "num_neighbors holds -3: expected integers >= 0, or -1 for all"),
        (
            {"weight_attr": "y"},
            "weight_attr is 'y': expected the name of an attribute of edges",
        ),
        (
            {"is_sorted": True},
            None,
        ),
        (
            {"feature_store": {"x": torch.zeros(99, 2)}},
            "feature_store holds 99 rows of 'x': expected 100, one for each node",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(graph, options, message) -> None:
    match = "^data: edge 1 has target" if message is None else exactly(message)
    graph.edge_index[1, :2] = torch.tensor([9, 3])
    with pytest.raises(InputError, match=match):
        NeighborLoader(graph, **{"num_neighbors": [2], **options})


def test_edges_without_a_time_of_the_seed_are_refused(graph, typed_graph) -> None:
    with pytest.raises(InputError, match="^seeds have no time; pass input_time"):
        NeighborLoader(graph, [2], time_attr="edge_time")
    with pytest.raises(InputError, match=r"^seeds have no time \(node type 'paper'\); pass"):
        NeighborLoader(typed_graph, [2], "paper", time_attr="edge_time")


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(InputTypeError, match="^data is a list"):
        NeighborLoader([1, 2, 3], [2])
