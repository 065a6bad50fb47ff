from __future__ import annotations

import time

from graphlearn.pipeline.passes import Passes


def test_chunks_have_their_turns_forward_and_then_back(workers) -> None:
    trainer = workers.make_trainer("sum", chunks=3)
    trainer.renew_history()
    passes = trainer._passes
    assert isinstance(passes, Passes)
    passes.begin_epoch(0, [2, 0, 1], time.perf_counter())
    passes.forward()
    assert [(turn.chunk, turn.forward) for turn in passes.turns] == [(2, 1), (0, 1), (1, 1)]
    assert all(weight.grad is None for weight in trainer.layers.parameters())
    assert passes.backward() > 0
    assert [turn.chunk for turn in passes.turns[3:]] == [1, 0, 2]
    assert all(weight.grad is not None for weight in trainer.layers.parameters())
    told = passes.turns
    passes.begin_epoch(1, [0, 1, 2], time.perf_counter())
    assert len(told) == 6  # a record of an epoch stays as it is
    assert passes.turns == []
