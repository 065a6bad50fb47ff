from __future__ import annotations

import dataclasses

import pytest

from graphlearn.pipeline import PipelineEpoch
from graphlearn.pipeline.records import Turn


def test_a_record_is_short_and_does_not_change() -> None:
    record = PipelineEpoch(3, 0.5, 1.0, (10, 20), [Turn(0, True, 0.0, 0.5)])
    assert repr(record) == "PipelineEpoch(epoch=3, loss=0.5, seconds=1.0, sent_bytes=(10, 20))"
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.loss = 0.1  # type: ignore[misc]
    assert PipelineEpoch(0, 1.0, 1.0, (0, 0)).turns == []
