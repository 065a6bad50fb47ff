"""What a figure may depend on besides recipe, data and seed: versions, threads, device."""

from __future__ import annotations

import importlib.metadata
import platform

import torch

import graphlearn
from graphlearn.bench.hardware import cpu_name

PACKAGES = ("torch", "torch_geometric", "numpy", "numba", "scipy")


def package_version(name: str) -> str:
    """Return the installed version of ``name``, or ``"not installed"``.

    Example:
        >>> package_version("no-such-package")
        'not installed'
    """
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def run_versions(device: str = "cpu") -> dict[str, str]:
    """Return the versions and settings that stand beside a result.

    Args:
        device: Where the run computes.

    Example:
        >>> "torch" in run_versions()
        True
    """
    versions = {"graphlearn": graphlearn.__version__, "python": platform.python_version()}
    versions |= {name: package_version(name) for name in PACKAGES}
    versions["threads"] = str(torch.get_num_threads())
    versions["device"] = device
    versions["cpu"] = cpu_name()
    if device.startswith("cuda") and torch.cuda.is_available():
        versions["device"] = f"{device} ({torch.cuda.get_device_name(device)})"
    return versions
