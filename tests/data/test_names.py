"""What the room offers."""

from __future__ import annotations

import graphlearn.data


def test_all_names_are_there_and_sorted() -> None:
    names = graphlearn.data.__all__
    assert sorted(names) == list(names)
    assert all(hasattr(graphlearn.data, name) for name in names)
