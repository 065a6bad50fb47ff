from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputTypeError
from graphlearn.nn.dtype import check_dtype


def test_another_precision_is_refused_but_under_autocast() -> None:
    x, weight = torch.ones(2, dtype=torch.float64), torch.ones(2)
    check_dtype(x, weight.double(), name="h")
    with pytest.raises(InputTypeError, match=r"^h has dtype torch.float64: expected torch.float32"):
        check_dtype(x, weight, name="h")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        check_dtype(x.bfloat16(), weight, name="h")
        # Autocast leaves float64 as it is, and a product of both would fail in torch.
        with pytest.raises(InputTypeError, match=r"^h has dtype torch.float64"):
            check_dtype(x, weight, name="h")
        with pytest.raises(InputTypeError, match=r"expected torch.float64, as weights"):
            check_dtype(x.float(), weight.double(), name="h")
