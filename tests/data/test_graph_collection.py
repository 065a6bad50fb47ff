from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graphlearn.data import GraphCollection
from graphlearn.errors import InputError, InputTypeError


def graphs(sizes: list[int], seed: int = 0) -> list[Data]:
    generator = torch.Generator().manual_seed(seed)
    made = []
    for n in sizes:
        edges = torch.randint(n, (2, 2 * n - 1), generator=generator)
        made.append(
            Data(
                x=torch.randn(n, 3, generator=generator),
                edge_index=edges,
                edge_attr=torch.randn(edges.size(1), 2, generator=generator),
                y=torch.randn(1, 2, generator=generator),
            )
        )
    return made


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    picks=st.lists(st.integers(0, 100), max_size=8),
)
def test_a_batch_is_what_pyg_makes(sizes, picks) -> None:
    items = graphs(sizes)
    ids = torch.tensor([pick % len(items) for pick in picks], dtype=torch.int64)
    found = GraphCollection.from_data_list(items).batch(ids)
    if not picks:
        assert (found.num_graphs, found.x.size(0)) == (0, 0)
        return
    wanted = Batch.from_data_list([items[i] for i in ids])
    for name in ("x", "edge_index", "edge_attr", "y", "batch", "ptr"):
        assert torch.equal(found[name], wanted[name]), name
    assert found.num_graphs == wanted.num_graphs


def test_batches_cover_everything_in_the_order_given() -> None:
    sets = GraphCollection(torch.tensor([0, 1, 3, 3, 6]), torch.arange(6.0)[:, None])
    sizes = [data.num_graphs for data in sets.batches(3)]
    assert sizes == [3, 1]
    order = torch.tensor([3, 0, 2, 1])
    rows = torch.cat([data.x for data in sets.batches(2, order)]).flatten().tolist()
    assert rows == [3.0, 4.0, 5.0, 0.0, 1.0, 2.0]


def test_targets_of_nodes_are_told_from_those_of_graphs() -> None:
    items = graphs([3, 1, 4])
    by_graph = GraphCollection.from_data_list(items)
    assert by_graph.y.shape == (3, 2)
    assert by_graph.node_y is None
    for item in items:
        item.y = torch.arange(item.x.size(0)).float()
    by_node = GraphCollection.from_data_list(items)
    assert by_node.y is None
    assert by_node.batch(torch.tensor([2, 1])).node_y.tolist() == [0.0, 1.0, 2.0, 3.0, 0.0]
    for number, item in enumerate(items):
        item.y = torch.tensor(float(number))
    assert GraphCollection.from_data_list(items).y.tolist() == [0.0, 1.0, 2.0]


def test_degree_histograms_count_nodes_or_sets() -> None:
    items = graphs([3, 5])
    joined = Batch.from_data_list(items)
    degree = torch.bincount(joined.edge_index[1], minlength=8)
    found = GraphCollection.from_data_list(items).degree_histogram()
    assert torch.equal(found, torch.bincount(degree))
    sets = GraphCollection(torch.tensor([0, 1, 3, 3, 5]), torch.zeros(5, 1))
    assert sets.degree_histogram().tolist() == [1, 1, 2]


