"""Files of graphs with several splits of their nodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.data import read_heterophily
from graphlearn.errors import DataNotFoundError, InputError, InputTypeError

ARRAYS = {
    # One link stored both ways, one repeated, one self-loop.
    "edges": [[0, 1], [1, 0], [2, 1], [2, 1], [3, 3]],
    "node_features": [[1.0, 0.0], [0.0, 2.0], [0.5, 0.0], [0.0, 0.0]],
    "node_labels": [0, 1, 1, 2],
    "train_masks": [[True, False, False, False], [False, True, True, False]],
    "val_masks": [[False, True, False, False], [True, False, False, False]],
    "test_masks": [[False, False, True, True], [False, False, False, True]],
}


def write(path, **changes):
    arrays = {k: v for k, v in (ARRAYS | changes).items() if v is not None}
    np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})
    return path


def test_a_graph_is_read_as_stored(tmp_path) -> None:
    data = read_heterophily(write(tmp_path / "g.npz"))
    assert data.edge_index.T.tolist() == ARRAYS["edges"]
    assert data.x.dtype == torch.float32
    assert data.x.tolist() == ARRAYS["node_features"]
    assert data.y.tolist() == ARRAYS["node_labels"]
    for name, stored in (("train", "train_masks"), ("val", "val_masks"), ("test", "test_masks")):
        assert data[f"{name}_mask"].T.tolist() == ARRAYS[stored]


def test_undirected_edges_go_both_ways_once(tmp_path) -> None:
    data = read_heterophily(write(tmp_path / "g.npz"), undirected=True)
    assert data.edge_index.T.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1], [3, 3]]
    assert data.is_undirected()
    assert data.num_nodes == 4
    with pytest.raises(InputTypeError, match="undirected is 'yes'"):
        read_heterophily(tmp_path / "g.npz", undirected="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"node_labels": None}, "cannot be read.*expected the arrays edges, node_features"),
        ({"val_masks": None}, "cannot be read.*val_masks"),
        ({"edges": [[0, 1, 2]]}, r"edges is int64 of shape \[1, 3\]: expected integers \[any, 2\]"),
        ({"edges": [[0.0, 1.0]]}, "edges is float64"),
        ({"edges": [[0, 4]]}, "names node 4"),
        ({"edges": [[0, -1]]}, "node id -1"),
        ({"edges": np.zeros((0, 2), dtype=int)}, "edge_index is empty"),
        ({"node_features": [[1.0]] * 3}, r"node_features is float64 of shape \[3, 1\]"),
        ({"node_features": [[np.nan, 0.0]] * 4}, "4 values that are NaN"),
        ({"node_labels": [0.0, 1.0, 1.0, 2.0]}, "node_labels is float64"),
        ({"train_masks": [[1, 0, 0, 0]] * 2}, r"train_masks is int64 of shape \[2, 4\]"),
        ({"val_masks": [[True, False, False, False]]}, r"val_masks is bool of shape \[1, 4\]: "
         r"expected bool \[2, 4\]"),
        ({"test_masks": [[True] * 5] * 2}, r"test_masks is bool of shape \[2, 5\]"),
        ({"train_masks": np.zeros((0, 4), dtype=bool)}, r"train_masks is bool of shape \[0, 4\]"),
        ({"train_masks": True}, r"train_masks is bool of shape \[\]"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, text) -> None:
    with pytest.raises(InputError, match=text):
        read_heterophily(write(tmp_path / "g.npz", **changes))


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_arrays_of_objects_are_refused_unread(tmp_path) -> None:
    objects = np.array([Touch(tmp_path / "ran")], dtype=object)
    path = write(tmp_path / "g.npz", node_labels=objects)
    with pytest.raises(InputError, match="cannot be read: Object arrays cannot be loaded"):
        read_heterophily(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path, part) -> None:
    path = write(tmp_path / "g.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match=r"g\.npz cannot be read"):
        read_heterophily(path)


def test_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_heterophily(tmp_path / "none.npz")
    (tmp_path / "g.npz").write_text("no archive")
    with pytest.raises(InputError, match="cannot be read"):
        read_heterophily(tmp_path / "g.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(InputError, match="it holds one array"):
        read_heterophily(tmp_path / "one.npy")
