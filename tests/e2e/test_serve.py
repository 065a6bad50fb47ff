"""fit and predict as a person meets them: files in, files out, and one line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphlearn import cli
from graphlearn.data.edge_columns import read_edge_columns

Refused = Callable[..., str]


def edge_text(nodes: int = 60, count: int = 260) -> str:
    rng = np.random.default_rng(0)
    first = rng.integers(0, nodes, count)
    second = (first + 6 * rng.integers(1, nodes // 6, count)) % nodes
    rows = zip(first.tolist(), second.tolist(), strict=True)
    return "from,to,when\n" + "".join(f"u{a},u{b},{i}\n" for i, (a, b) in enumerate(rows))


FIT = ["--source-column", "from", "--target-column", "to", "--quiet"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edges.csv").write_text(edge_text())
    return tmp_path


@pytest.fixture
def refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Run the command line, check that it refuses well, and return the line it gave."""

    def snapshot() -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
            for path in folder.rglob("*")
        }

    def call(*words: str) -> str:
        before = snapshot()
        capfd.readouterr()
        code = cli.main(words)
        out, err = capfd.readouterr()
        assert code == 2, out + err
        assert len(err.splitlines()) == 1, err
        assert err.startswith("graphlearn: ")
        assert out == ""
        assert snapshot() == before
        return err

    return call


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "edges.csv").write_text(edge_text())
    words = ["fit", str(folder / "edges.csv"), "--out", str(folder / "model"), *FIT]
    assert cli.main([*words, "--time", "when"]) == 0
    return folder / "model"


def test_fit_then_predict(folder: Path, fitted: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert cli.main(["predict", str(fitted), "--source", "u7", "--source", "u1", "--top", "3"]) == 0
    shown = [line.split("\t") for line in capfd.readouterr().out.splitlines()]
    assert shown[0] == ["source", "rank", "target", "probability"]
    assert [row[:2] for row in shown[1:]] == [[u, r] for u in ("u7", "u1") for r in "123"]
    assert cli.main(["predict", str(fitted), "--all-sources", "--top", "3", "--out", "l.csv"]) == 0
    assert capfd.readouterr().out == "180 links: l.csv\n"
    rows = [line.split(",") for line in (folder / "l.csv").read_text().splitlines()[1:]]
    assert [row[2] for row in rows if row[0] == "u7"] == [row[2] for row in shown[1:4]]
    known = read_edge_columns(folder / "edges.csv", source="from", target="to")
    linked = {frozenset(known.ids[i] for i in pair) for pair in known.pairs.tolist()}
    assert not any(frozenset(row[::2][:2]) in linked for row in rows)
    first = (folder / "l.csv").read_bytes()
    assert cli.main(["predict", str(fitted), "--all-sources", "--top", "3", "--out", "l.csv"]) == 0
    assert (folder / "l.csv").read_bytes() == first


def test_what_fit_says(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "nodes.csv").write_text("id,x\n" + "".join(f"u{i},{i % 6}\n" for i in range(70)))
    words = ["fit", "edges.csv", *FIT[:-1], "--features", "nodes.csv", "--out", "model"]
    assert cli.main(words) == 0
    out, err = capfd.readouterr()
    assert "70 nodes" in err
    assert "repeated rows were merged" in err
    assert "hit rate at 10" in out
    assert out.splitlines()[-1] == "model:  model"
    assert sorted(entry.name for entry in (folder / "model").iterdir()) == [
        "card.json", "graph.safetensors", "ids.safetensors", "model.safetensors"
    ]  # fmt: skip
    assert cli.main(["predict", "model", "--source", "u69"]) == 0  # without links


@pytest.mark.parametrize(
    ("content", "words", "expected"),
    [
        ("source,target\n", [], "holds no edges"),
        ("", [], "holds no edges"),
        ("a,a\n", [], "the graph of 1 node has no link"),
        ("a,b\nb,c\n", [], "2 distinct links"),
        ("1,bob\n", [], "mixes integers such as '1' and text such as 'bob'"),
        ("source,target\na,b\n", ["--time", "when"], "unknown column 'when'"),
        ("source,target\na,b\n", ["--source-column", "src"], "unknown column 'src'"),
        ("source,target,t\na,b,-1\n", ["--time", "t"], "negative time -1"),
        ("source,target,t\na,b,\n", ["--time", "t"], "has no time"),
        ("0,-1\n", [], "node id -1"),
        (b"source,target\n\xe9,b\n", [], "UTF-8"),
        (None, [], "no file links.csv"),
        ("".join(f"{i},{i}\n" for i in range(10_000)), [], "graph of 10,000 nodes has no link"),
        ("a,b\n", ["--features", "none.csv"], "no file none.csv"),
        ("a,b\n", ["--seed", "-1"], "seed is -1"),
    ],
)
def test_edge_lists(
    refused: Refused, folder: Path, content: str | bytes | None, words: list[str], expected: str
) -> None:
    if content is not None:
        whole = content if isinstance(content, bytes) else content.encode()
        (folder / "links.csv").write_bytes(whole)
    assert expected in refused("fit", "links.csv", "--out", "model", "--quiet", *words)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("id,x\nu1,red\n", "'red' in column x"),
        ("id,x\nu1,1\n", "lacks 59 nodes"),
        ("id,x\n1,1\n2,2\n", "lacks 60 nodes"),
        ("id\nu1\n", "one column"),
    ],
)
def test_node_tables(refused: Refused, folder: Path, table: str, expected: str) -> None:
    (folder / "nodes.csv").write_text(table)
    assert expected in refused(
        "fit", "edges.csv", *FIT, "--features", "nodes.csv", "--out", "model"
    )


