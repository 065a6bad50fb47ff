"""Published protocols: NCN's counts, OGB's parts, and PyG's splits handed over."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import coalesce, remove_self_loops, to_undirected, train_test_split_edges

from graphlearn.data import (
    audit_split,
    load_dataset,
    ncn_planetoid_split,
    ogb_official_split,
    split_from_pyg,
)
from graphlearn.errors import InputError, InputTypeError, LeakError


def random_graph(num_nodes: int = 60, num_edges: int = 200) -> Data:
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.randint(num_nodes, (2, num_edges), generator=generator)
    return Data(edge_index=edge_index, num_nodes=num_nodes)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("cora", (3696, 527, 1055, 1055, 1055)), ("citeseer", (3187, 455, 910, 910, 910))],
)
def test_ncn_counts_on_real_data(data_root, name, sizes) -> None:
    split = ncn_planetoid_split(load_dataset(name, data_root).data, seed=0)
    pairs = (
        split.train_pairs,
        split.valid_pairs,
        split.valid_negatives,
        split.test_pairs,
        split.test_negatives,
    )
    assert tuple(part.size(1) for part in pairs) == sizes
    assert audit_split(split).findings == ()


def test_ncn_split_is_seeded_and_clean() -> None:
    split = ncn_planetoid_split(random_graph(), seed=3)
    assert split.digest() == ncn_planetoid_split(random_graph(), seed=3).digest()
    assert split.digest() != ncn_planetoid_split(random_graph(), seed=4).digest()
    assert (split.rule, split.seed, split.test_uses_valid_edges) == ("ncn-planetoid", 3, False)
    assert audit_split(split).findings == ()


@pytest.mark.filterwarnings("ignore:'train_test_split_edges' is deprecated")
def test_ncn_split_is_that_of_the_published_code() -> None:
    # The published code: PyG's function under torch.manual_seed, then half of validation moves.
    graph = random_graph()
    simple, _ = remove_self_loops(graph.edge_index)
    graph.edge_index = coalesce(to_undirected(simple), sort_by_row=False)
    ours = ncn_planetoid_split(graph, seed=5)
    with torch.random.fork_rng([]):
        torch.manual_seed(5)
        theirs = train_test_split_edges(graph.clone(), 0.2, 0.2)
        held_out = theirs.val_pos_edge_index
        held_out = held_out[:, torch.randperm(held_out.size(1))]
    num_valid = held_out.size(1) // 2
    assert pair_set(ours.valid_pairs) == pair_set(held_out[:, -num_valid:])
    assert pair_set(ours.test_pairs) == pair_set(theirs.test_pos_edge_index)
    assert pair_set(ours.valid_negatives) == pair_set(theirs.val_neg_edge_index)
    assert pair_set(ours.test_negatives) == pair_set(theirs.test_neg_edge_index)
    left = torch.cat([theirs.train_pos_edge_index, held_out[:, :-num_valid]], dim=1)
    assert pair_set(ours.train_pairs) == pair_set(left)


def pair_set(pairs: torch.Tensor) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in pairs.t().tolist()}


def test_ncn_split_needs_ten_links() -> None:
    path = Data(edge_index=torch.stack([torch.arange(9), torch.arange(1, 10)]), num_nodes=10)
    with pytest.raises(InputError, match="9 links: expected at least 10"):
        ncn_planetoid_split(path, seed=0)


def ogb_parts() -> dict[str, dict[str, torch.Tensor]]:
    return {
        "train": {"edge": torch.tensor([[0, 1, 1, 2], [1, 0, 2, 2]])},
        "valid": {"edge": torch.tensor([[3], [0]]), "edge_neg": torch.tensor([[0], [2]])},
        "test": {"edge": torch.tensor([[3], [2]]), "edge_neg": torch.tensor([[1], [3]])},
    }


def test_official_split_takes_training_links_once_and_the_rest_as_published() -> None:
    data = Data(edge_index=ogb_parts()["train"]["edge"], num_nodes=4, x=torch.ones(4, 1))
    split = ogb_official_split(data, ogb_parts(), test_uses_valid_edges=True)
    assert split.train_pairs.tolist() == [[0, 1], [1, 2]]
    assert split.data.edge_index.tolist() == [[0, 1, 1, 2], [1, 2, 0, 1]]
    assert split.test_pairs.tolist() == [[3], [2]]
    assert (split.rule, split.seed, split.test_uses_valid_edges) == ("ogb-official", None, True)
    assert audit_split(split).findings == ()


def test_citation_layout_is_refused_by_name() -> None:
    parts = ogb_parts()
    parts["valid"] = {"source_node": torch.tensor([0]), "target_node_neg": torch.tensor([[1]])}
    with pytest.raises(InputError, match=r"no valid/edge, only .*target_node_neg.*citation2"):
        ogb_official_split(Data(edge_index=parts["train"]["edge"], num_nodes=4), parts)


def test_a_missing_part_and_a_wild_id_are_refused() -> None:
    parts = ogb_parts()
    data = Data(edge_index=parts["train"]["edge"], num_nodes=4)
    with pytest.raises(InputError, match="no test/edge"):
        ogb_official_split(data, {"train": parts["train"], "valid": parts["valid"]})
    parts["test"]["edge_neg"] = torch.tensor([[1], [9]])
    with pytest.raises(InputError, match="test/edge_neg holds node id 9"):
        ogb_official_split(data, parts)


def pyg_split(data: Data, **options):
    torch.manual_seed(0)
    return RandomLinkSplit(num_val=0.1, num_test=0.2, split_labels=False, **options)(data)


def test_the_usual_random_link_split_leak_is_caught() -> None:
    # Both directions are stored, and is_undirected=True was forgotten: the reverse of a test link
    # stays in training.
    pairs = torch.triu_indices(40, 40, offset=1)[:, ::7]
    data = Data(edge_index=torch.cat([pairs, pairs.flip(0)], dim=1), num_nodes=40)
    with torch.random.fork_rng():
        leaking = split_from_pyg(*pyg_split(data))
    kinds = {leak.kind: leak.count for leak in audit_split(leaking).leaks}
    assert kinds["test links that are training links"] > 10
    assert kinds["test links that are message-passing edges"] > 10


def test_a_correct_random_link_split_passes_on_links() -> None:
    pairs = torch.triu_indices(40, 40, offset=1)[:, ::7]
    data = Data(edge_index=torch.cat([pairs, pairs.flip(0)], dim=1), num_nodes=40)
    with torch.random.fork_rng():
        split = split_from_pyg(*pyg_split(data, is_undirected=True))
    assert split.rule == "RandomLinkSplit"
    # Its negatives may still meet (they are drawn part by part), its links may not.
    assert not [leak for leak in audit_split(split).leaks if "negatives" not in leak.kind]


def test_pyg_graphs_without_labels_are_refused() -> None:
    data = random_graph()
    with pytest.raises(InputError, match="no edge_label_index and edge_label"):
        split_from_pyg(data, data, data)
    with pytest.raises(InputTypeError, match="train is a NoneType"):
        split_from_pyg(None, data, data)  # type: ignore[arg-type]
    labelled = data.clone()
    labelled.edge_label_index, labelled.edge_label = torch.zeros(2, 3).long(), torch.ones(2)
    with pytest.raises(InputError, match=r"edge_label of shape \[2\]"):
        split_from_pyg(labelled, labelled, labelled)


def test_arcs_in_two_parts_are_refused_and_reverses_are_not() -> None:
    own = torch.tensor([[[2, 2]], [[0, 3]]])
    parts = {
        "train": {"edge": torch.tensor([[0, 1, 3], [1, 2, 0]])},
        "valid": {"edge": torch.tensor([[2], [1]]), "edge_neg": own},
        "test": {"edge": torch.tensor([[2], [3]]), "edge_neg": own},
    }
    data = Data(edge_index=parts["train"]["edge"], num_nodes=4)
    split = ogb_official_split(data, parts)
    assert split.test_negatives.shape == (2, 1, 2)
    parts["test"] = {"edge": torch.tensor([[1], [2]]), "edge_neg": own}
    with pytest.raises(LeakError, match=r"test and train share 1 links, the first \(1, 2\)"):
        ogb_official_split(data, parts)
    parts["test"] = {"edge": torch.tensor([[2], [3]]), "edge_neg": own + 3}
    with pytest.raises(InputError, match="test/edge_neg holds node id"):
        ogb_official_split(data, parts)
