from __future__ import annotations

import numpy as np

from graphlearn.kernels.segment import cpu_reduce

ROWPTR = np.array([0, 2, 2, 3])
ORDER = np.array([2, 0, 1])
VALUES = np.array([[1.0, -4.0], [2.0, -5.0], [3.0, -6.0]])


def test_sums_follow_the_order() -> None:
    out = cpu_reduce.sums(VALUES, ROWPTR, ORDER, mean=False)
    assert out.tolist() == [[4.0, -10.0], [0.0, 0.0], [2.0, -5.0]]
    assert cpu_reduce.sums(VALUES, ROWPTR, None, mean=True)[0].tolist() == [1.5, -4.5]


def test_spreading_is_the_transpose_of_the_sum() -> None:
    grad = np.array([[1.0, 10.0], [7.0, 7.0], [3.0, 30.0]])
    out = cpu_reduce.spread(grad, ROWPTR, ORDER, mean=False)
    assert out.tolist() == [[1.0, 10.0], [3.0, 30.0], [1.0, 10.0]]
    assert cpu_reduce.spread(grad, ROWPTR, ORDER, mean=True)[2].tolist() == [0.5, 5.0]


def test_maxima_say_where_they_stand() -> None:
    out, where = cpu_reduce.maxima(VALUES, ROWPTR, ORDER)
    assert out.tolist() == [[3.0, -4.0], [0.0, 0.0], [2.0, -5.0]]
    assert where.tolist() == [[2, 0], [-1, -1], [1, 1]]
    assert cpu_reduce.to_places(out, where, 3).tolist() == [[0.0, -4.0], [2.0, -5.0], [3.0, 0.0]]


def test_values_are_taken_below_their_top_and_normalized() -> None:
    out = cpu_reduce.below_top(VALUES, ROWPTR, ORDER)
    assert out.tolist() == [[-2.0, 0.0], [0.0, 0.0], [0.0, -2.0]]
    weight = np.array([[1.0, 1.0], [5.0, 2.0], [3.0, 1.0]])
    cpu_reduce.normalize(weight, ROWPTR, ORDER)
    assert weight.tolist() == [[0.25, 0.5], [1.0, 1.0], [0.75, 0.5]]


def test_a_softmax_has_no_gradient_along_the_ones() -> None:
    result = np.array([[0.25, 0.5], [1.0, 1.0], [0.75, 0.5]])
    out = cpu_reduce.softmax_backward(np.ones((3, 2)), result, ROWPTR, ORDER)
    assert np.abs(out).max() == 0
