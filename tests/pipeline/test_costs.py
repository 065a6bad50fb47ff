from __future__ import annotations

import time

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import deep_stack
from graphlearn.pipeline.costs import agree_on_costs, measure_costs
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.place import Place

NODES = 30


def graph(chunks: int = 3) -> Layout:
    edges = torch.randint(NODES, (2, 100), generator=torch.Generator().manual_seed(0))
    return Layout(edges, NODES, chunks)


class Slow(nn.Module):
    """Sleeps on its way forward, and counts how often it was called."""

    reads_halo = False

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.calls = seconds, 0

    def forward(self, x, chunk):
        self.calls += 1
        time.sleep(self.seconds)
        return x * 2


@pytest.mark.parametrize("name", ["gcn", "sage", "gcnii", "resgcn+"])
def test_every_layer_has_its_seconds_and_nothing_is_changed(name) -> None:
    stack = deep_stack(name, 5, 8, 3, 4, dropout=0.5).eval()
    stack[1].train()
    x = torch.rand(NODES, 5)
    before = {key: value.clone() for key, value in stack.state_dict().items()}
    state = torch.get_rng_state()
    costs = measure_costs(stack, graph().chunk(1), x, repeats=2)
    assert len(costs) == len(stack)
    assert all(0 < cost < 60 for cost in costs)
    assert torch.equal(state, torch.get_rng_state())
    assert [layer.training for layer in stack] == [False, True, *[False] * 4]
    assert all(parameter.grad is None for parameter in stack.parameters())
    assert all(torch.equal(before[key], value) for key, value in stack.state_dict().items())


def test_a_slow_layer_costs_more_and_twice_as_much_when_recomputed() -> None:
    stack = [Slow(0.0), Slow(0.02), Slow(0.0)]
    x, chunk = torch.rand(NODES, 2), graph().chunk(0)
    once = measure_costs(stack, chunk, x, repeats=2)
    assert once[1] >= 0.02 > max(once[0], once[2])
    assert [layer.calls for layer in stack] == [3, 3, 3]
    assert measure_costs(stack, chunk, x, repeats=1, recompute=True)[1] >= 0.04


def test_by_the_clock_that_is_given() -> None:
    ticks = iter(range(1000))
    x, chunk = torch.rand(NODES, 2), graph().chunk(0)
    costs = measure_costs([Slow(0.0)], chunk, x, clock=lambda: next(ticks))
    assert costs == [2]  # forward and back, a tick each


def _measure(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/init", rank=rank, world_size=2)
    layer = Slow(0.01)
    costs = measure_costs([layer], graph().chunk(0), torch.rand(NODES, 2), repeats=1)
    torch.save((costs, layer.calls), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_the_first_process_measures_and_all_agree(tmp_path) -> None:
    mp.spawn(_measure, (str(tmp_path),), nprocs=2)
    (first, first_calls), (second, second_calls) = (
        torch.load(tmp_path / f"{rank}.pt") for rank in range(2)
    )
    assert first == second
    assert (first_calls, second_calls) == (2, 0)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"stack": []}, InputError, "the stack is empty"),
        ({"stack": 3}, InputTypeError, "the stack is a int"),
        ({"x": torch.ones(3, 2)}, InputError, "x has 3 rows and the chunk has node"),
        ({"x": torch.ones(NODES, 2).long()}, InputTypeError, "x"),
        ({"repeats": 0}, InputError, "repeats is 0"),
        ({"recompute": 1}, InputTypeError, "recompute is 1"),
    ],
)
def test_bad_input(change, error, text) -> None:
    given = {"stack": [Slow(0.0)], "chunk": graph().chunk(0), "x": torch.ones(NODES, 2)}
    with pytest.raises(error, match=text):
        measure_costs(**{**given, **change})


def test_an_empty_chunk() -> None:
    layout = Layout(torch.tensor([[0], [1]]), 2, 2, chunk_of=torch.zeros(2).long())
    with pytest.raises(InputError, match="no nodes"):
        measure_costs([Slow(0.0)], layout.chunk(1), torch.ones(2, 2))


def agree(given, layers, layout=None) -> list[float]:
    layout = graph() if layout is None else layout
    options = {"device": torch.device("cpu"), "recompute": False, "seed": 0}
    return agree_on_costs(given, layers, layout, torch.rand(NODES, 2), Place(1, 1), **options)


def test_costs_that_are_given_are_taken() -> None:
    assert agree(None, [Slow(0.0)] * 2) == [1.0, 1.0]
    assert agree((1, 2), [Slow(0.0)] * 2) == [1.0, 2.0]


def test_four_turns_of_the_largest_chunk_are_measured() -> None:
    chunk_of = torch.tensor([1] * (NODES - 1) + [0])
    layout = Layout(torch.zeros(2, 0).long(), NODES, 3, chunk_of=chunk_of)  # one has no nodes
    met = []

    class Telling(Slow):
        def forward(self, x, chunk):
            met.append(chunk.number)
            return super().forward(x, chunk)

    costs = agree("measure", [Telling(0.0), Slow(0.02)], layout)
    assert costs[1] >= 0.02 > costs[0] > 0
    assert met == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("measured", InputError, "costs is 'measured': expected 'measure', None, or a number for"),
        (3.0, InputTypeError, "costs is a float"),
        ([1.0], InputError, "costs are 1 numbers: expected 2"),
        ([1.0, float("inf")], InputError, "a cost is inf: expected a finite number"),
        ([1.0, "a"], InputTypeError, "a cost is 'a'"),
        ([1.0, -1.0], InputError, r"costs are \[1.0, -1.0\]: expected numbers >= 0"),
    ],
)
def test_other_costs_are_refused(given, error, text) -> None:
    with pytest.raises(error, match=text):
        agree(given, [Slow(0.0)] * 2)


def test_processes_agree_on_what_the_first_one_measured(results) -> None:
    task = {"kind": "mixed", "chunks": 3, "costs": "measure", "epochs": 1}
    (told, ways) = results(
        2,
        [
            ("train_and_tell", task | {"stages": 2}),
            ("train_and_tell", task | {"ways": 2}),
        ],
    )
    for one, other in (told, ways):
        assert one["costs"] == other["costs"]
        assert one["ranges"] == other["ranges"]
        assert min(one["costs"]) > 0
