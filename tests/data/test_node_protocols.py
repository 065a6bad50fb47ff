"""Nodes divided at random, and by the masks of a graph."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlearn.data import class_labels, node_split_from_pyg, random_node_split
from graphlearn.errors import InputError, InputTypeError, LeakError


def ring(nodes: int, **more) -> Data:
    edges = torch.stack([torch.arange(nodes), torch.arange(1, nodes + 1) % nodes])
    fields = {"x": torch.ones(nodes, 2), "edge_index": edges, "y": torch.arange(nodes) % 3}
    return Data(**{k: v for k, v in (fields | more).items() if v is not None})


@given(
    nodes=st.integers(10, 60),
    train=st.floats(0.1, 0.45),
    valid=st.floats(0.1, 0.45),
    seed=st.integers(0, 2**63 - 1),
    unlabelled=st.integers(0, 5),
)
def test_random_parts_hold_each_labelled_node_once(nodes, train, valid, seed, unlabelled) -> None:
    y = torch.arange(nodes + unlabelled) % 3
    y[:unlabelled] = -1
    data = ring(nodes + unlabelled, y=y)
    split = random_node_split(data, train_ratio=train, valid_ratio=valid, seed=seed)
    held = torch.stack(list(split.parts().values()))
    assert torch.equal(held.sum(dim=0), (y >= 0).long())
    assert held.sum(dim=1)[:2].tolist() == [int(train * nodes), int(valid * nodes)]
    again = random_node_split(data, train_ratio=train, valid_ratio=valid, seed=seed)
    assert again.digest() == split.digest()


def test_random_parts_follow_the_seed_and_touch_no_global_state() -> None:
    state = torch.get_rng_state()
    make = {"train_ratio": 0.1, "valid_ratio": 0.1}
    splits = [random_node_split(ring(2000), **make, seed=seed) for seed in range(3)]
    assert torch.equal(torch.get_rng_state(), state)
    assert len({split.digest() for split in splits}) == 3
    assert [split.seed for split in splits] == [0, 1, 2]
    # Uniform: no end of the numbering is preferred.
    mean = torch.stack([split.train_mask.nonzero().double().mean() for split in splits]).mean()
    assert 900 < float(mean) < 1100


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"train_ratio": 0.0}, InputError, "train_ratio is 0.0: expected a number between 0 and 1"),
        ({"valid_ratio": float("nan")}, InputError, "valid_ratio is nan"),
        ({"valid_ratio": "much"}, InputTypeError, "valid_ratio is 'much'"),
        ({"train_ratio": True}, InputTypeError, "train_ratio is True"),
        ({"train_ratio": 0.9}, InputError, r"train_ratio \+ valid_ratio is 1: .*left to test on"),
        ({"train_ratio": 0.01}, InputError, "30 labelled nodes .* make 0 training and 3 valid"),
        ({"seed": -1}, InputError, "seed is -1"),
        ({"seed": 2**63}, InputError, "seed is 9223372036854775808"),
        ({"seed": 0.5}, InputTypeError, "seed is 0.5"),
    ],
)
def test_ratios_and_seeds_out_of_range_are_refused(changes, error, text) -> None:
    with pytest.raises(error, match=text):
        random_node_split(
            ring(30), **({"train_ratio": 0.5, "valid_ratio": 0.1, "seed": 0} | changes)
        )


def columns(rows: list[list[int]]) -> torch.Tensor:
    return torch.tensor(rows).bool()


TWO_SPLITS = {
    "train_mask": columns([[1, 0], [0, 0], [0, 1]]),
    "val_mask": columns([[0, 1], [1, 0], [0, 0]]),
    "test_mask": columns([[0, 0], [0, 1], [1, 0]]),
}


def test_a_seed_names_one_of_several_splits() -> None:
    data = ring(3, **TWO_SPLITS)
    splits = [node_split_from_pyg(data, seed=seed) for seed in range(4)]
    assert [split.rule for split in splits] == ["given-0", "given-1", "given-0", "given-1"]
    assert [split.seed for split in splits] == [0, 1, 2, 3]
    assert [split.train_mask.nonzero().item() for split in splits] == [0, 2, 0, 2]
    assert [split.valid_mask.nonzero().item() for split in splits] == [1, 0, 1, 0]
    assert sorted(splits[0].data.to_dict()) == ["edge_index", "num_nodes", "x", "y"]


def test_one_split_is_the_same_for_every_seed() -> None:
    data = ring(3, **{name: mask[:, 0] for name, mask in TWO_SPLITS.items()})
    first, second = (node_split_from_pyg(data, seed=seed, rule="public") for seed in (0, 7))
    assert (first.rule, first.seed) == (second.rule, second.seed) == ("public", None)
    assert first.digest() == second.digest()
    assert first.digest() == node_split_from_pyg(ring(3, **TWO_SPLITS), seed=0).digest()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"val_mask": None}, InputError, "val_mask is missing.*use random_node_split"),
        ({"val_mask": torch.ones(3, 2)}, InputTypeError, r"val_mask is torch\.float32"),
        ({"val_mask": "all"}, InputTypeError, "val_mask is"),
        ({"val_mask": torch.ones(3).bool()}, InputError, r"shapes \[3, 2\], \[3\], \[3, 2\]"),
        ({"val_mask": torch.ones(4, 2).bool()}, InputError, r"shapes \[3, 2\], \[4, 2\]"),
        ({"val_mask": torch.zeros(3, 2).bool()}, InputError, "valid_mask is empty"),
        ({"val_mask": TWO_SPLITS["test_mask"]}, LeakError, "valid_mask and test_mask share"),
        ({"y": None}, InputError, "data has no classes y"),
        ({"x": None}, InputError, "data has no features x"),
    ],
)
def test_masks_that_do_not_fit_are_refused(changes, error, text) -> None:
    with pytest.raises(error, match=text):
        node_split_from_pyg(ring(3, **(TWO_SPLITS | changes)))


@pytest.mark.parametrize("shape", [(), (3, 0), (3, 1, 1), (4,), (4, 2), (0,)])
def test_masks_of_another_shape_are_refused(shape) -> None:
    masks = {name: torch.ones(shape, dtype=torch.bool) for name in TWO_SPLITS}
    with pytest.raises(InputError, match="mask.*shape"):
        node_split_from_pyg(ring(3, **masks))


def test_class_labels_of_any_form_become_numbers() -> None:
    expected = torch.tensor([2, -1, 0])
    for y in (
        torch.tensor([2, -1, 0]),
        torch.tensor([2, -100, 0], dtype=torch.int16),
        torch.tensor([[2.0], [torch.nan], [0.0]]),
        torch.tensor([2.0, torch.nan, 0.0], dtype=torch.float16),
    ):
        assert class_labels(y).dtype == torch.int64
        assert torch.equal(class_labels(y), expected)
    assert class_labels(torch.tensor([True, False])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("y", "error", "text"),
    [
        (torch.tensor([0.0, 1.5]), InputError, "y of node 1 is 1.5: expected whole numbers"),
        (torch.tensor([torch.inf, 0.0]), InputError, "y of node 0 is inf"),
        (torch.tensor([1e30, 0.0]), InputError, r"y of node 0 is 1e\+30"),
        (torch.eye(3), InputError, r"y has shape \[3, 3\].*argmax"),
        (torch.tensor(1), InputError, r"y has shape \[\]"),
        (torch.zeros(2, dtype=torch.complex64), InputTypeError, "dtype torch.complex64"),
        ([0, 1], InputTypeError, "y has type list"),
        (None, InputError, "data has no classes y"),
    ],
)
def test_what_is_no_class_is_refused(y, error, text) -> None:
    with pytest.raises(error, match=text):
        class_labels(y)
