from __future__ import annotations

import subprocess
import sys

import pytest

from graphlearn.kernels.eager import run_eagerly


def test_the_function_is_what_it_was() -> None:
    def add(x: int, y: int = 2) -> int:
        """Adds."""
        return x + y

    wrapped = run_eagerly(add)
    assert wrapped(1) == 3
    assert (wrapped.__name__, wrapped.__doc__, wrapped.__module__) == ("add", "Adds.", __name__)


COLD = """
import torch
from graphlearn.nn import GRUAggregation, LCMAggregation
x, index = torch.randn(6, 4), torch.tensor([0, 2, 0, 1, 1, 0])
for cls in (LCMAggregation, GRUAggregation):
    layer = cls(4, 4)
    compiled = torch.compile(layer, backend="eager")
    assert torch.allclose(compiled(x, index), layer(x, index))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="torch.compile wants a compiler there")
def test_layers_compile_in_a_process_that_never_ran_their_loops() -> None:
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
