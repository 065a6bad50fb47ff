"""Checks of graphs, features and pairs at the door, so that no kernel meets bad input.

Every check costs one pass over what it checks and copies nothing.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)


def _integer(value: Any, name: str, *, least: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputTypeError(f"{name} is {value!r}", expected=f"an integer >= {least}")
    number = int(value)
    if number < least:
        raise InputError(f"{name} is {number}", expected=f"an integer >= {least}")
    return number


def check_num_nodes(num_nodes: Any, *, name: str = "num_nodes") -> int:
    """Return ``num_nodes`` as an int, or raise unless it is an integer >= 0.

    Raises:
        InputTypeError: If it is not an integer.
        InputError: If it is negative.
    """
    return _integer(num_nodes, name, least=0)


def check_size(value: Any, *, name: str) -> int:
    """Return ``value`` as an int, or raise unless it is an integer >= 1.

    Raises:
        InputTypeError: If it is not an integer.
        InputError: If it is below 1.

    Example:
        >>> check_size(64, name="hidden_channels")
        64
    """
    return _integer(value, name, least=1)


def check_flag(value: Any, *, name: str) -> bool:
    """Return ``value`` if it is True or False.

    Raises:
        InputTypeError: If it is anything else; a text such as "no" would count as True.

    Example:
        >>> check_flag(True, name="residual")
        True
    """
    if not isinstance(value, bool):
        raise InputTypeError(f"{name} is {value!r}", expected="True or False")
    return value


def check_flags(**values: Any) -> None:
    """Raise unless all of them are True or False; see :func:`check_flag`.

    Raises:
        InputTypeError: If one is anything else, by its name.

    Example:
        >>> check_flags(residual=True, layer_norm=False)
    """
    for name, value in values.items():
        check_flag(value, name=name)


def check_probability(value: Any, *, name: str) -> float:
    """Return ``value`` if it is in [0, 1].

    Raises:
        InputError: If it is not.

    Example:
        >>> check_probability(0.5, name="dropout")
        0.5
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} is {value!r}", expected="a number in [0, 1]")
    number = float(value)
    if not 0.0 <= number <= 1.0:
        raise InputError(f"{name} is {value}", expected="a number in [0, 1]")
    return number


