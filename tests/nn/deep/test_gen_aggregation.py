from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import PowerMeanAggregation, SoftmaxAggregation

from graphlearn.nn.deep import gen_aggregation, whole_graph
from graphlearn.nn.deep.gen_aggregation import plain_mean, power_mean, softmax_mean


def numbers(*values: float) -> list[Tensor]:
    return [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in values]


def with_gradients(out: Tensor, *inputs: Tensor) -> list[Tensor]:
    loss = (out * torch.arange(out.numel()).reshape(out.shape).sin()).sum()
    return [out.detach(), *torch.autograd.grad(loss, inputs)]


@pytest.mark.parametrize("t", [-2.0, 0.0, 0.3, 1.0, 40.0])
def test_softmax_is_pygs(t, edge_index, graph, x) -> None:
    messages = x.relu().requires_grad_()
    ours, theirs = numbers(t, t)
    peer = SoftmaxAggregation(learn=True)
    peer.t = torch.nn.Parameter(theirs)
    expected = peer(messages[edge_index[0]], edge_index[1], dim_size=30)
    torch.testing.assert_close(
        with_gradients(softmax_mean(messages, graph, ours), messages, ours),
        with_gradients(expected, messages, peer.t),
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_wide_channels_fall_back_to_message_by_message(
    weighted, edge_index, weight, x, monkeypatch
) -> None:
    """Both forms agree where both are right, and the plain one is taken where the other is not."""
    graph = whole_graph(edge_index, 30, weight if weighted else None)
    messages = x.relu().requires_grad_()
    (t,) = numbers(2.0)
    fast = with_gradients(softmax_mean(messages, graph, t), messages, t)
    with monkeypatch.context() as patch:
        patch.setattr(gen_aggregation, "_SPAN", 0.0)
        plain = with_gradients(softmax_mean(messages, graph, t), messages, t)
    torch.testing.assert_close(fast, plain, rtol=1e-10, atol=1e-11)
    # One node sends 1,000: scaled by its share every other share is 0.
    messages = (x.relu() + 1000 * (torch.arange(30) == 0)[:, None]).requires_grad_()
    out, *grads = with_gradients(softmax_mean(messages, graph, t), messages, t)
    assert all(value.isfinite().all() for value in (out, *grads))
    reached = torch.zeros(30, dtype=torch.bool)
    reached[edge_index[1, edge_index[0] == 0]] = True
    torch.testing.assert_close(out[reached], messages.detach()[:1].expand_as(out[reached]))
    torch.testing.assert_close(out[~reached], fast[0][~reached])


def test_softmax_weights_count_messages(edge_index, x) -> None:
    """A message of weight 2 is as good as two, one of weight 0 as none."""
    (t,) = numbers(0.7)
    count = torch.arange(edge_index.size(1)) % 3
    repeated = whole_graph(edge_index.repeat_interleave(count, dim=1), 30)
    weighted = whole_graph(edge_index, 30, count.double())
    for compute in (softmax_mean, power_mean):
        torch.testing.assert_close(compute(x.relu(), weighted, t), compute(x.relu(), repeated, t))
    torch.testing.assert_close(plain_mean(x, weighted), plain_mean(x, repeated))


@pytest.mark.parametrize("p", [-1.0, 0.5, 1.0, 3.0])
def test_power_mean_is_pygs(p, edge_index, graph, x) -> None:
    messages = (2 * x.relu()).requires_grad_()
    ours, theirs = numbers(p, p)
    peer = PowerMeanAggregation(learn=True)
    peer.p = torch.nn.Parameter(theirs)
    expected = peer(messages[edge_index[0]], edge_index[1], dim_size=30)
    torch.testing.assert_close(
        with_gradients(power_mean(messages, graph, ours), messages, ours),
        with_gradients(expected, messages, peer.p),
        rtol=1e-10,
        atol=1e-10,
    )


def test_float32_agrees_with_float64(graph, x) -> None:
    messages, t = 10 * x.relu(), torch.ones(1)
    for compute in (softmax_mean, power_mean):
        torch.testing.assert_close(
            compute(messages.float(), graph, t),
            compute(messages, graph, t).float(),
            rtol=1e-5,
            atol=1e-5,
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype, graph, x) -> None:
    messages, t = x.relu().to(dtype), torch.full((1,), 20.0)
    out = softmax_mean(messages, graph, t)
    assert out.dtype == dtype
    torch.testing.assert_close(out, softmax_mean(messages.float(), graph, t).to(dtype))


def test_nothing_to_aggregate(x) -> None:
    empty = whole_graph(torch.empty(2, 0, dtype=torch.int64), 0)
    lonely = whole_graph(torch.empty(2, 0, dtype=torch.int64), 2)
    (number,) = numbers(2.0)
    for compute in (softmax_mean, power_mean):
        assert compute(x[:0], empty, number).shape == (0, 5)
    assert not softmax_mean(x[:2], lonely, number).any()
    assert not plain_mean(x[:2], lonely).any()
    torch.testing.assert_close(power_mean(x[:2], lonely, number), torch.full_like(x[:2], 0.01))


def test_a_wide_channel_without_edges(x) -> None:
    lonely = whole_graph(torch.empty(2, 0, dtype=torch.int64), 30)
    (number,) = numbers(1e6)
    assert not softmax_mean(x, lonely, number).any()
