from __future__ import annotations

import json
import shutil

import pytest
import safetensors.torch
import torch

from graphlearn.errors import CheckpointError, InputError, InputTypeError, OutputError
from graphlearn.pipeline import Resumed, load_checkpoint, save_checkpoint, train
from graphlearn.pipeline.checkpoint_files import MANIFEST, VERSION


@pytest.fixture
def folder(workers, tmp_path):
    """A folder with checkpoints of epochs 1 and 2 of a training of 3 chunks."""
    trainer = workers.make_trainer("mixed", chunks=3)
    for _ in range(2):
        trainer.train_epoch()
        assert save_checkpoint(trainer, tmp_path / "run").is_dir()
    return tmp_path / "run"


def state(trainer) -> dict[str, torch.Tensor]:
    found = {f"weight {name}": w.detach().clone() for name, w in trainer.layers.named_parameters()}
    for number, parts in enumerate(trainer.optimizer.state.values()):
        found |= {f"optimizer {number} {name}": value.clone() for name, value in parts.items()}
    for number in range(trainer.num_layers):
        rows = trainer.layer_rows(number)
        if rows is not None:
            found[f"history {number}"] = rows.history.clone()
    return found


def test_everything_comes_back(workers, folder) -> None:
    trainer = workers.make_trainer("mixed", chunks=3)
    whole = [trainer.train_epoch().loss for _ in range(2)]
    wanted = state(trainer)
    other = workers.make_trainer("mixed", chunks=3)
    assert load_checkpoint(other, folder) == Resumed(2)
    assert other.epoch == 2
    found = state(other)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert other.watch.first == whole[0]
    assert trainer.train_epoch().loss == other.train_epoch().loss


def test_settings_of_the_optimizer_come_back(workers, tmp_path) -> None:
    def momentum(parameters):
        return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

    trainer = workers.make_trainer("sum", optimizer=momentum)
    trainer.train_epoch()
    trainer.optimizer.param_groups[0]["lr"] = 0.01
    save_checkpoint(trainer, tmp_path)
    other = workers.make_trainer("sum", optimizer=momentum)
    load_checkpoint(other, tmp_path)
    assert other.optimizer.param_groups[0]["lr"] == 0.01
    assert trainer.train_epoch().loss == other.train_epoch().loss


def test_the_newest_are_kept(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum", chunks=2)
    for _ in range(4):
        trainer.train_epoch()
        save_checkpoint(trainer, tmp_path, keep=3)
    save_checkpoint(trainer, tmp_path, keep=3)  # over the one of the same epoch
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"epoch-00000{n}" for n in (2, 3, 4)]
    with pytest.raises(InputError, match="keep is 0"):
        save_checkpoint(trainer, tmp_path, keep=0)


