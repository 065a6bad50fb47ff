from __future__ import annotations

import pytest

from graphlearn.errors import CheckpointError, InputError
from graphlearn.pipeline import load_checkpoint, train


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_trains_tells_and_saves(workers, tmp_path) -> None:
    told = []
    trainer = workers.make_trainer("mixed", chunks=3)
    records = train(trainer, 7, folder=tmp_path, every=3, on_epoch=told.append)
    assert records == told
    assert [record.epoch for record in records] == list(range(7))
    assert names(tmp_path) == ["epoch-000006", "epoch-000007"]  # the last, and the one before it
    assert train(trainer, 7, folder=tmp_path) == []


@pytest.mark.parametrize("refresh", [1, 3])
def test_it_goes_on_from_the_last_checkpoint_to_the_same_bits(workers, tmp_path, refresh) -> None:
    options = {"chunks": 4, "refresh": refresh}
    whole = [record.loss for record in train(workers.make_trainer("dropping", **options), 9)]
    found = {}
    for epochs in (2, 5, 9):  # as if it had been killed in between
        trainer = workers.make_trainer("dropping", **options)
        for record in train(trainer, epochs, folder=tmp_path, every=2):
            found[record.epoch] = record.loss
    assert list(found.values()) == whole


def test_epochs_since_the_last_checkpoint_are_trained_again(workers, tmp_path) -> None:
    def stop(record) -> None:
        if record.epoch == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(workers.make_trainer("sum"), 9, folder=tmp_path, every=4, on_epoch=stop)
    trainer = workers.make_trainer("sum")
    assert load_checkpoint(trainer, tmp_path).epoch == 4
    again = train(workers.make_trainer("sum"), 9, folder=tmp_path, every=4)
    assert [record.epoch for record in again] == [4, 5, 6, 7, 8]


def test_without_a_folder_nothing_is_written(workers, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(train(workers.make_trainer("sum"), 2)) == 2
    assert names(tmp_path) == []


def test_bad_input_is_refused(workers, tmp_path) -> None:
    with pytest.raises(InputError, match="every is 0"):
        train(workers.make_trainer("sum"), 2, every=0)
    with pytest.raises(InputError, match="epochs is -1"):
        train(workers.make_trainer("sum"), -1)
    train(workers.make_trainer("sum"), 1, folder=tmp_path)
    with pytest.raises(CheckpointError, match="gamma = 2.0: expected 1.0"):
        train(workers.make_trainer("sum", gamma=1.0), 2, folder=tmp_path)
