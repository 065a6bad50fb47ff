"""``graphlearn bench`` as a person uses it, on miniatures in OGB's own format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graphlearn import cli
from graphlearn.data import load_card

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run the command line in an empty folder, without network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("graphlearn.data.transfer.Transfer._open", _no_network)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(["bench", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def _no_network(self: object, headers: object) -> None:
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_table_of_several_names(call: Cli, ogb_root: Path, tmp_path: Path) -> None:
    words = ["ogbl-collab", "ogbg-molpcba", "--models", "cn", "gcn", "gin", "--seeds", "2"]
    small = ["--set", "train.epochs=1", "--set", "encoder.hidden_channels=4"]
    small += ["--set", "network.hidden_channels=4"]
    code, out, err = call(*words, *small, "--data-root", str(ogb_root))
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert {tuple(line[:2]) for line in lines[1:4]} == {
        ("ogbl-collab", "cn"), ("ogbl-collab", "gcn"), ("ogbg-molpcba", "gin")
    }  # fmt: skip
    assert "cn on ogbl-collab: about" in err
    assert "2 seeds (rough: within a factor of three)" in err
    collab = {line[1]: " ".join(line) for line in lines[1:4]}
    assert " used " in collab["cn"]  # the rules allow validation links
    assert " not used " in collab["gcn"]  # as OGB's baseline was published
    names = {path.name for path in (tmp_path / "runs").glob("leaderboard.*")}
    assert names == {f"leaderboard.{suffix}" for suffix in ("txt", "md", "json", "html")}


@pytest.mark.parametrize(
    ("form", "begin"),
    [("json", "{"), ("markdown", "| dataset |"), ("html", "<!doctype html>"), ("text", "dataset")],
)
def test_forms(call: Cli, ogb_root: Path, form: str, begin: str) -> None:
    words = ["ogbl-vessel", "--models", "cn", "--form", form, "--quiet"]
    code, out, err = call(*words, "--data-root", str(ogb_root), "--out", "there")
    assert (code, err) == (0, "")
    assert out.startswith(begin)
    if form == "json":
        entry = json.loads(out)["entries"][0]
        assert (entry["metric"], entry["valid_links_at_test"], entry["seeds"]) == (
            "auc",
            False,
            [0],
        )
    assert Path("there/leaderboard.json").is_file()


def test_an_estimate_alone_needs_no_files(call: Cli, tmp_path: Path) -> None:
    code, out, err = call("ogbn-papers100M", "--estimate")
    assert (code, err) == (0, "")
    assert out.startswith("sage on ogbn-papers100M: about")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ogbl-dd"], "unknown OGB dataset 'ogbl-dd'"),
        ([], "no data set was named"),
        (["ogbl-ddi", "--models", "ncnn"], "did you mean 'ncn'?"),
        (["ogbn-arxiv", "--models", "ncn"], "ncn has no recipe that can run on ogbn-arxiv"),
        (["ogbl-ddi", "--data-root", "nowhere"], "data_root nowhere does not exist"),
        (["ogbl-ddi", "--seeds", "x"], "--seeds x"),
        (["ogbl-ddi", "--form", "pdf"], "pdf"),
    ],
)
def test_bad_words_are_one_line(call: Cli, tmp_path: Path, words: list[str], said: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_absent_is_one_line_and_nothing_runs(
    call: Cli, ogb_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "ogb").mkdir(parents=True)
    (root / "ogb" / "ogbl_ppa").symlink_to(ogb_root / "ogb" / "ogbl_ppa")
    code, out, err = call("ogbl-ppa", "ogbl-vessel", "--models", "cn", "--data-root", str(root))
    assert (code, out) == (2, "")
    *estimates, absent = err.splitlines()
    assert [line.partition(":")[0] for line in estimates] == ["cn on ogbl-ppa", "cn on ogbl-vessel"]
    assert "ogbl-vessel: ogb/ogbl_vessel/raw/data.npz and 1 other files not in" in absent
    assert "put the folder vessel of http://snap.stanford.edu" in absent
    assert not (tmp_path / "runs").exists()
    assert sorted(path.name for path in root.iterdir()) == ["ogb"]


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("ogbl-ppa", "raw/edge.csv.gz", "edge.csv.gz is truncated or no gzip file"),
        ("ogbl-citation2", "split/time/test.pt", "test.pt"),
        ("ogbl-vessel", "raw/data.npz", "data.npz cannot be read"),
        ("ogbn-products", "raw/node-feat.csv.gz", "node-feat.csv.gz is truncated"),
        ("ogbn-papers100M", "raw/node-label.npz", "node-label.npz cannot be read"),
        ("ogbg-molpcba", "raw/graph-label.csv.gz", "graph-label.csv.gz is truncated"),
        ("ogbg-ppa", "split/species/train.csv.gz", "train.csv.gz is truncated"),
    ],
)
def test_a_truncated_file_is_one_line_and_nothing_is_written(
    call: Cli, ogb_root: Path, tmp_path: Path, name: str, file: str, said: str
) -> None:
    folder = load_card(name).folder
    place = shutil.copytree(ogb_root / folder, tmp_path / "root" / folder) / file
    place.write_bytes(place.read_bytes()[:-12])
    code, out, err = call(name, "--data-root", str(tmp_path / "root"), "--quiet")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_the_heuristics_on_the_real_ddi(call: Cli, data_root: Path) -> None:
    """As printed, to the second decimal, by the rule of OGB's evaluator."""
    if not (data_root / "ogb" / "ogbl_ddi").is_dir():
        pytest.skip("ogbl-ddi is not in the folder of real data")
    words = ["ogbl-ddi", "--models", "cn", "aa", "ra", "--form", "json", "--quiet"]
    code, out, _ = call(*words, "--data-root", str(data_root))
    assert code == 0
    entries = json.loads(out)["entries"]
    shown = {entry["method"]: f"{100 * entry['test_mean']:.2f}" for entry in entries}
    assert shown == {"cn": "17.73", "aa": "18.61", "ra": "6.23"}