def test_no_checkpoint_is_epoch_0(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum")
    assert load_checkpoint(trainer, tmp_path / "none") == Resumed(epoch=0, extra=None, best=None)
    (tmp_path / ".epoch-000009.partial").mkdir()
    (tmp_path / "epoch-000009").mkdir()  # without a manifest it is none
    assert load_checkpoint(trainer, tmp_path).epoch == 0
    trainer.train_epoch()
    save_checkpoint(trainer, tmp_path)  # what a killed run left goes
    assert not (tmp_path / ".epoch-000009.partial").exists()


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        ("mixed", {"chunks": 4}, "num_chunks = 3: expected 4"),
        ("mixed", {"chunks": 3, "seed": 1}, "is of a training with"),
        ("mixed", {"chunks": 3, "gamma": 1.0}, "gamma = 2.0: expected 1.0"),
        ("mixed", {"chunks": 3, "shuffle": False}, "shuffle = True: expected False"),
        ("sum", {"chunks": 3}, r"layers\[1\] = 'Mixed': expected 'Sum'"),
        ("gcn", {"chunks": 3}, "is of a training with"),
        ("rows", {"chunks": 3}, r"layers\[1\] = "),
        ("mixed", {"chunks": 3, "dtype": torch.float32}, "dtype = 'float64': expected 'float32'"),
        ("mixed", {"chunks": 3, "schedule": "step"}, "schedule = None: expected 'StepLR'"),
        ("dropping", {"chunks": 3}, r"layers\[1\] = 'Mixed': expected 'Dropping'"),
        (
            "mixed",
            {"chunks": 3, "optimizer": lambda weights: torch.optim.SGD(weights, lr=0.1)},
            "optimizer = 'Adam': expected 'SGD'",
        ),
    ],
)
def test_that_of_another_training_is_refused(workers, folder, kind, options, text) -> None:
    trainer = workers.make_trainer(kind, **options)
    before = {name: w.detach().clone() for name, w in trainer.layers.named_parameters()}
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(trainer, folder)
    assert trainer.epoch == 0
    for name, weight in trainer.layers.named_parameters():
        assert torch.equal(weight, before[name])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"method": "range"}, "another layout: expected the same bits"),
        ({"normalization": "mean"}, "normalization = 'gcn': expected 'mean'"),
        ({"weight": torch.full((150,), 2.0, dtype=torch.float64)}, "another messages"),
    ],
)
def test_another_layout_is_refused(workers, folder, change, text) -> None:
    from graphlearn.pipeline import Layout, PipelineTrainer

    data = workers.make_data()
    options = {"normalization": "gcn", "dtype": torch.float64} | change
    layout = Layout(data.edge_index, workers.NODES, 3, **options)
    trainer = PipelineTrainer(workers.make_stack("mixed"), data, layout=layout)
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(trainer, folder)


@pytest.mark.parametrize(
    ("option", "other", "text"),
    [
        ("alpha", 0.2, r"options\[1\].alpha = '0.1': expected '0.2'"),
        ("theta", 1.0, r"options\[1\].beta = "),
        ("dropout", 0.3, r"options\[0\].dropout = .*p=0.0.*: expected .*p=0.3"),
    ],
)
def test_a_stack_of_other_options_is_refused(workers, tmp_path, option, other, text) -> None:
    trainer = workers.make_trainer("gcnii", chunks=3)
    trainer.train_epoch()
    save_checkpoint(trainer, tmp_path)
    load_checkpoint(workers.make_trainer("gcnii", chunks=3), tmp_path)
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(workers.make_trainer("gcnii", chunks=3, layer={option: other}), tmp_path)


def test_what_a_layer_counts_is_none_of_its_options(workers, tmp_path) -> None:
    trainer = workers.make_trainer("rows", chunks=2, layer={"after": 1000})
    trainer.train_epoch()
    save_checkpoint(trainer, tmp_path)
    assert (
        load_checkpoint(
            workers.make_trainer("rows", chunks=2, layer={"after": 1000}), tmp_path
        ).epoch
        == 1
    )


# What the caller keeps in it #####################################################################


def test_what_the_caller_keeps_comes_back(workers, tmp_path) -> None:
    trainer = workers.make_trainer("mixed", chunks=3)
    trainer.train_epoch()
    best = trainer.layer_weights()
    trainer.train_epoch()
    extra = {"best_epoch": 1, "history": [0.5, None, "text"], "least": 0.1 + 0.2}
    save_checkpoint(trainer, tmp_path, extra=extra, best=best)
    other = workers.make_trainer("mixed", chunks=3)
    found = load_checkpoint(other, tmp_path)
    assert found.epoch == 2
    assert found.extra == extra
    assert found.best.keys() == best.keys()
    for number, weights in best.items():
        assert found.best[number].keys() == weights.keys()
        for name, value in weights.items():
            assert torch.equal(found.best[number][name], value)
    assert trainer.train_epoch().loss == other.train_epoch().loss
    other.load_layer_weights(found.best)
    again = workers.make_trainer("mixed", chunks=3)
    again.train_epoch()
    assert torch.equal(other.predict(), again.predict())


