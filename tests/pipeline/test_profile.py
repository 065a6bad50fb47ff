from __future__ import annotations

import dataclasses

import pytest

from graphlearn.pipeline import simulate_turns
from graphlearn.pipeline.profile import PipelineProfile, gather_profile
from graphlearn.pipeline.records import Turn


@pytest.mark.parametrize(
    ("seconds", "epoch"),
    [
        ([9.0, 3.0, 1.0, 2.0], 3),  # the first is left out, though with it 3 would be the median
        ([0.5, 3.0, 1.0, 2.0], 3),
        ([9.0, 1.0, 4.0, 2.0, 3.0], 3),  # of an even number the shorter of the two
        ([1.0, 2.0, 2.0, 2.0], 2),  # of equal ones the one in the middle
        ([9.0, 1.0], 1),
        ([9.0], 0),  # there is no other
    ],
)
def test_the_epoch_of_median_length_is_chosen_and_not_the_first(workers, seconds, epoch) -> None:
    found = workers.profile_made_up([seconds], chunks=3)
    assert (found.epoch, found.seconds) == (epoch, seconds[epoch])
    assert found.sent_bytes == (epoch, 2 * epoch)
    assert found.timeline.turns == ((Turn(epoch, True, 0, 1),),)
    assert (found.stages, found.ways, found.chunks, found.layers) == (1, 1, 3, (range(6),))


def test_of_no_epochs_there_is_none(workers) -> None:
    assert workers.profile_made_up([[]]) is None


def test_an_epoch_that_was_trained(workers) -> None:
    trainer = workers.make_trainer("sum", chunks=3)
    epochs = [trainer.train_epoch() for _ in range(4)]
    found = gather_profile(trainer, epochs)
    chosen = epochs[found.epoch]
    assert found.epoch > 0
    assert found.seconds == chosen.seconds
    assert found.timeline.turns == (tuple(chosen.turns),)
    assert found.stage_seconds == [sum(turn.end - turn.begin for turn in chosen.turns)]
    # Of later epochs alone, as after a resume; numbers stay those of the training.
    assert gather_profile(trainer, epochs[2:]).epoch == 3


SECONDS = [  # by rank; the first process's clock decides
    [9.0, 3.0, 1.0, 2.0],
    [9.0, 1.0, 2.0, 3.5],
    [9.0, 2.0, 3.0, 4.5],
    [9.0, 1.0, 1.0, 5.5],
]


def test_processes_put_the_turns_of_all_stages_together(results) -> None:
    shapes = [(2, 2), (4, 1), (1, 4)]
    tasks = [{"stages": stages, "ways": ways, "chunks": 4} for stages, ways in shapes]
    none = tasks[0] | {"seconds": [[]] * 4}
    given = {"seconds": SECONDS}
    came = results(4, [("profile_made_up", given | task) for task in [*tasks, none]])
    assert came[-1] == [None] * 4
    for (stages, ways), told in zip(shapes, came, strict=False):
        found = told[0]
        assert told == [found] * 4
        assert (found.stages, found.ways, found.chunks) == (stages, ways, 4)
        assert (found.epoch, found.seconds, found.sent_bytes) == (3, 2.0, (3, 6))
        # Of every stage's first way, whose rank stands in its turn.
        firsts = [stage * ways for stage in range(stages)]
        assert found.timeline.turns == tuple((Turn(3, True, rank, rank + 1),) for rank in firsts)
        assert len(found.layers) == stages
        assert [number for layers in found.layers for number in layers] == list(range(6))


@pytest.mark.parametrize(
    ("stages", "chunks", "ideal"),
    [(1, 1, 0.0), (1, 8, 0.0), (2, 1, 0.5), (2, 4, 0.2), (4, 16, 0.1579), (3, 4, 0.3333)],
)
def test_turns_that_take_the_same_have_the_ideal_bubble(stages, chunks, ideal) -> None:
    turns = simulate_turns([[1.0] * chunks] * stages, [[2.0] * chunks] * stages)
    ranges = tuple(range(stage, stage + 1) for stage in range(stages))
    found = PipelineProfile(stages, 1, chunks, 5, turns.seconds, (0, 0), turns, ranges)
    assert found.bubble == found.ideal_bubble == ideal
    assert found.stage_seconds == [3.0 * chunks] * stages


def test_a_slow_stage_makes_the_others_wait() -> None:
    turns = simulate_turns([[1.0] * 4, [3.0] * 4], [[1.0] * 4, [3.0] * 4])
    found = PipelineProfile(2, 1, 4, 5, turns.seconds, (0, 0), turns, (range(1), range(1, 2)))
    assert turns.seconds == 26.0  # 1 forward, 24 of the slow stage, 1 back
    assert found.stage_seconds == [8.0, 24.0]
    assert found.bubble == round(1 - 32 / 52, 4) > found.ideal_bubble == 0.2
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.epoch = 1  # type: ignore[misc]
