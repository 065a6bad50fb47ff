from __future__ import annotations

import pytest

from graphlearn.bench.listing import listing


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("datasets", ["cora", "ncn-planetoid", "2708"]),
        ("datasets", ["node split", "public", "squirrel-filtered"]),
        ("models", ["ncnc", "digits-knn", "propagation"]),
        ("recipes", ["ncn/cora", "hits@100 89.05 ± 0.96", "2302.00890"]),
    ],
)
def test_parts(what: str, words: list[str]) -> None:
    text = listing(what)
    assert all(word in text for word in words)
    assert text in listing("all")
