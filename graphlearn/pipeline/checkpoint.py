"""Checkpoints of a pipelined training: a file a layer, which any number of stages can load.

``torch.distributed.checkpoint`` keeps its table of contents as a pickle, and a pickle that somebody
hands over can run code; these are safetensors files with a JSON manifest. A checkpoint is written
beside its name by all processes, and renamed by the first: it is whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from graphlearn.errors import CheckpointError
from graphlearn.files import (
    atomic_write_bytes,
    atomic_write_text,
    make_folder,
    output_error,
    sync_folder,
)
from graphlearn.pipeline.trainer import PipelineTrainer
from graphlearn.validate import check_size

MANIFEST = "manifest.json"
_VERSION = 1
_NAME = re.compile(r"epoch-(\d{6,})")


def save_checkpoint(trainer: PipelineTrainer, folder: Path | str, *, keep: int = 2) -> Path:
    """Write the state of a training after its last epoch; every process has to call it.

    What is written: weights, the optimizer's state and the history of every layer, and how far the
    training is. A training that goes on from it gives what the undisturbed one gives, to the last
    bit on as many stages, and on another number too, since no sum changes with it.

    Args:
        trainer: The training.
        folder: Where checkpoints of this training are, on a disk that all processes see.
        keep: How many to keep; older ones are removed.

    Returns:
        The checkpoint's folder.

    Raises:
        OutputError: If it cannot be written; the ones before stay.
    """
    check_size(keep, name="keep")
    with trainer.place.failures.telling():
        return _save(trainer, folder, keep)


def _save(trainer: PipelineTrainer, folder: Path | str, keep: int) -> Path:
    home = Path(folder)
    name = f"epoch-{trainer.epoch:06d}"
    partial = home / f".{name}.partial"
    place = trainer.place
    if place.rank == 0:
        make_folder(home)
        for left in home.glob(".epoch-*.partial"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        make_folder(partial)
    place.wait()
    digests: dict[str, str] = {}
    for number in trainer.layer_ranges[place.stage]:
        tensors = _history(trainer, number)
        if place.way == 0:
            tensors |= _weights(trainer, number)
        file = _file_name(number, place.way)
        content = safetensors.torch.save({k: t.contiguous() for k, t in tensors.items()})
        atomic_write_bytes(partial / file, content)
        digests[file] = hashlib.sha256(content).hexdigest()
    gathered: dict[str, str] = {}
    # A stage without weights has no optimizer to ask.
    optimizer, groups = None, []
    for part in place.gather((digests, *_optimizer(trainer))):
        assert isinstance(part, tuple)
        gathered |= part[0]
        if optimizer is None:
            optimizer, groups = part[1:]
    if place.rank == 0:
        manifest = {
            "version": _VERSION,
            "epoch": trainer.epoch,
            "identity": trainer.identity(),
            "watch": [trainer.watch.least, trainer.watch.high],
            "optimizer": optimizer,
            "groups": groups,
            "files": gathered,
        }
        atomic_write_text(partial / MANIFEST, json.dumps(manifest, indent=1))
        try:
            shutil.rmtree(home / name, ignore_errors=True)
            partial.rename(home / name)
            sync_folder(home)
        except OSError as problem:
            raise output_error(home / name, problem) from problem
        for old in _checkpoints(home)[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
    place.wait()
    return home / name


def load_checkpoint(trainer: PipelineTrainer, folder: Path | str) -> int:
    """Take up the newest checkpoint of a folder; every process has to call it.

    Args:
        trainer: A training of the same stack, graph and settings, on any number of stages.
        folder: Where the checkpoints are.

    Returns:
        How many epochs are done; 0 if there is no checkpoint.

    Raises:
        CheckpointError: If it is of another training, another version, or damaged.
    """
    with trainer.place.failures.telling():
        return _load(trainer, Path(folder))


def _load(trainer: PipelineTrainer, folder: Path) -> int:
    found = _checkpoints(folder)
    name = found[-1].name if found else None
    for rank, other in enumerate(trainer.place.gather(name)):
        if other != name:
            raise CheckpointError(
                f"the newest checkpoint in {folder} is {name} here and {other} on rank {rank}",
                expected="the same folder on a disk that all processes see",
            )
    if not found:
        return 0
    tensors: dict[int, dict[str, Tensor]] = {}
    problem: CheckpointError | None = None
    try:
        manifest = _read_manifest(found[-1])
        _check_identity(trainer, found[-1], manifest)
        for number in trainer.layer_ranges[trainer.place.stage]:
            tensors[number] = _read_layer(trainer, found[-1], manifest, number)
    except CheckpointError as error:
        problem = error
    # All take it up, or nobody does.
    for other in trainer.place.gather(problem):
        if isinstance(other, CheckpointError):
            raise other
    for number, state in tensors.items():
        _load_weights(trainer, number, state)
        rows = trainer.layer_rows(number)
        if rows is not None:
            rows.history.copy_(state["history"])
    trainer.load_optimizer_settings(manifest["groups"])
    trainer.watch.least, trainer.watch.high = float(manifest["watch"][0]), int(manifest["watch"][1])
    trainer.go_on_from(int(manifest["epoch"]))
    return trainer.epoch


def _check_identity(trainer: PipelineTrainer, latest: Path, manifest: dict[str, Any]) -> None:
    expected, given = trainer.identity(), manifest["identity"]
    own = _optimizer(trainer)[0]
    if own is not None:
        expected, given = (
            expected | {"optimizer": own},
            given | {"optimizer": manifest["optimizer"]},
        )
    for name, value in expected.items():
        if given.get(name) != value:
            raise CheckpointError(
                f"{latest} is of a training with {name} = {given.get(name)!r}",
                expected=f"{value!r}",
                mend="choose the folder of this training, or an empty one",
            )


def _read_layer(
    trainer: PipelineTrainer, checkpoint: Path, manifest: dict[str, Any], number: int
) -> dict[str, Tensor]:
    """Weights and optimizer of a layer, and this way's history of its input."""
    tensors = _read(checkpoint, _file_name(number, 0), manifest)
    if trainer.place.way:
        tensors |= _read(checkpoint, _file_name(number, trainer.place.way), manifest)
    _check_weights(trainer, checkpoint, number, tensors)
    return tensors


