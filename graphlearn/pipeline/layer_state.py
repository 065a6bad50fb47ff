"""What a checkpoint holds of one layer: weights, their optimizer, history, and the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from graphlearn.errors import CheckpointError, InputTypeError
from graphlearn.pipeline.layer_rows import LayerRows
from graphlearn.pipeline.trainer import PipelineTrainer

_MODEL, _OPTIMIZER, _BEST, _HISTORY = "model.", "optimizer.", "best.", "history"


def layer_tensors(
    trainer: PipelineTrainer, number: int, best: Mapping[str, Tensor] | None
) -> dict[str, Tensor]:
    """The tensors of a layer that this process writes.

    Every way has the history of its own rows; all else is the same on them, and the first's.

    Args:
        trainer: The training.
        number: Of the layer in the stack, one of this stage's.
        best: Weights of the layer that are kept beside the present ones, or None.

    Raises:
        InputTypeError: If the optimizer keeps something else than tensors.
    """
    found = _history(trainer.layer_rows(number))
    if trainer.place.way:
        return found
    layer = _layer(trainer, number)
    found |= {_MODEL + name: value.detach() for name, value in layer.state_dict().items()}
    if trainer.optimizer is not None:
        for name, parameter in layer.named_parameters():
            for key, value in trainer.optimizer.state.get(parameter, {}).items():
                if not isinstance(value, Tensor):
                    raise InputTypeError(
                        f"{key} in the state of the optimizer is a {type(value).__name__}, which a "
                        "checkpoint cannot hold",
                        expected="an optimizer that keeps tensors, as torch's do",
                    )
                found[f"{_OPTIMIZER}{name}.{key}"] = value
    if best is not None:
        found |= {_BEST + name: value for name, value in best.items()}
    return found


def check_layer_tensors(
    trainer: PipelineTrainer,
    checkpoint: Path,
    number: int,
    tensors: Mapping[str, Tensor],
    *,
    has_best: bool,
) -> None:
    """Raise unless a layer's files have the tensors that the layer has, in shape and dtype.

    Args:
        trainer: The training.
        checkpoint: Its folder, for the error text.
        number: Of the layer in the stack.
        tensors: What was read.
        has_best: Whether the best weights are among them.

    Raises:
        CheckpointError: If not.
    """
    state = _layer(trainer, number).state_dict()
    wanted = {_MODEL + name: value for name, value in state.items()}
    wanted |= _history(trainer.layer_rows(number))
    if has_best:
        wanted |= {_BEST + name: value for name, value in state.items()}
    found = {name: value for name, value in tensors.items() if not name.startswith(_OPTIMIZER)}
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


def load_layer_tensors(
    trainer: PipelineTrainer, number: int, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Take up what :func:`layer_tensors` gave, and return the best weights.

    Args:
        trainer: The training.
        number: Of the layer in the stack.
        tensors: Checked ones.
    """
    layer = _layer(trainer, number)
    layer.load_state_dict(_under(_MODEL, tensors))
    rows = trainer.layer_rows(number)
    if rows is not None:
        rows.history.copy_(tensors[_HISTORY])
    if trainer.optimizer is not None:
        for name, parameter in layer.named_parameters():
            state = {
                key: value.to(parameter.device) if value.dim() else value
                for key, value in _under(f"{_OPTIMIZER}{name}.", tensors).items()
            }
            if state:
                trainer.optimizer.state[parameter] = state
    return _under(_BEST, tensors)


def _layer(trainer: PipelineTrainer, number: int) -> nn.Module:
    return trainer.layers[str(number)]


def _history(rows: LayerRows | None) -> dict[str, Tensor]:
    return {} if rows is None else {_HISTORY: rows.history}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