def test_places(refused: Refused, folder: Path) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "a.tex").write_text("...")
    assert "is no model" in refused("fit", "edges.csv", *FIT, "--out", "thesis")
    assert "is a file" in refused("fit", "edges.csv", *FIT, "--out", "edges.csv")
    assert "--out" in refused("fit", "edges.csv", *FIT)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--source", "nobody"], "no node 'nobody'"),
        (["--source", "u1", "--top", "0"], "top is 0"),
        (["--source", "u1", "--top", "-3"], "top is -3"),
        (["--all-sources"], "without --out"),
        (["--all-sources", "--out", "links.doc"], "unknown format"),
        (["--all-sources", "--out", "edges.csv/links.csv"], "could not be written"),
        ([], "one of --source"),
        (["--sources", "none.txt"], "no file none.txt"),
        (["--sources", "empty.txt"], "holds no ids"),
        (["--sources", "edges.csv"], "no node 'from,to,when'"),
    ],
)
def test_predictions(
    refused: Refused, fitted: Path, folder: Path, words: list[str], expected: str
) -> None:
    (folder / "empty.txt").write_text("\n")
    assert expected in refused("predict", str(fitted), *words)


@pytest.fixture
def changed(folder: Path, fitted: Path) -> Path:
    copy = folder / "model"
    copy.mkdir()
    for entry in fitted.iterdir():
        (copy / entry.name).write_bytes(entry.read_bytes())
    return copy


def test_models(refused: Refused, changed: Path) -> None:
    words = ["predict", "model", "--source", "u1"]
    assert "no model at none" in refused("predict", "none", "--source", "u1")
    file = changed / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "model.safetensors has changed" in refused(*words)
    file.unlink()
    assert "has no model.safetensors" in refused(*words)
    card = json.loads((changed / "card.json").read_text())
    (changed / "card.json").write_text(json.dumps(card | {"format_version": 99}))
    assert "format_version 99" in refused(*words)
    (changed / "card.json").write_text("{")
    assert "truncated or not JSON" in refused(*words)


def test_college_messages_by_time(data_root: Path, folder: Path) -> None:
    """The larger email-Enron takes minutes: experiments/perf/serve.py measures it."""
    path = data_root / "temporal" / "CollegeMsg.txt"
    if not path.is_file():
        pytest.skip(f"no file {path}")
    assert cli.main(["fit", str(path), "--out", "model", "--quiet", "--time", "3"]) == 0
    quality = json.loads((folder / "model" / "card.json").read_text())["quality"]
    rates = {scorer: found["hit_rate"] for scorer, found in quality["test"].items()}
    best = max(rates[heuristic] for heuristic in ("cn", "aa", "ra", "degree-product"))
    assert rates[quality["chosen"]] >= best
