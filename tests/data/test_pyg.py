"""A PyG ``Data`` is checked where PyG's own validation is silent."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data, HeteroData

from graphlearn.data import from_pyg
from graphlearn.data.pyg import count_nodes
from graphlearn.errors import InputError, InputTypeError

PATH = torch.tensor([[0, 1], [1, 2]])


def test_what_is_good_comes_back_unharmed() -> None:
    given = Data(edge_index=PATH.int(), x=torch.ones(4, 2), y=torch.zeros(4))
    checked = from_pyg(given)
    assert checked.edge_index.dtype == torch.int64
    assert checked.num_nodes == 4
    assert checked.x is given.x
    assert given.edge_index.dtype == torch.int32  # The caller's object is not touched.
    assert "num_nodes" not in given


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        ({"edge_index": PATH + 5, "num_nodes": 3}, InputError, "holds node id 7"),
        ({"edge_index": PATH - 1, "num_nodes": 3}, InputError, "holds node id -1"),
        ({"edge_index": PATH - 1}, InputError, "holds node id -1"),
        ({"edge_index": PATH.float()}, InputTypeError, "dtype torch.float32"),
        ({"edge_index": PATH.bool(), "num_nodes": 3}, InputTypeError, "dtype torch.bool"),
        ({"edge_index": [[0], [1]]}, InputTypeError, "is a list"),
        ({"edge_index": PATH.new_empty(2, 0)}, InputError, "edge_index is empty"),
        ({"edge_index": PATH.new_empty(2, 0), "num_nodes": 3}, InputError, "edge_index is empty"),
        ({"edge_index": torch.zeros(3, 2).long()}, InputError, r"shape \[3, 2\]"),
        ({"num_nodes": 3}, InputError, "no edge_index"),
        ({"edge_index": PATH, "num_nodes": -3}, InputError, "num_nodes is -3"),
        ({"edge_index": PATH, "num_nodes": 2.5}, InputTypeError, "num_nodes is 2.5"),
        ({"edge_index": PATH, "x": torch.full((3, 1), float("nan"))}, InputError, "NaN"),
        ({"edge_index": PATH, "x": torch.ones(5, 1), "num_nodes": 3}, InputError, "has 5 rows"),
        (
            {"edge_index": PATH, "x": torch.ones(2, 1)},
            InputError,
            "x has 2 rows: expected one for each node",
        ),
        ({"edge_index": PATH, "x": torch.ones(3)}, InputError, r"x has shape \[3\]"),
        (
            {"edge_index": PATH, "x": torch.ones(3, 0)},
            InputError,
            "x has no columns: .*leave x out",
        ),
        ({"edge_index": PATH, "x": torch.ones(3, 1).long()}, InputTypeError, "torch.int64"),
        ({"edge_index": PATH, "edge_attr": torch.ones(3, 1)}, InputError, "edge_attr has 3 rows"),
        ({"edge_index": PATH, "edge_year": torch.ones(1)}, InputError, "edge_year has 1 rows"),
    ],
)
def test_bad_input_is_named(content, error, text) -> None:
    with pytest.raises(error, match=text):
        from_pyg(Data(**content))


@pytest.mark.parametrize("given", [None, PATH, HeteroData()])
def test_other_types_are_refused(given) -> None:
    with pytest.raises(InputTypeError, match=r"expected a torch_geometric\.data\.Data"):
        from_pyg(given)


def test_labels_of_a_link_split_are_not_taken_for_edge_attributes() -> None:
    label_index = torch.tensor([[0], [2]])
    given = Data(edge_index=PATH, edge_label_index=label_index, edge_label=torch.ones(1))
    assert from_pyg(given).num_nodes == 3


def test_count_nodes_prefers_what_is_stated() -> None:
    assert count_nodes(Data(edge_index=PATH, x=torch.ones(5, 1), num_nodes=7)) == 7
    assert count_nodes(Data(edge_index=PATH, x=torch.ones(5, 1))) == 5
    assert count_nodes(Data(edge_index=PATH)) == 3


def test_features_of_too_few_nodes_are_what_is_wrong() -> None:
    data = Data(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1], [1, 5]]))
    with pytest.raises(InputError, match="^x has 3 rows: expected one for each node: .* node 5$"):
        from_pyg(data)


def test_an_attribute_of_no_edge_is_refused() -> None:
    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), edge_weight=torch.tensor(1.0))
    with pytest.raises(InputError, match="^edge_weight has no rows: expected 2"):
        from_pyg(data)