def _optimizer(trainer: PipelineTrainer) -> tuple[str | None, list[dict[str, object]]]:
    name = None if trainer.optimizer is None else type(trainer.optimizer).__name__
    return name, trainer.optimizer_settings()


def _file_name(number: int, way: int) -> str:
    return (
        f"layer-{number:04d}.safetensors"
        if way == 0
        else f"layer-{number:04d}.way-{way}.safetensors"
    )


def _checkpoints(home: Path) -> list[Path]:
    """Whole checkpoints, the newest last."""
    if not home.is_dir():
        return []
    named = [entry for entry in home.iterdir() if _NAME.fullmatch(entry.name)]
    return sorted(
        (entry for entry in named if (entry / MANIFEST).is_file()),
        key=lambda entry: int(entry.name.partition("-")[2]),
    )


def _history(trainer: PipelineTrainer, number: int) -> dict[str, Tensor]:
    rows = trainer.layer_rows(number)
    return {} if rows is None else {"history": rows.history}


def _weights(trainer: PipelineTrainer, number: int) -> dict[str, Tensor]:
    layer = trainer.layers[str(number)]
    tensors = {f"model.{name}": value.detach() for name, value in layer.state_dict().items()}
    if trainer.optimizer is not None:
        for name, parameter in layer.named_parameters():
            for key, value in trainer.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{name}.{key}"] = value
    return tensors


def _check_weights(
    trainer: PipelineTrainer, checkpoint: Path, number: int, tensors: dict[str, Tensor]
) -> None:
    """Raise unless a layer's file has the tensors that the layer has, in shape and dtype."""
    wanted = {f"model.{k}": v for k, v in trainer.layers[str(number)].state_dict().items()}
    wanted |= _history(trainer, number)
    found = {name: v for name, v in tensors.items() if not name.startswith("optimizer.")}
    for name in sorted(wanted.keys() | found.keys()):
        shapes = [
            f"{str(of[name].dtype).removeprefix('torch.')} {list(of[name].shape)}"
            if name in of
            else "nothing"
            for of in (found, wanted)
        ]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f"{checkpoint} has {shapes[0]} for {name} of layer {number}",
                expected=shapes[1],
                mend="choose the folder of this training, or an empty one",
            )


def _load_weights(trainer: PipelineTrainer, number: int, tensors: dict[str, Tensor]) -> None:
    layer = trainer.layers[str(number)]
    model = {
        name.removeprefix("model."): value
        for name, value in tensors.items()
        if name.startswith("model.")
    }
    layer.load_state_dict(model)
    if trainer.optimizer is None:
        return
    for name, parameter in layer.named_parameters():
        prefix = f"optimizer.{name}."
        state = {
            key.removeprefix(prefix): value.to(parameter.device) if value.dim() else value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        if state:
            trainer.optimizer.state[parameter] = state


def _read_manifest(checkpoint: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise _damaged(checkpoint / MANIFEST, str(problem)) from problem
    version = manifest.get("version", _VERSION) if isinstance(manifest, dict) else _VERSION
    if version != _VERSION:
        raise CheckpointError(
            f"{checkpoint} is of version {version}", expected=f"version {_VERSION}"
        )
    if not _is_manifest(manifest):
        raise _damaged(checkpoint / MANIFEST, "parts of it are missing")
    found: dict[str, Any] = manifest
    return found


def _is_manifest(manifest: Any) -> bool:
    kinds = {"epoch": int, "identity": dict, "watch": list, "groups": list, "files": dict}
    return (
        isinstance(manifest, dict)
        and "optimizer" in manifest
        and all(isinstance(manifest.get(name), kind) for name, kind in kinds.items())
        and len(manifest["watch"]) == 2
        and all(isinstance(value, (int, float)) for value in manifest["watch"])
        and all(isinstance(group, dict) for group in manifest["groups"])
    )


def _read(checkpoint: Path, file: str, manifest: dict[str, Any]) -> dict[str, Tensor]:
    try:
        content = (checkpoint / file).read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest["files"].get(file):
            raise _damaged(checkpoint / file, "its content was changed or cut off")
        tensors: dict[str, Tensor] = safetensors.torch.load(content)
    except (OSError, SafetensorError) as problem:
        raise _damaged(checkpoint / file, str(problem)) from problem
    return tensors


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read ({reason})",
        expected="a whole checkpoint",
        mend="remove this checkpoint's folder, and the one before it is taken",
    )
