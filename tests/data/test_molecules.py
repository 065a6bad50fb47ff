from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data import load_graph_split, read_molecules
from graphlearn.errors import DataNotFoundError, InputError

ARRAYS = {
    "num_nodes": [2, 3, 1, 2],
    "num_bonds": [1, 2, 0, 1],
    "atom": [5, 6, 0, 1, 2, 9, 3, 3],
    "bond": [[0, 1, 2], [0, 1, 1], [1, 2, 3], [1, 0, 1]],
    "y": [0.5, 1.5, 2.5, 3.5],
    "split": [0, 1, 2, 0],
}


def write(path: Path, **changes: object) -> Path:
    np.savez(path, **{name: np.asarray(value) for name, value in (ARRAYS | changes).items()})
    return path


def test_every_molecule_goes_to_its_part_with_both_directions(tmp_path) -> None:
    split = read_molecules(write(tmp_path / "m.npz"))
    first = split.train.batch(torch.tensor([0]))
    assert (first.x.flatten().tolist(), first.y.tolist()) == ([5, 6], [[0.5]])
    assert first.edge_index.tolist() == [[0, 1], [1, 0]]
    assert first.edge_attr.tolist() == [[2], [2]]
    other = split.valid.batch(torch.tensor([0]))
    found = {
        (*edge, kind)
        for *edge, kind in zip(
            *other.edge_index.tolist(), other.edge_attr[:, 0].tolist(), strict=True
        )
    }
    assert found == {(0, 1, 1), (1, 0, 1), (1, 2, 3), (2, 1, 3)}
    assert split.test.batch(torch.tensor([0])).edge_index.shape == (2, 0)
    assert len(split.train) == 2


def test_some_training_molecules_are_drawn_once(tmp_path) -> None:
    path = write(tmp_path / "m.npz")
    one = read_molecules(path, train=1)
    assert len(one.train) == 1
    assert one.digest() == read_molecules(path, train=1).digest()
    with pytest.raises(InputError, match="train is 3: expected at most 2"):
        read_molecules(path, train=3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"atom": [1, 2]}, "atom has 2 rows: expected 8"),
        ({"y": [1.0]}, "y has 1 rows: expected 4"),
        ({"bond": [[0, 7, 2], [0, 1, 1], [1, 2, 3], [1, 0, 1]]}, "leaves graph 0"),
        ({"split": [0, 1, 1, 0]}, "test is empty"),
        ({"atom": np.array([None] * 8)}, "cannot be read"),
        ({"y": [0.5, np.nan, 1.0, 2.0]}, "y has NaN"),
        ({"atom": [0.5] * 8}, "atom is float64 of shape [8]: expected integers [N]"),
        ({"atom": [-1] * 8}, "atom is negative"),
        ({"bond": [[0, 1]] * 4}, "bond is int64 of shape [4, 2]: expected integers [B, 3]"),
        ({"split": [0, 1, 2, 3]}, "other codes than 0, 1, 2"),
        ({"y": ["a", "b", "c", "d"]}, "y is <U1 of shape [4]: expected numbers [M]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, said) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        read_molecules(write(tmp_path / "m.npz", **changes))


def test_missing_and_foreign_files_are_refused(tmp_path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_molecules(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="cannot be read"):
        read_molecules(tmp_path / "text.npz")
    np.savez(tmp_path / "few.npz", y=[1.0])
    with pytest.raises(InputError, match="expected the arrays num_nodes"):
        read_molecules(tmp_path / "few.npz")


def test_the_real_molecules(data_root) -> None:
    if not (data_root / "zinc12k").is_dir():
        pytest.skip("zinc12k is not in the folder of real data")
    split = load_graph_split("zinc-12k-like", data_root)
    assert [len(part) for part in split.parts().values()] == [10_000, 1_000, 1_000]
    assert split.train.x.max() < 28
    # The published test targets have this mean and spread.
    assert split.test.y.mean().item() == pytest.approx(0.0, abs=0.1)
    assert split.test.y.std().item() == pytest.approx(2.0, abs=0.2)
