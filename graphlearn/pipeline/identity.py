"""What a training is, so that a checkpoint is not taken up by another one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.pipeline.layout import Layout

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
DIGESTS = ("weights", "x", "y", "layout", "messages")
"""What is given as a digest, whose text tells a reader nothing."""


def layout_digest(*assignments: Tensor) -> str:
    """A short name for which chunk and way every node belongs to.

    Args:
        *assignments: Integer tensors ``[N]``.

    Example:
        >>> layout_digest(torch.tensor([0, 1])) == layout_digest(torch.tensor([0, 1]))
        True
    """
    digest = hashlib.sha256()
    for assignment in assignments:
        digest.update(assignment.long().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def tensor_digest(*tensors: Tensor) -> str:
    """A short name for the bits of tensors.

    Example:
        >>> tensor_digest(torch.zeros(2)) == tensor_digest(torch.tensor([0.0, -0.0]))
        False
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{flat.dtype} {list(tensor.shape)}".encode())
        if flat.numel():  # an empty one may have strides that bytes cannot be seen through
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def messages_digest(layout: Layout) -> str:
    """A short name for a layout's messages and their factors, in the order they are summed in.

    One pass over the edges, about a second for 100 million.

    Example:
        >>> edges = torch.tensor([[0, 1], [1, 0]])
        >>> messages_digest(Layout(edges, 2, 1)) == messages_digest(Layout(edges.flip(1), 2, 1))
        True
        >>> messages_digest(Layout(edges, 2, 1, normalization="gcn")) == messages_digest(
        ...     Layout(edges, 2, 1, normalization="mean")
        ... )
        False
    """
    digest = hashlib.sha256()
    for number in range(layout.num_chunks):
        for way in range(layout.num_ways):
            chunk = layout.chunk(number, way)
            parts = (chunk.rowptr, chunk.col, chunk.halo)
            weight = () if chunk.weight is None else (chunk.weight,)
            digest.update(tensor_digest(*parts, *weight).encode())
    return digest.hexdigest()[:16]


def layer_options(layer: nn.Module) -> dict[str, str]:
    """What makes a layer what it is, beside its class and its weights: the same in every process.

    Numbers, texts, switches, lists of them and named functions that it or a module inside has as
    public attributes, such as the alpha of GCNII or the p of a dropout, and what ``repr`` tells.
    Not found out are those kept in tensors that are no buffers, or in objects of other classes.

    Args:
        layer: Before it has been called: what it counts changes.

    Example:
        >>> layer_options(nn.Sequential(nn.Dropout(0.5)))
        {'0': "Dropout('p=0.5, inplace=False')", '0.inplace': 'False', '0.p': '0.5'}
    """
    found = {}
    for path, module in layer.named_modules():
        prefix = f"{path}." if path else ""
        told = _ADDRESS.sub("", module.extra_repr())
        if path:
            found[path] = f"{type(module).__name__}({told!r})" if told else type(module).__name__
        elif told:
            found["repr"] = told
        for name in ("reads_halo", "sets_initial", "takes_initial"):
            if hasattr(module, name):
                found[prefix + name] = repr(bool(getattr(module, name)))
        for name, value in vars(module).items():
            text = _scalar(value)
            if text is not None and name != "training" and not name.startswith("_"):
                found[prefix + name] = text
    return dict(sorted(found.items()))


def _scalar(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, int, float, complex, str, torch.dtype)):
        return repr(value)
    if isinstance(value, (FunctionType, BuiltinFunctionType)):
        return value.__qualname__
    if isinstance(value, (list, tuple)):
        parts = [_scalar(each) for each in value]
        if all(part is not None for part in parts):
            return f"[{', '.join(map(str, parts))}]"
    return None


def stack_identity(
    layers: Sequence[nn.Module],
    widths: Sequence[Sequence[int]],
    options: Sequence[dict[str, str]],
    dtype: torch.dtype,
) -> dict[str, Any]:
    """What a stack is, but for its weights.

    Args:
        layers: The layers.
        widths: Channels of what goes into each, and out of the last.
        options: :func:`layer_options` of each.
        dtype: Of the features.

    Example:
        >>> stack_identity([nn.Identity()], [[3], [3]], [{}], torch.float32)["layers"]
        ['Identity']
    """
    return {
        "num_layers": len(layers),
        "layers": [type(layer).__name__ for layer in layers],
        "widths": [list(width) for width in widths],
        "dtype": str(dtype).removeprefix("torch."),
        "options": list(options),
    }


def layout_identity(layout: Layout) -> dict[str, Any]:
    """What a graph is to a training, and how it is cut.

    Args:
        layout: The layout.

    Example:
        >>> found = layout_identity(Layout(torch.tensor([[0], [1]]), 2, 1, normalization="gcn"))
        >>> found["num_edges"], found["normalization"]
        (1, 'gcn')
    """
    return {
        "num_nodes": layout.num_nodes,
        "num_edges": layout.num_edges,
        "num_chunks": layout.num_chunks,
        "num_ways": layout.num_ways,
        "normalization": layout.normalization,
        "layout": layout_digest(layout.chunk_of, layout.way_of, layout.degree),
        "messages": messages_digest(layout),
    }


def first_difference(name: str, given: Any, expected: Any) -> tuple[str, str, str] | None:
    """Where two values of JSON differ first, and what stands there; None if they are equal.

    Args:
        name: What they are called.
        given: The one.
        expected: The other.

    Example:
        >>> first_difference("options", [{"p": "0.5"}, {"p": "0.5"}], [{"p": "0.5"}, {"p": "0.1"}])
        ('options[1].p', "'0.5'", "'0.1'")
    """
    if given == expected:
        return None
    if isinstance(given, dict) and isinstance(expected, dict):
        for key in sorted(given.keys() | expected.keys()):
            found = first_difference(f"{name}.{key}", given.get(key), expected.get(key))
            if found is not None:
                return found
    if isinstance(given, list) and isinstance(expected, list) and len(given) == len(expected):
        for place, (one, other) in enumerate(zip(given, expected, strict=True)):
            found = first_difference(f"{name}[{place}]", one, other)
            if found is not None:
                return found
    return name, repr(given), repr(expected)


def check_agreement(given: Sequence[Any]) -> None:
    """Raise unless all processes were given the same stack, data and settings.

    Args:
        given: A dictionary from each process, by rank; None stands for what a process does not
            know.

    Raises:
        InputError: If one differs.

    Example:
        >>> check_agreement([{"gamma": 2.0}, {"gamma": 2.0}])
    """
    for rank in range(1, len(given)):
        for name in given[0]:
            first = next((n for n in range(rank) if given[n][name] is not None), None)
            if first is None or given[rank][name] is None:
                continue
            found = first_difference(name, given[first][name], given[rank][name])
            if found is not None:
                where, one, other = found
                shown = "" if name in DIGESTS else f": {one} and {other}"
                raise InputError(
                    f"ranks {first} and {rank} were given different {where}{shown}",
                    expected="the same stack, data and arguments on every process",
                    mend="seed before the stack is made: torch.manual_seed(0)",
                )
