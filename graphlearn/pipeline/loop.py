"""The loop around a pipelined training: take up the last checkpoint, train, save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphlearn.errors import CheckpointError, InputTypeError
from graphlearn.pipeline.checkpoint import load_checkpoint, save_checkpoint
from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.trainer import PipelineTrainer
from graphlearn.validate import check_num_nodes, check_size


def train(
    trainer: PipelineTrainer,
    epochs: int,
    *,
    folder: Path | str | None = None,
    every: int = 10,
    on_epoch: Callable[[PipelineEpoch], None] | None = None,
) -> list[PipelineEpoch]:
    """Train until so many epochs are done; every process has to call it.

    With a folder it goes on from the newest checkpoint there, so a script that a launcher starts
    again after a worker was killed (``torchrun --max-restarts``) needs nothing else; what it ends
    with is what the undisturbed run ends with, bit for bit.

    Args:
        trainer: The training.
        epochs: How many in all, those before a restart included.
        folder: Where checkpoints are, on a disk that all processes see; None for none.
        every: After how many epochs one is written; also after the last.
        on_epoch: Called on every process after each epoch, before a checkpoint is written.

    Returns:
        What each epoch gave that was trained now; nothing if all were done before.

    Raises:
        InputError: If a number is out of range.
        InputTypeError: If the trainer is none.
        CheckpointError: If the folder's checkpoint is of another training, of more epochs, or
            damaged.
        OutputError: If a checkpoint cannot be written.
        DivergedError: If the loss has run away, or something is not finite.
        PeerLostError: If another process died or hangs.

    Example:
        >>> import tempfile, torch
        >>> from torch_geometric.data import Data
        >>> class Layer(torch.nn.Linear):
        ...     reads_halo = False
        ...     def forward(self, x, chunk):
        ...         return super().forward(x)
        >>> edge_index = torch.tensor([[0, 1], [1, 0]])
        >>> data = Data(x=torch.eye(2), edge_index=edge_index, y=torch.tensor([0, 1]))
        >>> data.train_mask = torch.ones(2, dtype=torch.bool)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for epochs in (3, 5):  # the second time it goes on
        ...         _ = torch.manual_seed(0)
        ...         trainer = PipelineTrainer([Layer(2, 2)], data, chunks=2)
        ...         print([record.epoch for record in train(trainer, epochs, folder=folder)])
        [0, 1, 2]
        [3, 4]
    """
    given: Any = trainer
    if not isinstance(given, PipelineTrainer):
        raise InputTypeError(
            f"the trainer is a {type(given).__name__}", expected="a PipelineTrainer"
        )
    epochs = check_num_nodes(epochs, name="epochs")
    every = check_size(every, name="every")
    if folder is not None and trainer.epoch == 0:
        done = load_checkpoint(trainer, folder).epoch
        if done > epochs:
            raise CheckpointError(
                f"{folder} holds a training of {done} epochs",
                expected=f"{epochs} at most",
                mend="ask for more epochs, or choose an empty folder",
            )
    records = []
    with trainer.place.failures.telling():
        while trainer.epoch < epochs:
            records.append(trainer.train_epoch())
            if on_epoch is not None:
                on_epoch(records[-1])
            if folder is not None and (trainer.epoch % every == 0 or trainer.epoch == epochs):
                save_checkpoint(trainer, folder)
    return records
