from __future__ import annotations

import pytest
from torch import nn

from graphlearn.modes import evaluating


def test_every_part_gets_back_the_mode_it_had() -> None:
    module = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout(), nn.Dropout()))
    module[1][0].eval()
    before = [part.training for part in module.modules()]

    def fail() -> None:
        with evaluating(module):
            assert not any(part.training for part in module.modules())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [part.training for part in module.modules()] == before


def test_nothing_where_it_is_off() -> None:
    module = nn.Dropout()
    with evaluating(module, enabled=False):
        assert module.training
