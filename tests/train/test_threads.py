from __future__ import annotations

import pytest
import torch

from graphlearn.train.threads import computing_with


def test_set_back_after_an_error() -> None:
    before = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with computing_with(before + 1):
            seen.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [before + 1]
    assert torch.get_num_threads() == before
