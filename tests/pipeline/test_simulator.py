from __future__ import annotations

import pytest
import torch

from graphlearn.pipeline import Layout, simulate_epoch
from graphlearn.pipeline.simulator import SimulatedEpoch

EXACT = 1e-13


def parts_of(workers, chunks: int) -> list:
    edges = workers.make_data().edge_index
    layout = Layout(edges, workers.NODES, chunks, normalization="gcn", dtype=torch.float64)
    return [layout.chunk(number) for number in range(chunks)]


def simulated(workers, stack, chunks: int, **options) -> SimulatedEpoch:
    data, parts = workers.make_data(), parts_of(workers, chunks)
    return simulate_epoch(
        stack, parts, data.x, lambda out, nodes: workers.summed_loss(out, nodes, data), **options
    )


def test_one_chunk_is_the_whole_graph(workers) -> None:
    plain = workers.train_plainly("mixed", 1)[0]
    stack = workers.make_stack("mixed")
    out = simulated(workers, stack, 1)
    out.loss.backward()
    assert float(out.loss.detach()) == pytest.approx(plain["loss"], rel=1e-15)
    assert workers.worst(workers.gradients_of(stack), plain["gradients"]) <= EXACT


def test_a_true_history_gives_the_true_output_in_any_order(workers) -> None:
    stack, data = workers.make_stack("mixed"), workers.make_data()
    history = workers.first_history(stack, parts_of(workers, 4), data.x)
    wanted = workers.run_layers(stack, data.x, parts_of(workers, 1)[0])
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        out = simulated(workers, stack, 4, order=order, history=history)
        torch.testing.assert_close(out.output, wanted.detach(), rtol=0, atol=EXACT)
        for given, expected in zip(out.inputs, history, strict=True):
            assert (given is None) == (expected is None)
            if given is not None:
                torch.testing.assert_close(given, expected, rtol=0, atol=EXACT)


def test_gamma_one_is_the_derivative_of_what_was_computed(workers) -> None:
    """A finite difference moves the loss as the gradient says; with gamma = 2 it does not."""
    stack = workers.make_stack("sum")
    weight = stack[0].weight
    direction = torch.randn(
        weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )

    def slope(gamma: float) -> float:
        stack.zero_grad()
        simulated(workers, stack, 4, gamma=gamma).loss.backward()
        return float((weight.grad * direction).sum())

    step = 1e-6
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            weight += sign * step * direction
            losses.append(float(simulated(workers, stack, 4).loss))
            weight -= sign * step * direction
    measured = (losses[0] - losses[1]) / (2 * step)
    assert slope(1.0) == pytest.approx(measured, rel=1e-6)
    assert slope(2.0) != pytest.approx(measured, rel=1e-3)


def test_two_is_unbiased_over_orders_for_a_linear_layer(workers) -> None:
    """Over an order and its reverse each edge between chunks is fresh once: gamma = 2 mends it."""
    data, parts = workers.make_data(), parts_of(workers, 4)

    class Linear(torch.nn.Linear):
        def forward(self, x, chunk):
            source, target = chunk.edge_index
            out = x.new_zeros(chunk.num_nodes, self.out_features)
            return out.index_add(0, target, super().forward(x)[source])

    class Own(Linear):
        reads_halo = False

        def forward(self, x, chunk):
            return torch.nn.Linear.forward(self, x)

    stack = [Own(6, 5).double(), Linear(5, 3).double()]
    history = workers.first_history(torch.nn.ModuleList(stack), parts, data.x)

    def gradient(order, chunks, **options) -> torch.Tensor:
        stack[0].zero_grad()
        simulate_epoch(
            stack, chunks, data.x, lambda out, nodes: out.sum(), order=order, **options
        ).loss.backward()
        return stack[0].weight.grad.clone()

    whole = gradient([0], parts_of(workers, 1))
    pair = [gradient(order, parts, history=history) for order in ([0, 2, 1, 3], [3, 1, 2, 0])]
    torch.testing.assert_close((pair[0] + pair[1]) / 2, whole)


def test_without_history_others_are_zero(workers) -> None:
    stack = [workers.Sum(6, 3).double()]
    out = simulated(workers, stack, 4, order=[3, 2, 1, 0])
    part = parts_of(workers, 4)[3]
    x = torch.zeros(part.num_rows, 6, dtype=torch.float64)
    x[: part.num_nodes] = workers.make_data().x[part.nodes]
    torch.testing.assert_close(out.output[part.nodes], stack[0](x, part).detach())
