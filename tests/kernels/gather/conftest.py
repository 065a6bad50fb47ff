from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from graphlearn.kernels.gather import triton_rows


@pytest.fixture(scope="module")
def interpreted() -> ModuleType:
    """A copy of the module whose kernel Triton's interpreter runs, on CPU tensors.

    Triton decides that when it meets a kernel, so the module is loaded a second time.
    """
    pytest.importorskip("triton", reason="Triton has no wheel for this platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        spec = importlib.util.spec_from_file_location("interpreted_rows", triton_rows.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