@pytest.mark.parametrize("extra", [None, 3, "text", [1, [2]], {}, {"a": {"b": True}}])
def test_extra_is_anything_that_json_holds(workers, tmp_path, extra) -> None:
    trainer = workers.make_trainer("sum", chunks=2)
    save_checkpoint(trainer, tmp_path, extra=extra)
    assert load_checkpoint(trainer, tmp_path) == Resumed(0, extra, None)


def test_what_cannot_be_kept_is_refused_and_nothing_is_written(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum", chunks=2)
    best = trainer.layer_weights()
    loop: list = []
    loop.append(loop)
    for extra in ({"a": torch.ones(1)}, {1, 2}, object(), loop):
        with pytest.raises(InputTypeError, match="extra cannot be written as JSON"):
            save_checkpoint(trainer, tmp_path / "run", extra=extra)
    with pytest.raises(
        InputError, match=r"best has layers \[0, 1\]: expected \[0, 1, 2, 3, 4, 5\]"
    ):
        save_checkpoint(trainer, tmp_path / "run", best={0: best[0], 1: best[1]})
    with pytest.raises(InputTypeError, match="best is a list"):
        save_checkpoint(trainer, tmp_path / "run", best=[best])
    assert not (tmp_path / "run").exists()


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def remove(path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, flip, remove])
@pytest.mark.parametrize("name", ["layer-0000.safetensors", "layer-0003.safetensors"])
def test_a_damaged_one_is_refused_and_nothing_is_taken_from_it(
    workers, folder, damage, name
) -> None:
    damage(folder / "epoch-000002" / name)
    trainer = workers.make_trainer("mixed", chunks=3)
    before = state(trainer)
    with pytest.raises(CheckpointError, match=f"{name} cannot be read.*the one before it is taken"):
        load_checkpoint(trainer, folder)
    assert all(torch.equal(value, before[key]) for key, value in state(trainer).items())
    shutil.rmtree(folder / "epoch-000002")  # as it says
    assert load_checkpoint(trainer, folder).epoch == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda manifest: "{", "cannot be read"),
        (lambda manifest: "[]", "parts of it are missing"),
        (lambda manifest: json.dumps({"version": VERSION}), "parts of it are missing"),
        (lambda manifest: json.dumps(manifest | {"version": 99}), "is of version 99: expected"),
        (lambda manifest: json.dumps(manifest | {"files": {}}), "its content was changed"),
        (lambda manifest: json.dumps(manifest | {"files": 3}), "parts of it are missing"),
        (lambda manifest: json.dumps(manifest | {"watch": ["x"]}), "parts of it are missing"),
        (lambda manifest: json.dumps(manifest | {"identity": None}), "parts of it are missing"),
        (lambda manifest: json.dumps(manifest | {"has_best": 1}), "parts of it are missing"),
        (lambda manifest: json.dumps(manifest | {"schedule": "A"}), "parts of it are missing"),
        (
            lambda manifest: json.dumps({k: v for k, v in manifest.items() if k != "extra"}),
            "parts of it are missing",
        ),
        (lambda manifest: json.dumps(manifest | {"has_best": True}), "has nothing for best.bias"),
    ],
)
def test_a_changed_manifest_is_refused(workers, folder, change, text) -> None:
    path = folder / "epoch-000002" / MANIFEST
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(workers.make_trainer("mixed", chunks=3), folder)


def test_a_file_holds_tensors_and_no_code(folder) -> None:
    names = {path.name for path in (folder / "epoch-000002").iterdir()}
    assert names == {MANIFEST, *(f"layer-000{number}.safetensors" for number in range(6))}
    tensors = safetensors.torch.load_file(folder / "epoch-000002" / "layer-0001.safetensors")
    assert {name.partition(".")[0] for name in tensors} == {"model", "optimizer", "history"}