def check_number(value: Any, *, name: str) -> float:
    """Return ``value`` as a float if it is a finite real number and no boolean.

    Raises:
        InputTypeError: If it is no number.
        InputError: If it is infinite or NaN.

    Example:
        >>> check_number(2, name="scale")
        2.0
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} is {value!r}", expected="a number")
    if not math.isfinite(value):
        raise InputError(f"{name} is {value}", expected="a finite number")
    return float(value)


def check_node_pairs(
    pairs: Any, num_nodes: int, *, name: str = "edge_index", allow_empty: bool = True
) -> Tensor:
    """Return ``pairs`` unchanged if it holds ids in ``[0, num_nodes)`` as integers ``[2, E]``.

    Args:
        pairs: What the user gave.
        num_nodes: Number of nodes of the graph.
        name: The argument's name, for the error text.
        allow_empty: Whether ``E = 0`` is acceptable.

    Raises:
        InputTypeError: If it is not a tensor, or not of an integer dtype.
        InputError: If its shape is wrong, it is empty and may not be, or an id is out of range.
    """
    if not isinstance(pairs, Tensor):
        raise InputTypeError(
            f"{name} is a {type(pairs).__name__}",
            expected="an integer tensor of shape [2, E]",
            mend=f"pass torch.as_tensor({name})",
        )
    if pairs.dtype not in _INTEGERS:
        raise InputTypeError(
            f"{name} has dtype {pairs.dtype}",
            expected="an integer tensor of shape [2, E]",
            mend=f"pass {name}.long() if its values are whole numbers",
        )
    if pairs.dim() != 2 or pairs.size(0) != 2:
        mend = f"pass {name}.t()" if pairs.dim() == 2 and pairs.size(1) == 2 else ""
        raise InputError(
            f"{name} has shape {list(pairs.shape)}", expected="shape [2, E]", mend=mend
        )
    if pairs.size(1) == 0:
        if allow_empty:
            return pairs
        raise InputError(f"{name} is empty", expected="at least one column")
    low, high = id_range(pairs)
    if low < 0 or high >= num_nodes:
        bad = low if low < 0 else high
        column = int((pairs == bad).any(dim=0).nonzero()[0])
        raise InputError(
            f"{name} holds node id {bad} in column {column}",
            expected=f"ids in [0, {num_nodes})",
            mend=""
            if low < 0 or name != "edge_index"
            else (f"pass num_nodes={high + 1} or more, or drop the edge"),
        )
    return pairs


def id_range(ids: Tensor) -> tuple[int, int]:
    """Least and largest id; on the CPU by numpy, in this thread.

    Torch would wake its own threads, which stay awake in a loop for milliseconds and keep the cores
    from the kernel that comes next: two threads then gained half as much.
    """
    if ids.device.type == "cpu":
        array = ids.detach().numpy()
        return int(array.min()), int(array.max())
    low, high = torch.aminmax(ids)
    return int(low), int(high)


def check_features(
    x: Any, num_nodes: int | None = None, *, name: str = "x", channels: int | None = None
) -> Tensor:
    """Return ``x`` unchanged if it is a finite floating-point tensor ``[N, C]``.

    Args:
        x: What the user gave; dense, sparse COO or sparse CSR.
        num_nodes: Required ``N``, if known.
        name: The argument's name, for the error text.
        channels: Required ``C``, if known.

    Raises:
        InputTypeError: If it is not a floating-point tensor.
        InputError: If its shape is wrong or it holds NaN or infinity.
    """
    if not isinstance(x, Tensor) or x.dtype not in _FLOATS:
        kind = f"dtype {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
        raise InputTypeError(f"{name} has {kind}", expected="a floating-point tensor [N, C]")
    if x.dim() != 2:
        raise InputError(f"{name} has shape {list(x.shape)}", expected="shape [N, C]")
    if num_nodes is not None and x.size(0) != num_nodes:
        raise InputError(f"{name} has {x.size(0)} rows", expected=f"{num_nodes}, one for each node")
    if channels is not None and x.size(1) != channels:
        raise InputError(f"{name} has {x.size(1)} channels", expected=f"{channels}")
    values = x
    if x.layout == torch.sparse_coo:
        values = x._values()
    elif x.layout == torch.sparse_csr:
        values = x.values()
    # One pass without a mask the size of x: the sum is finite unless an entry is not (or it
    # overflows, in which case the slow look decides).
    if values.numel() and not bool(torch.isfinite(values.detach().sum())):
        wrong = ~torch.isfinite(values.detach())
        count = int(wrong.sum())
        if count:
            where = ""
            if x.layout == torch.strided:
                row, column = (int(v) for v in wrong.nonzero()[0])
                where = f", the first at node {row}, channel {column}"
            raise InputError(
                f"{name} holds {count} values that are NaN or infinite{where}",
                expected="finite features",
            )
    return x


def check_device(device: Any) -> torch.device:
    """Return the device of that name, after a look whether it is there.

    Args:
        device: Such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        InputError: If this torch knows no such device, or the machine has none.

    Example:
        >>> check_device("cpu")
        device(type='cpu')
    """
    problem: Exception | None = None
    try:
        # The allocation says whether the device works, and which one "cuda" is.
        found = torch.empty(1, device=device).device
        # Elsewhere the state of dropout's generator could not be stored in a checkpoint.
        if found.type in ("cpu", "cuda"):
            return found
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        # torch raises AssertionError where it was built without CUDA.
        problem = error
    raise InputError(
        f"device is {str(device)!r}",
        expected="cpu, or a cuda device that this machine and this build of torch have",
        mend='pass device="cpu"',
    ) from problem
