"""The predict command without the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.errors import InputError, OutputError
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


def test_a_place_is_refused_before_the_model_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "links.csv", "/proc/links.csv"):
        with pytest.raises(OutputError, match="could not be written"):
            next(predict(tmp_path / "no-model", all_sources=True, out=out))
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        next(predict(tmp_path / "no-model", all_sources=True, out=tmp_path / "a.csv"))


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


def test_tells_how_many_sources_are_done(
    model: LinkRecommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphlearn.serve.link_model._BLOCK", 50)
    told: list[tuple[int, int, str]] = []

    def tell(done: int, total: int, what: str) -> None:
        told.append((done, total, what))

    assert model.write_links(tmp_path / "all.csv", 2, advance=tell) == 240
    assert told == [(50, 120, "sources"), (100, 120, "sources"), (120, 120, "sources")]
    told.clear()
    model.save(tmp_path / "model")
    (tmp_path / "ids.txt").write_text("3\n4\n")
    list(predict(tmp_path / "model", sources=tmp_path / "ids.txt", out=tmp_path / "some.csv",
                 advance=tell))  # fmt: skip
    assert told == [(2, 2, "sources")]