def test_a_folder_that_cannot_be_written_is_named(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum", chunks=2)
    trainer.train_epoch()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file could not be written"):
        save_checkpoint(trainer, tmp_path / "file")


# Other numbers of processes ######################################################################

RUN = {"kind": "mixed", "chunks": 6, "refresh": 2}


def test_four_stages_go_on_as_two_and_as_one(workers, results, tmp_path) -> None:
    whole = [record.loss for record in train(workers.make_trainer(**RUN), 6)]
    folders = {"folder": str(tmp_path)}
    first = results(4, [("train_and_save", RUN | folders | {"stages": 4, "epochs": 3})])
    shutil.copytree(tmp_path, tmp_path / "for-one")
    second = results(2, [("train_and_save", RUN | folders | {"stages": 2, "epochs": 6})])
    for losses in (*first[0], *second[0]):
        assert losses in (whole[:3], whole[3:])  # bit for bit
    trainer = workers.make_trainer(**RUN)
    assert [record.loss for record in train(trainer, 6, folder=tmp_path / "for-one")] == whole[3:]


@pytest.mark.parametrize("schedule", ["step", "cosine", "warm"])
def test_a_schedule_goes_on_on_another_number_of_stages(
    workers, results, tmp_path, schedule
) -> None:
    run = RUN | {"schedule": schedule}
    trainer = workers.make_trainer(**run)
    whole, rates = [], []
    for _ in range(6):
        whole.append(trainer.train_epoch().loss)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
    assert len(set(rates)) > 2
    folders = {"folder": str(tmp_path)}
    first = results(4, [("train_and_save", run | folders | {"stages": 4, "epochs": 3})])
    shutil.copytree(tmp_path, tmp_path / "for-one")
    second = results(2, [("train_and_save", run | folders | {"stages": 2, "epochs": 6})])
    for losses in (*first[0], *second[0]):
        assert losses in (whole[:3], whole[3:])  # bit for bit
    alone = workers.make_trainer(**run)
    assert [record.loss for record in train(alone, 6, folder=tmp_path / "for-one")] == whole[3:]
    assert alone.optimizer.param_groups[0]["lr"] == rates[-1]


def test_a_stage_without_weights_goes_on_too(workers, results, tmp_path) -> None:
    run = {"kind": "bare", "chunks": 6, "schedule": "step"}
    whole = [record.loss for record in train(workers.make_trainer(**run), 6)]
    folders = {"folder": str(tmp_path)}
    # The first stage and the last have no weights, then the first has some, then all are one.
    for stages, epochs in ((4, 3), (2, 5), (1, 6)):
        run_on = run | folders | {"stages": stages, "epochs": epochs, "every": 1}
        if stages == 4:
            run_on["costs"] = [1.0, 1.0, 1.0, 1.0]
        for losses in results(stages, [("train_and_save", run_on)])[0]:
            assert losses == whole[epochs - len(losses) : epochs]


def test_the_best_weights_come_back_on_another_number_of_stages(workers, results, tmp_path) -> None:
    task = {"kind": "mixed", "chunks": 6, "folder": str(tmp_path)}
    (kept,) = results(4, [("save_best", task | {"stages": 4})])
    assert all(one.keys() == kept[0].keys() for one in kept)
    shapes = [(2, 1), (1, 2)]
    for stages, _ in shapes[:1]:
        (came,) = results(2, [("load_best", task | {"stages": stages})])
        for rank, (epoch, extra, numbers, gathered) in enumerate(came):
            assert (epoch, extra) == (2, {"rank": 0})
            assert numbers == [[0, 1, 2], [3, 4, 5]][rank]
            assert gathered.keys() == kept[0].keys()
            for name, value in gathered.items():
                assert torch.equal(value, kept[0][name])
    epoch, _, numbers, gathered = workers.load_best(**task, stages=1)
    assert (epoch, numbers) == (2, [0, 1, 2, 3, 4, 5])
    assert all(torch.equal(gathered[name], value) for name, value in kept[0].items())


def test_every_way_gets_the_best_weights(results, tmp_path) -> None:
    task = {"kind": "mixed", "chunks": 3, "folder": str(tmp_path), "stages": 2, "ways": 2}
    kept, came = results(4, [("save_best", task), ("load_best", task)])
    for rank, (_, _, numbers, gathered) in enumerate(came):
        assert numbers == [[0, 1, 2], [3, 4, 5]][rank // 2]
        assert all(torch.equal(gathered[name], value) for name, value in kept[0].items())


def test_the_best_weights_come_from_all_or_none(start, tmp_path) -> None:
    task = {"kind": "sum", "chunks": 3, "folder": str(tmp_path), "stages": 2, "only": 1}
    came = start(2, [("save_best", task)])
    assert [done[0][0] for done in came] == ["InputError"] * 2
    for done in came:
        assert done[0][1][0].startswith("best is given on rank 1 and not on rank 0: expected")


def test_ways_have_histories_of_their_own(workers, results, tmp_path) -> None:
    run = RUN | {"ways": 2}
    folders = {"folder": str(tmp_path)}
    whole, first, second, third = results(
        4,
        [
            ("train_and_save", run | {"folder": str(tmp_path / "whole"), "stages": 2, "epochs": 6}),
            ("train_and_save", run | folders | {"stages": 2, "epochs": 3}),
            ("train_and_save", run | folders | {"stages": 2, "epochs": 4}),
            ("train_and_save", run | folders | {"stages": 2, "epochs": 6}),
        ],
    )
    for rank in range(4):
        assert first[rank] + second[rank] + third[rank] == whole[rank]
    # On one stage of two ways a sum over ways is the same two numbers.
    shutil.rmtree(tmp_path / "epoch-000006")
    (again,) = results(2, [("train_and_save", run | folders | {"stages": 1, "epochs": 6})])
    assert again == [whole[0][4:]] * 2


def test_all_processes_refuse_together(start, tmp_path) -> None:
    options = {"kind": "mixed", "stages": 2, "chunks": 3, "folder": str(tmp_path)}
    (saved,) = zip(*start(2, [("save_once", options)]), strict=True)
    assert [kind for kind, _ in saved] == ["done", "done"]
    cut(tmp_path / "epoch-000001" / "layer-0005.safetensors")  # on the second stage
    came = start(2, [("load_once", options)])
    assert [done[0][0] for done in came] == ["CheckpointError"] * 2
    assert came[0][0][1][0] == came[1][0][1][0]


def test_what_was_saved_before_the_first_epoch_goes_on_undisturbed(workers, tmp_path) -> None:
    options = {"kind": "sum", "chunks": 3, "refresh": 5}
    whole = [workers.make_trainer(**options)]
    expected = [whole[0].train_epoch().loss for _ in range(3)]
    save_checkpoint(workers.make_trainer(**options), tmp_path)
    other = workers.make_trainer(**options)
    assert load_checkpoint(other, tmp_path).epoch == 0
    assert [other.train_epoch().loss for _ in range(3)] == expected


def test_a_later_checkpoint_is_never_written_behind(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum", chunks=3)
    for _ in range(2):
        trainer.train_epoch()
    save_checkpoint(trainer, tmp_path)
    earlier = workers.make_trainer("sum", chunks=3)
    earlier.train_epoch()
    with pytest.raises(CheckpointError, match="holds epoch-000002, .* is at epoch 1"):
        save_checkpoint(earlier, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000002"]


def test_the_folder_is_asked_for_and_not_the_checkpoint(workers, tmp_path) -> None:
    trainer = workers.make_trainer("sum", chunks=3)
    trainer.train_epoch()
    path = save_checkpoint(trainer, tmp_path)
    with pytest.raises(CheckpointError, match=f"epoch-000001 is a checkpoint.*pass {tmp_path}"):
        load_checkpoint(trainer, path)


def test_an_optimizer_that_keeps_more_than_tensors_is_refused(workers, tmp_path) -> None:
    class Counting(torch.optim.SGD):
        def step(self, closure=None):
            for group in self.param_groups:
                for parameter in group["params"]:
                    self.state[parameter]["step"] = 1
            return super().step(closure)

    def make(parameters):
        return Counting(parameters, lr=0.1)

    trainer = workers.make_trainer("sum", chunks=3, optimizer=make)
    trainer.train_epoch()
    with pytest.raises(InputTypeError, match="step in the state of the optimizer is a int"):
        save_checkpoint(trainer, tmp_path)
