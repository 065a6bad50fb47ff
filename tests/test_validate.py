from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import (
    check_device,
    check_features,
    check_flag,
    check_flags,
    check_node_pairs,
    check_num_nodes,
    check_number,
    check_size,
)


class TestNumNodes:
    @pytest.mark.parametrize("value", [0, 7, np.int64(7), torch.tensor(7)])
    def test_accepts_whole_numbers(self, value: object) -> None:
        count = check_num_nodes(value)
        assert type(count) is int
        assert count == int(value)

    @pytest.mark.parametrize("value", [True, 3.0, "3", None])
    def test_refuses_other_types(self, value: object) -> None:
        with pytest.raises(InputTypeError, match="nodes is .*expected an integer >= 0"):
            check_num_nodes(value, name="nodes")

    def test_refuses_negative_numbers(self) -> None:
        with pytest.raises(InputError, match="num_nodes is -1"):
            check_num_nodes(-1)


class TestNodePairs:
    @pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64, torch.uint8])
    def test_returns_what_it_is_given(self, dtype: torch.dtype) -> None:
        pairs = torch.tensor([[0, 1], [1, 2]], dtype=dtype)
        assert check_node_pairs(pairs, 3) is pairs

    def test_empty(self) -> None:
        empty = torch.empty(2, 0, dtype=torch.long)
        assert check_node_pairs(empty, 0) is empty
        with pytest.raises(InputError, match="pairs is empty: expected at least one column"):
            check_node_pairs(empty, 3, name="pairs", allow_empty=False)

    @pytest.mark.parametrize("pairs", [[[0], [1]], np.zeros((2, 1), dtype=np.int64), None])
    def test_refuses_what_is_not_a_tensor(self, pairs: object) -> None:
        with pytest.raises(InputTypeError, match=r"pass torch.as_tensor\(edge_index\)"):
            check_node_pairs(pairs, 2)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
    def test_refuses_other_dtypes(self, dtype: torch.dtype) -> None:
        with pytest.raises(InputTypeError, match=f"has dtype {dtype}"):
            check_node_pairs(torch.zeros(2, 1, dtype=dtype), 2)

    @pytest.mark.parametrize("shape", [(2,), (3, 2), (1, 2), (2, 1, 1), (0, 2)])
    def test_refuses_other_shapes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match=r"expected shape \[2, E\]"):
            check_node_pairs(torch.zeros(shape, dtype=torch.long), 2)

    def test_transposed_pairs_get_the_mend(self) -> None:
        with pytest.raises(InputError, match=r"pass edge_index.t\(\)"):
            check_node_pairs(torch.zeros(5, 2, dtype=torch.long), 2)

    def test_negative_id(self) -> None:
        with pytest.raises(InputError, match=r"node id -1 in column 1: expected ids in \[0, 3\)$"):
            check_node_pairs(torch.tensor([[0, 2], [1, -1]]), 3)

    def test_id_past_the_end(self) -> None:
        with pytest.raises(InputError, match=r"node id 5 in column 1: .* pass num_nodes=6 or more"):
            check_node_pairs(torch.tensor([[0, 5], [1, 1]]), 3)

    @given(
        st.lists(st.tuples(st.integers(-3, 9), st.integers(-3, 9)), min_size=1, max_size=8),
        st.integers(0, 8),
    )
    def test_accepts_exactly_the_ids_in_range(
        self, pairs: list[tuple[int, int]], num_nodes: int
    ) -> None:
        tensor = torch.tensor(pairs).t()
        if all(0 <= node < num_nodes for pair in pairs for node in pair):
            assert check_node_pairs(tensor, num_nodes) is tensor
        else:
            with pytest.raises(InputError, match="holds node id"):
                check_node_pairs(tensor, num_nodes)


class TestFeatures:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
    def test_returns_what_it_is_given(self, dtype: torch.dtype) -> None:
        x = torch.ones(3, 2, dtype=dtype)
        assert check_features(x, 3, channels=2) is x

    @pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
    def test_accepts_empty(self, shape: tuple[int, int]) -> None:
        x = torch.empty(shape)
        assert check_features(x, shape[0]) is x

    @pytest.mark.parametrize("x", [[[1.0]], np.ones((2, 2)), None])
    def test_refuses_what_is_not_a_tensor(self, x: object) -> None:
        with pytest.raises(InputTypeError, match="x has type"):
            check_features(x)

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
    def test_refuses_other_dtypes(self, dtype: torch.dtype) -> None:
        with pytest.raises(InputTypeError, match=f"x has dtype {dtype}"):
            check_features(torch.ones(2, 2, dtype=dtype))

    @pytest.mark.parametrize("shape", [(3,), (3, 1, 1), ()])
    def test_refuses_other_shapes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match=r"expected shape \[N, C\]"):
            check_features(torch.ones(shape))

    def test_wrong_number_of_rows_or_channels(self) -> None:
        with pytest.raises(InputError, match="x has 3 rows: expected 4, one for each node"):
            check_features(torch.ones(3, 2), 4)
        with pytest.raises(InputError, match="x has 2 channels: expected 5"):
            check_features(torch.ones(3, 2), channels=5)

    @pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
    def test_says_where_the_first_wrong_value_stands(self, wrong: float) -> None:
        x = torch.zeros(4, 3)
        x[2, 1] = x[3, 0] = wrong
        with pytest.raises(InputError, match="x holds 2 values .* first at node 2, channel 1"):
            check_features(x)

    def test_opposite_infinities_do_not_cancel(self) -> None:
        with pytest.raises(InputError, match="x holds 2 values"):
            check_features(torch.tensor([[float("inf"), -float("inf")]]))

    def test_a_sum_that_overflows_is_no_fault(self) -> None:
        x = torch.full((2, 2), 3e38)
        assert check_features(x) is x

    @pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
    def test_sparse(self, layout: torch.layout) -> None:
        x = torch.eye(3).to_sparse(layout=layout)
        assert check_features(x, 3, channels=3) is x
        bad = torch.diag(torch.tensor([1.0, float("nan"), 1.0])).to_sparse(layout=layout)
        with pytest.raises(InputError, match="x holds 1 values"):
            check_features(bad)

    def test_leaves_gradients_alone(self) -> None:
        x = torch.ones(2, 2, requires_grad=True)
        assert check_features(x) is x


@pytest.mark.parametrize("value", ["a", None, True, [0.1], torch.tensor(0.1)])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputTypeError, match=r"^scale is .*: expected a number$"):
        check_number(value, name="scale")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(InputError, match=f"^scale is {value}: expected a finite number$"):
        check_number(value, name="scale")


@pytest.mark.parametrize("value", [1.5, "3", None, True])
def test_a_size_is_an_integer(value: object) -> None:
    with pytest.raises(InputTypeError, match="^channels is .*: expected an integer >= 1$"):
        check_size(value, name="channels")


def test_a_switch_is_true_or_false() -> None:
    assert check_flag(False, name="residual") is False
    for wrong in (1, "no", None):
        with pytest.raises(InputTypeError, match="^residual is .*: expected True or False$"):
            check_flag(wrong, name="residual")


def test_several_switches_are_named_one_by_one() -> None:
    check_flags(residual=True, layer_norm=False)
    with pytest.raises(InputTypeError, match="^layer_norm is 1: expected True or False$"):
        check_flags(residual=True, layer_norm=1)


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", "", 1.5])
def test_a_device_that_is_not_there_is_named(device: object) -> None:
    with pytest.raises(InputError, match=f"device is '{device}'.*pass device="):
        check_device(device)
