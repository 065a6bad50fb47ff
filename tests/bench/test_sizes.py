from __future__ import annotations

import json

import torch
from torch_geometric.data import Data

from graphlearn.bench.build import build
from graphlearn.bench.recipe_yaml import model_from_mapping
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import SplitSource
from graphlearn.data import GraphCollection, GraphSplit, NodeSplit


def test_links_give_features_and_nodes() -> None:
    split = SplitSource("digits-knn").link_split(0)
    assert model_sizes(split) == {
        "in_channels": 64,
        "num_nodes": 1797,
        "num_entries": 2 * split.train_pairs.size(1),
    }


def test_graphs_give_categories_targets_and_histograms() -> None:
    def part(kinds: list[int], bonds: list[int]) -> GraphCollection:
        return GraphCollection(
            torch.tensor([0, 2, 3]),
            torch.tensor(kinds)[:, None],
            y=torch.zeros(2),
            edge_ptr=torch.tensor([0, 2, 2]),
            edge_index=torch.tensor([[0, 1], [1, 1]]),
            edge_attr=torch.tensor(bonds)[:, None],
            node_y=torch.zeros(3, 2),
        )

    # The largest category may occur outside the training part.
    split = GraphSplit(
        part([0, 1, 2], [0, 1]), part([0, 9, 2], [0, 0]), part([0, 0, 0], [4, 0]), "mae"
    )
    sizes = model_sizes(split)
    assert sizes == {
        "in_channels": None,
        "num_categories": 10,
        "num_edge_categories": 5,
        "edge_channels": None,
        "out_channels": 1,
        "node_out_channels": 2,
        "degree_histogram": [2, 0, 1],
        "size_histogram": [0, 1, 1],
    }
    assert json.loads(json.dumps(sizes)) == sizes


def test_classes_are_outputs() -> None:
    def part(labels: list[int]) -> GraphCollection:
        return GraphCollection(torch.tensor([0, 1, 2]), torch.zeros(2, 1), y=torch.tensor(labels))

    split = GraphSplit(part([0, 1]), part([0, 0]), part([0, 4]), "classes")
    assert model_sizes(split)["out_channels"] == 5
    assert model_sizes(split)["node_out_channels"] is None


def test_categories_of_several_columns_are_counted_each_and_reach_the_network() -> None:
    part = GraphCollection(
        torch.tensor([0, 2, 3]),
        torch.tensor([[0, 6], [2, 0], [1, 1]]),
        y=torch.zeros(2, 1),
        edge_ptr=torch.tensor([0, 2, 2]),
        edge_index=torch.tensor([[0, 1], [1, 0]]),
        edge_attr=torch.tensor([[0, 1, 2], [3, 0, 0]]),
    )
    sizes = model_sizes(GraphSplit(part, part, part, "mae"))
    assert sizes["num_categories"] == [3, 7]
    assert sizes["num_edge_categories"] == [4, 2, 3]
    sizes = json.loads(json.dumps(sizes))  # as a saved model has them
    recipe = model_from_mapping({"network": {"name": "graph-network", "hidden_channels": 4}})
    assert build(recipe, sizes, seed=0)(part.batch(torch.tensor([0, 1]))).shape == (2, 1)


def test_nodes_give_features_and_classes() -> None:
    data = Data(x=torch.eye(4), edge_index=torch.tensor([[0], [1]]), y=torch.tensor([0, 6, 1, 9]))
    masks = (torch.arange(4) == node for node in range(3))
    assert model_sizes(NodeSplit(data, *masks)) == {"in_channels": 4, "out_channels": 7}
