from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.cost_model import predict
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.schedule import efficiency
from graphlearn.pipeline.volume import graph_parallel_bytes, hybrid_bytes, pipeline_bytes

NODES = 200
EDGES = torch.randint(NODES, (2, 800), generator=torch.Generator().manual_seed(0))
EDGES = EDGES[:, EDGES[0] != EDGES[1]]
LAYOUT = Layout(EDGES, NODES, 16)
WAYS = Layout(EDGES, NODES, 4, 2)


def ask(layout: Layout = LAYOUT, **options):
    given = {
        "channels": 64,
        "num_layers": 32,
        "stages": 4,
        "layer_seconds": 0.01,
        "bandwidth": 1e7,
        "overhead": 1e-5,
    }
    return predict(layout, **{**given, **options})


def choice(found, stages: int, ways: int):
    (one,) = (c for c in found.choices if (c.stages, c.ways) == (stages, ways))
    return one


def test_bytes_are_those_of_the_formulas() -> None:
    found = ask(carried=True, itemsize=8)
    assert found.asked.sent_bytes == pipeline_bytes(NODES, 64, 4, carried=True, itemsize=8)
    cut = Layout(EDGES, NODES, 1, 4).num_replicas
    assert choice(found, 1, 4).sent_bytes == graph_parallel_bytes(cut, 64, 32, itemsize=8)
    assert choice(found, 1, 1).sent_bytes == 0
    mixed = ask(WAYS, stages=2)
    assert mixed.asked.sent_bytes == hybrid_bytes(NODES, WAYS.num_replicas, 64, 32, 2)
    given = ask(replicas={2: 77, 4: 99})
    assert choice(given, 2, 2).sent_bytes == hybrid_bytes(NODES, 77, 64, 32, 2)
    assert choice(given, 1, 4).sent_bytes == graph_parallel_bytes(99, 64, 32)


def test_self_loops_of_the_normalization_cut_nothing() -> None:
    loops = Layout(EDGES, NODES, 16, normalization="gcn")
    assert choice(ask(loops), 1, 4).sent_bytes == choice(ask(), 1, 4).sent_bytes


def test_what_is_compared() -> None:
    pairs = [(c.stages, c.ways) for c in ask().choices]
    assert pairs == [(4, 1), (3, 1), (2, 1), (2, 2), (1, 4), (1, 1)]
    pairs = [(c.stages, c.ways) for c in ask(WAYS, stages=2, num_layers=3).choices]
    assert pairs == [(2, 2), (1, 4), (1, 1)]  # four stages would be more than layers
    assert [c.chunks for c in ask().choices] == [16, 16, 16, 16, 1, 1]


def test_without_overhead_or_messages_the_efficiency_is_ideal() -> None:
    found = ask(overhead=0.0, bandwidth=1e300, latency=0.0, recompute=False)
    assert found.asked.efficiency == pytest.approx(efficiency(16, 4), rel=1e-12)
    one = choice(found, 1, 1)
    assert one.seconds == pytest.approx(0.32)
    assert found.asked.seconds == pytest.approx(0.32 / 4 / efficiency(16, 4))
    again = ask(overhead=0.0, bandwidth=1e300, latency=0.0)
    assert again.asked.seconds == pytest.approx(found.asked.seconds * 4 / 3)


def test_memory_is_the_formula_and_flat_in_depth() -> None:
    found = ask(kept_rows=5.0, carried=True)
    row = 64 * 4
    assert found.asked.row_bytes == 3 * 8 * LAYOUT.border_nodes * row
    assert found.asked.input_bytes == 2 * NODES * row
    rows = (NODES + LAYOUT.halo_rows) / 16
    assert found.asked.activation_bytes == round(5 * 8 * rows * row)
    kept = ask(kept_rows=5.0, recompute=False).asked
    assert kept.activation_bytes == pytest.approx(16 * found.asked.activation_bytes, abs=16)
    deeper = ask(num_layers=64, stages=8, kept_rows=5.0, carried=True, replicas={4: 1, 8: 1})
    assert deeper.asked.memory_bytes == found.asked.memory_bytes
    graph, deep = choice(ask(), 1, 4), choice(ask(num_layers=64), 1, 4)
    assert deep.row_bytes == pytest.approx(2 * graph.row_bytes, abs=2)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1e-6, 1.0),
    st.floats(1e5, 1e11),
    st.floats(0.0, 1e-2),
    st.floats(0.0, 1e-2),
    st.booleans(),
)
def test_dearer_parts_never_make_an_epoch_shorter(seconds, bandwidth, fixed, late, again) -> None:
    options = {
        "layer_seconds": seconds,
        "bandwidth": bandwidth,
        "overhead": fixed,
        "latency": late,
        "recompute": again,
        "replicas": {2: 200, 4: 400},
    }
    found = ask(**options)
    for name, value in (
        ("layer_seconds", 2 * seconds),
        ("bandwidth", bandwidth / 2),
        ("overhead", 2 * fixed),
        ("latency", 2 * late),
        ("replicas", {2: 300, 4: 500}),
        ("channels", 128),
    ):
        for less, more in zip(found.choices, ask(**{**options, name: value}).choices, strict=True):
            assert more.seconds >= less.seconds * (1 - 1e-12)
    assert all(0 < c.efficiency <= 1 + 1e-12 for c in found.choices)
    best = min(c.seconds for c in found.choices)
    assert found.best.seconds == best
    assert found.pays == (found.asked.seconds == best)


