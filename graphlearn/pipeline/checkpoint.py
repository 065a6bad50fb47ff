"""Checkpoints of a pipelined training: a file a layer, which any number of stages can load.

``torch.distributed.checkpoint`` keeps its table of contents as a pickle, and a pickle that somebody
hands over can run code; these are safetensors files with a JSON manifest. A checkpoint is written
beside its name by all processes, and renamed by the first: it is whole or not there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from graphlearn.errors import CheckpointError, InputError, InputTypeError
from graphlearn.files import make_folder, output_error, sync_folder
from graphlearn.pipeline.checkpoint_files import (
    MANIFEST,
    file_name,
    find_checkpoints,
    folder_name,
    read_manifest,
    read_tensors,
    write_manifest,
    write_tensors,
)
from graphlearn.pipeline.identity import DIGESTS, first_difference
from graphlearn.pipeline.layer_state import (
    check_layer_tensors,
    layer_tensors,
    load_layer_tensors,
)
from graphlearn.pipeline.trainer import PipelineTrainer
from graphlearn.pipeline.weights import LayerWeights, check_weights
from graphlearn.validate import check_size

_NO_OPTIMIZER: dict[str, Any] = {
    "optimizer": None,
    "groups": [],
    "settings": [],
    "schedule": None,
    "schedule_state": None,
}


@dataclass(frozen=True)
class Resumed:
    """What was found in a folder of checkpoints.

    Args:
        epoch: How many epochs are done; 0 if there was no checkpoint.
        extra: What the caller had kept in it.
        best: The weights that the caller had kept, of those layers that this process has now, by
            number; None if there were none.
    """

    epoch: int = 0
    extra: Any = None
    best: dict[int, dict[str, Tensor]] | None = None


def save_checkpoint(
    trainer: PipelineTrainer,
    folder: Path | str,
    *,
    keep: int = 2,
    extra: Any = None,
    best: LayerWeights | None = None,
) -> Path:
    """Write the state of a training after its last epoch; every process has to call it.

    What is written: weights, the optimizer's and the schedule's state and the history of every
    layer, and how far the training is. A training that goes on from it gives what the undisturbed
    one gives, to the last bit on as many stages, and on another number too, since no sum changes
    with it.

    Args:
        trainer: The training.
        folder: Where checkpoints of this training are, on a disk that all processes see.
        keep: How many to keep; older ones are removed.
        extra: Anything of the caller's that JSON can hold; what the first process has is taken.
        best: Weights to keep beside the present ones, as :meth:`PipelineTrainer.layer_weights`
            gave them; on all processes or on none.

    Returns:
        The checkpoint's folder.

    Raises:
        InputTypeError: If ``extra`` is nothing that JSON can hold, or ``best`` no such dictionary.
        InputError: If ``best`` does not fit the layers, or is not on all processes.
        CheckpointError: If the folder has a checkpoint of a later epoch.
        OutputError: If it cannot be written; the ones before stay.

    Example:
        >>> import tempfile, torch
        >>> from torch_geometric.data import Data
        >>> class Layer(torch.nn.Linear):
        ...     def forward(self, x, chunk):
        ...         return super().forward(x[: chunk.num_nodes])
        >>> edge_index = torch.tensor([[0, 1], [1, 0]])
        >>> data = Data(x=torch.eye(2), edge_index=edge_index, y=torch.tensor([0, 1]))
        >>> data.train_mask = torch.ones(2, dtype=torch.bool)
        >>> trainer = PipelineTrainer([Layer(2, 2)], data, chunks=2)
        >>> _ = trainer.train_epoch()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save_checkpoint(
        ...         trainer, folder, extra={"best_epoch": 1}, best=trainer.layer_weights()
        ...     )
        ...     found = load_checkpoint(trainer, folder)
        >>> path.name, found.epoch, found.extra, sorted(found.best[0])
        ('epoch-000001', 1, {'best_epoch': 1}, ['bias', 'weight'])
    """
    check_size(keep, name="keep")
    with trainer.place.failures.telling():
        if trainer.place.rank == 0:
            _check_extra(extra)
        if best is not None:
            check_weights(best, _layers(trainer), name="best")
        return _save(trainer, Path(folder), keep, extra, best)


def _save(
    trainer: PipelineTrainer, home: Path, keep: int, extra: Any, best: LayerWeights | None
) -> Path:
    place = trainer.place
    whole = home / folder_name(trainer.epoch)
    partial = home / f".{whole.name}.partial"
    if place.rank == 0:
        _check_latest(home, trainer.epoch)
        make_folder(home)
        for left in home.glob(".epoch-*.partial"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        make_folder(partial)
    for rank, other in enumerate(place.gather(best is not None)):  # and wait for the folder
        if other != (best is not None):
            raise InputError(
                f"best is given on rank {place.rank if other is False else rank} and not on rank "
                f"{rank if other is False else place.rank}",
                expected="the best weights of its layers from every process, or from none",
            )
    digests = {}
    for number in trainer.layer_ranges[place.stage]:
        tensors = layer_tensors(trainer, number, None if best is None else best[number])
        name = file_name(number, place.way)
        digests[name] = write_tensors(partial / name, tensors)
    files: dict[str, str] = {}
    # A stage without weights has no optimizer to ask.
    optimizer: Mapping[str, Any] | None = None
    for part in place.gather((digests, trainer.update.state())):
        assert isinstance(part, tuple)
        files |= part[0]
        optimizer = part[1] if optimizer is None else optimizer
    if place.rank == 0:
        manifest = {
            "epoch": trainer.epoch,
            "identity": trainer.identity(),
            "watch": [trainer.watch.first, trainer.watch.high],
            **(_NO_OPTIMIZER if optimizer is None else optimizer),
            "has_best": best is not None,
            "extra": extra,
            "files": files,
        }
        write_manifest(partial, manifest)
        try:
            shutil.rmtree(whole, ignore_errors=True)
            partial.rename(whole)
            sync_folder(home)
        except OSError as problem:
            raise output_error(whole, problem) from problem
        for old in find_checkpoints(home)[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
    place.wait()
    return whole


def load_checkpoint(trainer: PipelineTrainer, folder: Path | str) -> Resumed:
    """Take up the newest checkpoint of a folder; every process has to call it.

    Args:
        trainer: A training of the same stack, graph and settings, on any number of stages.
        folder: Where the checkpoints are.

    Returns:
        How many epochs are done, and what the caller had kept.

    Raises:
        CheckpointError: If it is of another training, another version, or damaged, or the folder is
            a checkpoint itself.
    """
    if (Path(folder) / MANIFEST).is_file():
        raise CheckpointError(
            f"{folder} is a checkpoint",
            expected="the folder of checkpoints that it lies in",
            mend=f"pass {Path(folder).parent}",
        )
    with trainer.place.failures.telling():
        return _load(trainer, Path(folder))


def _load(trainer: PipelineTrainer, folder: Path) -> Resumed:
    found = find_checkpoints(folder)
    name = found[-1].name if found else None
    for rank, other in enumerate(trainer.place.gather(name)):
        if other != name:
            raise CheckpointError(
                f"the newest checkpoint in {folder} is {name} here and {other} on rank {rank}",
                expected="the same folder on a disk that all processes see",
            )
    if not found:
        return Resumed()
    tensors: dict[int, dict[str, Tensor]] = {}
    problem: CheckpointError | None = None
    try:
        manifest = read_manifest(found[-1])
        _check_identity(trainer, found[-1], manifest)
        for number in trainer.layer_ranges[trainer.place.stage]:
            tensors[number] = _read_layer(trainer, found[-1], manifest, number)
    except CheckpointError as error:
        problem = error
    # All take it up, or nobody does.
    for other in trainer.place.gather(problem):
        if isinstance(other, CheckpointError):
            raise other
    best = {number: load_layer_tensors(trainer, number, state) for number, state in tensors.items()}
    trainer.update.load(manifest)
    trainer.watch.first, trainer.watch.high = manifest["watch"][0], int(manifest["watch"][1])
    trainer.go_on_from(int(manifest["epoch"]))
    return Resumed(trainer.epoch, manifest["extra"], best if manifest["has_best"] else None)


def _check_identity(trainer: PipelineTrainer, latest: Path, manifest: Mapping[str, Any]) -> None:
    for name, value in trainer.identity().items():
        found = first_difference(name, manifest["identity"].get(name), value)
        if found is not None:
            where, given, expected = found
            told = name not in DIGESTS  # the names of bits tell a reader nothing
            raise CheckpointError(
                f"{latest} is of a training with "
                + (f"{where} = {given}" if told else f"another {name}"),
                expected=expected if told else "the same bits",
                mend="choose the folder of this training, or an empty one",
            )
    trainer.update.check(manifest)


def _read_layer(
    trainer: PipelineTrainer, checkpoint: Path, manifest: Mapping[str, Any], number: int
) -> dict[str, Tensor]:
    """Weights and optimizer of a layer, and this way's history of its input."""
    tensors: dict[str, Tensor] = {}
    for way in sorted({0, trainer.place.way}):
        name = file_name(number, way)
        # The first way's history is overwritten by this one's.
        tensors |= read_tensors(checkpoint / name, manifest["files"].get(name))
    check_layer_tensors(trainer, checkpoint, number, tensors, has_best=manifest["has_best"])
    return tensors


def _check_latest(home: Path, epoch: int) -> None:
    """Refuse to write behind a later checkpoint, which would be taken up in place of this one."""
    found = find_checkpoints(home)
    if found and int(found[-1].name.partition("-")[2]) > epoch:
        raise CheckpointError(
            f"{home} holds {found[-1].name}, and this training is at epoch {epoch}",
            expected="no later checkpoint",
            mend="choose an empty folder, or load_checkpoint before the first epoch",
        )


def _layers(trainer: PipelineTrainer) -> dict[int, Any]:
    return {int(number): layer for number, layer in trainer.layers.items()}


def _check_extra(extra: Any) -> None:
    try:
        json.dumps(extra)
    except (TypeError, ValueError, RecursionError) as problem:
        raise InputTypeError(
            f"extra cannot be written as JSON ({problem})",
            expected="numbers, texts, lists and dictionaries of them",
            mend="pass weights as best",
        ) from problem
