from __future__ import annotations

import pytest

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.volume import graph_parallel_bytes, hybrid_bytes, pipeline_bytes


@pytest.mark.parametrize("stages", [1, 2, 8])
def test_pipeline_is_two_tensors_a_border(stages) -> None:
    one = pipeline_bytes(100, 16, stages)
    assert one == 2 * (stages - 1) * 100 * 16 * 4
    assert pipeline_bytes(100, 16, stages, carried=True) == 2 * one
    assert pipeline_bytes(100, 16, stages, itemsize=8) == 2 * one


def test_graph_parallel_grows_with_depth() -> None:
    assert graph_parallel_bytes(250, 16, 32) == 2 * 32 * 250 * 16 * 4
    assert graph_parallel_bytes(0, 16, 32) == 0


def test_hybrid_is_the_layer_part_and_the_graph_part() -> None:
    both = hybrid_bytes(100, 30, 16, 32, 4, carried=True, itemsize=8)
    assert both == 2 * 2 * 3 * 100 * 16 * 8 + 2 * 32 * 30 * 16 * 8
    assert hybrid_bytes(100, 30, 16, 32, 1) == graph_parallel_bytes(30, 16, 32)
    assert hybrid_bytes(100, 0, 16, 32, 4) == pipeline_bytes(100, 16, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: pipeline_bytes(-1, 4, 2), InputError, "num_nodes is -1"),
        (lambda: pipeline_bytes(10, 4, 0), InputError, "stages is 0"),
        (lambda: pipeline_bytes(10, 0, 2), InputError, "channels is 0"),
        (lambda: pipeline_bytes(10, 4, 2, itemsize=0), InputError, "itemsize is 0"),
        (lambda: pipeline_bytes(10, 4, 2, carried=1), InputTypeError, "carried is 1"),
        (lambda: graph_parallel_bytes(0.5, 4, 2), InputTypeError, "num_replicas is 0.5"),
        (lambda: graph_parallel_bytes(5, 4, 0), InputError, "layers is 0"),
    ],
)
def test_bad_input(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()
