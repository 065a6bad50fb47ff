"""What the room offers under one roof; the parts are tested beside it."""

from __future__ import annotations

import graphlearn.kernels.segment as room


def test_everything_it_names_is_there() -> None:
    assert all(hasattr(room, name) for name in room.__all__)