@pytest.mark.parametrize("name", ["bandwidth", "overhead"])
def test_advice_flips_where_predicted_times_cross(name) -> None:
    values = [10.0**k for k in range(5, 13)] if name == "bandwidth" else [1e-6, 1e-4, 1e-2, 1.0]
    seen = set()
    for value in values:
        found = ask(**{name: value}, recompute=False)
        others = min(c.seconds for c in found.choices[1:])
        assert found.pays == (found.asked.seconds <= others)
        assert found.advice.startswith("Pays" if found.pays else "Won't pay")
        if not found.pays:
            assert found.best.name in found.advice
        seen.add(found.pays)
    assert seen == {True, False}


def test_a_small_graph_loses_by_the_cost_of_calls() -> None:
    """As Physics in the paper: 0.060 s with the graph shared, 0.108 s with a pipeline."""
    found = ask(layer_seconds=2e-4, overhead=1e-3)
    assert not found.pays
    assert choice(found, 1, 4).seconds < found.asked.seconds
    assert "the graph is small for 16 chunks" in found.advice


def test_few_chunks_for_many_stages() -> None:
    found = ask(Layout(EDGES, NODES, 2), stages=8, bandwidth=1e12, latency=0.0, overhead=0.0)
    assert not found.pays
    assert "2 chunks are few for 8 stages" in found.advice


def test_what_does_not_fit_is_not_advised() -> None:
    found = ask(layer_seconds=1e-5, overhead=1e-3)
    assert found.best.devices == 1
    limit = found.best.memory_bytes - 1
    limited = ask(layer_seconds=1e-5, overhead=1e-3, memory_limit=limit)
    assert limited.best.devices > 1
    assert "(too much)" in str(limited)
    none = ask(memory_limit=1000)
    assert "Does not fit" in none.advice
    assert none.best.memory_bytes == min(c.memory_bytes for c in none.choices)


def test_text() -> None:
    text = str(ask())
    lines = text.splitlines()
    heads = "devices chunks an epoch sent busy a device holds of it rows"
    assert lines[0].split() == heads.split()
    assert lines[1].startswith("> a pipeline of 4 stages")
    assert lines[-1].startswith("Pays: a pipeline of 4 stages takes")


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"stages": 33}, InputError, "stages is 33 for 32 layers"),
        ({"stages": 0}, InputError, "stages is 0"),
        ({"num_layers": 0}, InputError, "num_layers is 0"),
        ({"channels": 0}, InputError, "channels is 0"),
        ({"layer_seconds": [1.0]}, InputError, "layer_seconds has 1 numbers"),
        ({"layer_seconds": -1.0}, InputError, "layer_seconds is -1"),
        ({"bandwidth": 0}, InputError, "bandwidth is 0"),
        ({"bandwidth": "fast"}, InputTypeError, "bandwidth is 'fast'"),
        ({"latency": -1}, InputError, "latency is -1"),
        ({"forward_share": 2}, InputError, "forward_share is 2"),
        ({"recompute": 1}, InputTypeError, "recompute is 1"),
        ({"memory_limit": 0}, InputError, "memory_limit is 0"),
    ],
)
def test_bad_input(change, error, text) -> None:
    with pytest.raises(error, match=text):
        ask(**change)


def test_processes_that_share_cores_compute_longer() -> None:
    free, tight = ask(latency=0.0, bandwidth=1e300), ask(latency=0.0, bandwidth=1e300, cores=2)
    for one, other in zip(free.choices, tight.choices, strict=True):
        slower = max(1.0, one.devices / 2)
        assert other.seconds == pytest.approx(one.seconds * slower)
        assert other.efficiency == pytest.approx(one.efficiency)
        assert other.overhead == pytest.approx(one.overhead)
    assert free.pays or free.best.devices > 1
    assert tight.sharing == "4 processes share 2 cores"
    assert ask(cores=4).sharing == free.sharing == ""
    assert ask(cores=1).sharing == "4 processes share 1 core"
    # One device alone was timed with all its threads.
    many = ask(latency=0.0, bandwidth=1e300, cores=4, threads=8)
    assert choice(many, 1, 1).seconds == pytest.approx(choice(free, 1, 1).seconds)
    assert choice(many, 4, 1).seconds == pytest.approx(4 * choice(free, 4, 1).seconds)
    assert many.sharing == "4 processes of 8 threads share 4 cores"
    for wrong in ({"cores": 0}, {"threads": 0}):
        with pytest.raises(InputError, match="is 0"):
            ask(**wrong)