def test_digests_tell_collections_apart() -> None:
    one, same, other = graphs([3, 2]), graphs([3, 2]), graphs([3, 2], seed=1)
    digests = [GraphCollection.from_data_list(items).digest() for items in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_moving_casts_floating_point_alone() -> None:
    moved = GraphCollection.from_data_list(graphs([3])).to("cpu", torch.float64)
    assert (moved.x.dtype, moved.edge_index.dtype) == (torch.float64, torch.int64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"node_ptr": torch.tensor([0, 2, 1, 4])}, "node_ptr starts at 0 or falls"),
        ({"x": torch.zeros(3, 1)}, "x has shape [3, 1]: expected 4 rows"),
        ({"y": torch.zeros(4)}, "y has shape [4]: expected 3 rows"),
        ({"edge_ptr": None}, "edge_ptr and edge_index are not both there"),
        ({"edge_index": torch.zeros(2, 3)}, "edge_index is torch.float32"),
        (
            {"edge_index": torch.tensor([[0, 0], [1, 1]])},
            "edge (0, 1) leaves graph 1: expected nodes in [0, 1)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, said) -> None:
    given = {
        "node_ptr": torch.tensor([0, 2, 3, 4]),
        "x": torch.zeros(4, 1),
        "edge_ptr": torch.tensor([0, 1, 2, 2]),
        "edge_index": torch.tensor([[0, 0], [1, 0]]),
    }
    with pytest.raises(InputError, match=re.escape(said)):
        GraphCollection(**(given | change))


def test_ids_and_lists_that_do_not_fit_are_refused() -> None:
    sets = GraphCollection(torch.tensor([0, 1]), torch.zeros(1, 1))
    with pytest.raises(InputError, match=r"ids run from 0 to 1: expected graphs in \[0, 1\)"):
        sets.batch(torch.tensor([0, 1]))
    with pytest.raises(InputError, match="there are no graphs"):
        GraphCollection.from_data_list([])
    first, second = graphs([2, 2])
    del second.edge_attr
    with pytest.raises(InputError, match="graph 1 has no edge_attr"):
        GraphCollection.from_data_list([first, second])
    with pytest.raises(InputTypeError, match=r"node_ptr is torch\.float32"):
        GraphCollection(torch.tensor([0.0, 1.0]), torch.zeros(1, 1))


def test_selecting_makes_a_collection_of_its_own() -> None:
    items = graphs([3, 1, 4, 2])
    every = GraphCollection.from_data_list(items)
    ids = torch.tensor([2, 0, 3])
    chosen = every.select(ids)
    expected = GraphCollection.from_data_list([items[i] for i in ids])
    assert chosen.digest() == expected.digest()
    assert every.select(torch.arange(4)).digest() == every.digest()


def test_no_attribute_is_dropped_or_misplaced_in_silence() -> None:
    first, second = graphs([3, 2])
    bare = Data(x=torch.randn(2, 3))
    with pytest.raises(InputError, match="graph 1 has an? (y|edge_index)"):
        GraphCollection.from_data_list([bare, second])
    first.edge_attr, second.edge_attr = torch.randn(4, 2), torch.randn(4, 2)
    with pytest.raises(InputError, match=r"graph 0 has edge_attr of shape \[4, 2\]"):
        GraphCollection.from_data_list([first, second])
    with pytest.raises(InputTypeError, match="graph 1 is a Tensor"):
        GraphCollection.from_data_list([bare, torch.zeros(2)])
    with pytest.raises(InputError, match=r"graph 1 has x of shape \[2, 4\]: expected \[nodes, 3\]"):
        GraphCollection.from_data_list([bare, Data(x=torch.randn(2, 4))])
    ragged = [Data(x=torch.randn(1, 1), y=torch.zeros(n)) for n in (2, 3)]
    with pytest.raises(InputError, match="y has shapes"):
        GraphCollection.from_data_list(ragged, node_targets=False)


def test_whether_targets_are_of_nodes_may_be_said() -> None:
    items = [Data(x=torch.randn(2, 1), y=torch.tensor([1.0, 2.0])) for _ in range(3)]
    assert GraphCollection.from_data_list(items).node_y is not None
    told = GraphCollection.from_data_list(items, node_targets=False)
    assert told.y.shape == (3, 2)


@pytest.mark.parametrize("ids", [[0], torch.tensor([True]), torch.tensor([0.0]), 0])
def test_ids_that_are_no_integers_are_refused(ids) -> None:
    sets = GraphCollection(torch.tensor([0, 1]), torch.zeros(1, 1))
    with pytest.raises(InputTypeError, match="ids is"):
        sets.batch(ids)


def test_tensors_are_tensors_and_edge_features_have_edges() -> None:
    ptr, x = torch.tensor([0, 1]), torch.zeros(1, 1)
    with pytest.raises(InputTypeError, match="x is a list"):
        GraphCollection(ptr, [[1.0]])
    with pytest.raises(InputTypeError, match=r"node_ptr is torch\.uint8"):
        GraphCollection(ptr.to(torch.uint8), x)
    with pytest.raises(InputError, match="edge_attr is there without edges"):
        GraphCollection(ptr, x, edge_attr=torch.zeros(2, 1))
