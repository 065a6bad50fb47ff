"""The predict command without the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.errors import InputError
from graphlearn.serve import LinkRecommender
from graphlearn.serve.predicting import predict, read_ids


def test_shown_and_written(model: LinkRecommender, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    lines = list(predict(tmp_path / "model", source=["3"], top=2))
    assert lines[0].split("\t") == ["source", "rank", "target", "probability"]
    assert [line.split("\t")[:2] for line in lines[1:]] == [["3", "1"], ["3", "2"]]
    (tmp_path / "ids.txt").write_text("3\n\n4\n")
    assert read_ids(tmp_path / "ids.txt") == ["3", "4"]
    lines = list(predict(tmp_path / "model", sources=tmp_path / "ids.txt", top=2))
    assert len(lines) == 5
    out = tmp_path / "links.csv"
    assert list(predict(tmp_path / "model", all_sources=True, top=2, out=out)) == [
        f"240 links: {out}"
    ]
    assert len(out.read_text().splitlines()) == 241


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "no sources"),
        ({"source": ["1"], "all_sources": True}, "several kinds"),
        ({"all_sources": True}, "without --out"),
        ({"source": ["1"], "top": 0}, "top is 0"),
        ({"source": ["1"], "out": "links.doc"}, "unknown format"),
    ],
)
def test_refusals(options: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        list(predict("model", **options))
