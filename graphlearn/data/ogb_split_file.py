"""OGB's split files, read so that nothing in them can run.

They are ``torch.save``d dictionaries of numpy arrays. ``torch.load(weights_only=True)`` refuses
numpy's classes unless they are allowed; allowed here are the constructors of plain arrays, under
the names that numpy 1 and numpy 2 write, the one of no bytes at all, as which an empty array is
written, and nothing else.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import DataNotFoundError, UnsafeFileError

# What torch meets in a truncated or foreign file, depending on where it breaks off.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read_split_file(path: Path | str) -> dict[str, Tensor]:
    """Read one of OGB's ``train.pt``, ``valid.pt``, ``test.pt``.

    Args:
        path: The file.

    Shapes:
        - output: name -> array as stored

    Raises:
        DataNotFoundError: If there is no such file.
        UnsafeFileError: If it names anything but arrays, or is truncated or no such file at all.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"edge": np.array([[0, 1]])}, f"{folder}/train.pt")
        ...     read_split_file(f"{folder}/train.pt")
        {'edge': tensor([[0, 1]])}
    """
    path = Path(path)
    return _as_tensors(path, _load(path))


def read_split_parts(path: Path | str) -> dict[str, dict[str, Tensor]]:
    """Read one ``split_dict.pt``, in which OGB's ``DatasetSaver`` puts all parts of a link split.

    Args:
        path: The file.

    Shapes:
        - output: part -> name -> array as stored

    Raises:
        DataNotFoundError: If there is no such file.
        UnsafeFileError: As :func:`read_split_file`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"train": {"edge": np.array([[0, 1]])}}, f"{folder}/split_dict.pt")
        ...     read_split_parts(f"{folder}/split_dict.pt")
        {'train': {'edge': tensor([[0, 1]])}}
    """
    path = Path(path)
    content = _load(path)
    for key, part in content.items():
        if not isinstance(part, dict):
            raise _refused(path, f"holds a {type(part).__name__} under {key!r}")
    return {str(key): _as_tensors(path, part) for key, part in content.items()}


def _load(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="a split file of OGB")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_array_types()):
            # numpy 2 deprecates what numpy 1 wrote into these files.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            # torch remarks on a pickle protocol that it does not know, then refuses the file.
            warnings.filterwarnings("ignore", message="Detected pickle protocol")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named is None:
            raise _refused(path, "is no readable split file") from None
        raise _refused(path, f"names {named[1]}, which is no array type") from None
    except _UNREADABLE as error:
        raise _refused(
            path, f"cannot be read ({(str(error) or repr(error)).splitlines()[0]})"
        ) from error
    if not isinstance(content, dict):
        raise _refused(path, f"holds a {type(content).__name__}")
    return content


def _as_tensors(path: Path, content: dict[Any, Any]) -> dict[str, Tensor]:
    return {str(key): _as_tensor(path, str(key), value) for key, value in content.items()}


def _array_types() -> list[Any]:
    # Asked of the objects themselves, because numpy 2 renamed the module they live in.
    constructors = {
        "_reconstruct": np.empty(0).__reduce__()[0],
        "scalar": np.float64(0).__reduce__()[0],
    }
    allowed: list[Any] = [np.ndarray, np.dtype]
    allowed += [getattr(np.dtypes, name) for name in np.dtypes.__all__]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        allowed += [(function, f"{module}.{name}") for name, function in constructors.items()]
    return [*allowed, *((_no_bytes, f"{module}.bytes") for module in ("__builtin__", "builtins"))]


def _no_bytes(*given: Any) -> bytes:
    """Stands for ``bytes``: an empty array's content is written as a call of it."""
    if given:  # bytes(10**12) would be a terabyte
        raise ValueError("bytes are made of something")
    return b""


def _as_tensor(path: Path, key: str, value: Any) -> Tensor:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=False))
    if not isinstance(value, Tensor):
        raise _refused(path, f"holds a {type(value).__name__} under {key!r}")
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        kind = "quantized" if value.is_quantized else str(value.layout).removeprefix("torch.")
        raise _refused(path, f"holds a tensor under {key!r} that is {kind}, on {value.device}")
    if (
        value.is_complex()
        or value.numel() * value.element_size() > value.untyped_storage().nbytes()
    ):
        # A tensor of stride 0 is of any size in a file of a few bytes.
        raise _refused(
            path, f"holds {value.dtype} of shape {list(value.shape)} under {key!r}, not all stored"
        )
    return value.detach()


def _refused(path: Path, reason: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path} {reason}",
        expected="a dictionary of plain arrays",
        mend="fetch the file again from OGB",
    )
