"""What all tests share: one thread each, fixed hypothesis draws, and the place of real data."""

from __future__ import annotations

import os

# Before torch is imported: the tests run side by side, so each keeps to one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]

# Derandomized: a failure on one machine is a failure on all, and no examples are kept on disk.
# No deadline: the first call of a numba kernel compiles it.
settings.register_profile(
    "graphlearn",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("graphlearn")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data: $GRAPHLEARN_TEST_DATA, else ../shared/data; skips without it."""
    named = os.environ.get("GRAPHLEARN_TEST_DATA")
    if named:
        root = Path(named)
        # Who names a folder wants these tests to run: a wrong name is a failure, not a skip.
        if not root.is_dir():
            pytest.fail(f"GRAPHLEARN_TEST_DATA={named} is not a folder")
        return root
    root = REPOSITORY.parent / "shared" / "data"
    if not root.is_dir():
        pytest.skip("no real data: set GRAPHLEARN_TEST_DATA, or put them in ../shared/data")
    return root


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads for the test, and restores it."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def one_and_two_threads(threads: Callable[[int], None]) -> Callable[..., list[object]]:
    """``run(function)``: its results with one thread and with two."""

    def run(function: Callable[[], object]) -> list[object]:
        results = []
        for count in (1, 2):
            threads(count)
            results.append(function())
        return results

    return run


@pytest.fixture(scope="session")
def ogb_miniatures() -> ModuleType:
    """The writers of OGB's datasets made small: ``tests/ogb_miniatures.py``."""
    place = Path(__file__).parent / "ogb_miniatures.py"
    spec = importlib.util.spec_from_file_location("ogb_miniatures", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ogb_root(ogb_miniatures: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a miniature of every OGB name in OGB's own format; not to be changed."""
    root = tmp_path_factory.mktemp("ogb_root")
    for name in ogb_miniatures.NAMES:
        ogb_miniatures.write_miniature(name, root)
    return root
