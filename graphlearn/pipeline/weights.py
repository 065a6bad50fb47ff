"""The weights of a stack: layer by layer on their stages, and all together under their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.place import Place

LayerWeights = Mapping[int, Mapping[str, Tensor]]


def copy_weights(layers: Mapping[int, nn.Module]) -> dict[int, dict[str, Tensor]]:
    """Weights and buffers of some layers as they are now, on the CPU.

    Args:
        layers: By their numbers in the stack.

    Example:
        >>> sorted(copy_weights({3: nn.Linear(1, 1)})[3])
        ['bias', 'weight']
    """
    return {
        number: {
            name: value.detach().to("cpu", copy=True) for name, value in layer.state_dict().items()
        }
        for number, layer in layers.items()
    }


def check_weights(given: Any, layers: Mapping[int, nn.Module], *, name: str = "weights") -> None:
    """Raise unless there is a tensor for each one of the layers, of its shape and dtype.

    Args:
        given: What the user gave.
        layers: By their numbers in the stack.
        name: The argument's name, for the error text.

    Raises:
        InputTypeError: If it is no dictionary of dictionaries of tensors.
        InputError: If layers or tensors are missing, too many, or of another shape or dtype.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> check_weights({0: layer.state_dict()}, {0: layer})
    """
    if not isinstance(given, Mapping) or not all(isinstance(of, Mapping) for of in given.values()):
        raise InputTypeError(
            f"{name} is a {type(given).__name__}",
            expected="a dictionary with the state_dict of each layer of this stage, by its number",
            mend="pass what trainer.layer_weights() gave",
        )
    if sorted(given) != sorted(layers):
        raise InputError(
            f"{name} has layers {sorted(given)}",
            expected=f"{sorted(layers)}, those of this stage",
            mend="pass what trainer.layer_weights() gave",
        )
    for number, layer in layers.items():
        wanted = {key: _kind(value) for key, value in layer.state_dict().items()}
        found = {key: _kind(value) for key, value in given[number].items()}
        for key in sorted(wanted.keys() | found.keys()):
            if found.get(key) != wanted.get(key):
                raise InputError(
                    f"{name} has {found.get(key, 'nothing')} for {key} of layer {number}",
                    expected=wanted.get(key, "nothing"),
                )


def load_weights(given: LayerWeights, layers: Mapping[int, nn.Module]) -> None:
    """Write weights and buffers into some layers.

    Args:
        given: What :func:`copy_weights` gave.
        layers: By their numbers in the stack.

    Raises:
        InputTypeError: As :func:`check_weights`.
        InputError: As :func:`check_weights`; no layer is changed.

    Example:
        >>> import torch
        >>> layer, other = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> load_weights(copy_weights({0: layer}), {0: other})
        >>> torch.equal(layer.weight, other.weight)
        True
    """
    check_weights(given, layers)
    for number, layer in layers.items():
        layer.load_state_dict(dict(given[number]))


def gather_weights(place: Place, own: LayerWeights) -> dict[str, Tensor]:
    """The weights of the whole stack, as ``nn.ModuleList(stack).state_dict()`` names them.

    Every process has to call it, and gets them. Of several ways those of the first are taken.
    Costs the bytes of all weights, once to each process.

    Args:
        place: Of this process.
        own: Those of the layers of its stage, by their numbers in the stack.

    Example:
        >>> import torch
        >>> list(gather_weights(Place(1, 1), {0: {"bias": torch.zeros(1)}, 1: {}}))
        ['0.bias']
    """
    mine = {
        number: {name: value.detach().cpu() for name, value in own[number].items()}
        for number in (sorted(own) if place.way == 0 else ())
    }
    found: dict[str, Tensor] = {}
    for part in place.gather(mine):
        assert isinstance(part, dict)
        for number, weights in part.items():
            found |= {f"{number}.{name}": value for name, value in weights.items()}
    return found


def _kind(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
