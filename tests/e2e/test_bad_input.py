"""Every bad input that the package promises to refuse: one line, code 2, nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from graphlearn import cli
from graphlearn.bench import split_source
from graphlearn.data import LinkSplit, random_link_split

TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--seeds", "1"]

Refused = Callable[..., str]


@pytest.fixture
def refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Refused:
    """Run the command line, check that it refuses well, and return the line it gave."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPHLEARN_DATA", raising=False)

    def snapshot() -> dict[str, bytes]:
        return {
            path.relative_to(tmp_path).as_posix(): path.read_bytes() if path.is_file() else b""
            for path in tmp_path.rglob("*")
        }

    def call(*words: str) -> str:
        before = snapshot()
        capfd.readouterr()  # what the test itself had to say
        code = cli.main(words)
        out, err = capfd.readouterr()
        assert code == 2, out + err
        assert len(err.splitlines()) == 1, err
        assert err.startswith("graphlearn: ")
        assert "Traceback" not in err
        assert out == ""
        assert snapshot() == before
        return err

    return call


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "ring.csv"
    path.write_text("".join(f"{i},{(i + 1) % 50}\n" for i in range(50)))
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "ncnn"], ["unknown model 'ncnn'", "did you mean 'ncn"]),
        (["run", "ncn", "--dataset", "corra"], ["unknown dataset 'corra'", "'cora'"]),
        (["run", "ncn/coro"], ["unknown recipe 'ncn/coro'", "did you mean 'ncn/cora'"]),
        (["run", "no/such.yaml"], ["no/such.yaml", "No such file"]),
        (["run", "ncn", "--set", "train.epoch=3"], ["'train.epoch'", "'train.epochs'"]),
        (["run", "ncn", "--set", "predictor.dropuot=3"], ["'predictor.dropout'"]),
        (["run", "ncn", "--set", "train.epochs=many"], ["train.epochs is 'many'", "an integer"]),
        (["run", "ncn", "--set", "train.epochs=0"], ["epochs is 0"]),
        (["run", "ncn", "--set", "train.epochs"], ["key=value"]),
        (["run", "ncn", "--set", "predictor.name=nnc"], ["unknown predictor 'nnc'", "'ncn'"]),
        (["run", "ncn", "--set", "metrics=[hitz@100]"], ["unknown metric 'hitz@100'"]),
        (["run", "ncn", "--set", "ties=worst"], ["ties is 'worst'", "pessimistic"]),
        (["run", "ncn", "--set", "encoder.num_layers=0"], ["num_layers is 0"]),
        (["run", "ncn", "--device", "cuda:99"], ["cuda:99"]),
        (["run", "ncn", "--seeds", "none"], ["--seeds none"]),
        (["run"], ["no model was given"]),
        (["run", "ncn", "--dataste", "cora"], ["--dataste", "--dataset"]),
        (["run", "ncn", "--workers", "two"], ["two", "int"]),
        (["rum", "ncn"], ["rum", "run"]),
        (["ls", "modles"], ["modles"]),
        (["table"], ["no ledger at runs/ledger.jsonl"]),
        (["resume", "nowhere"], ["nowhere is not a run's folder"]),
        (["resume"], ["FOLDER"]),
        (["audit", "corra"], ["'corra'", "did you mean 'cora'"]),
        (["audit", "missing.csv"], ["missing.csv"]),
        (["reproduce", "gcn/digits-knn"], ["no published figure"]),
    ],
)
def test_words(refused: Refused, words: list[str], expected: list[str]) -> None:
    line = refused(*words)
    for part in expected:
        assert part in line


@pytest.mark.parametrize("dataset", ["cora", "ogbl-ddi", "usair", "digits-knn"])
def test_missing_data_folder(refused: Refused, dataset: str, tmp_path: Path) -> None:
    where = str(tmp_path / "nowhere")
    line = refused("run", "cn", "--dataset", dataset, "--data-root", where)
    assert where in line


def test_missing_data_folder_in_the_environment(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHLEARN_DATA", str(tmp_path / "nowhere"))
    assert "GRAPHLEARN_DATA" in refused("run", "cn", "--dataset", "cora")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nmodle: {}\n", ["line 2", "did you mean 'model'"]),
        ("name: a\nmodel:\n  predictor: {name: ncn, dorpout: 1}\n", ["line 3", "'dropout'"]),
        ("name: a\nmodel: {predictor: cn}\nseeds: many\n", ["line 3", "seeds is 'many'"]),
        ("name: [\n", ["line 2"]),
        ("!!python/object/apply:os.getcwd []\n", ["line 1"]),
        ("", ["a mapping"]),
    ],
)
def test_recipe_files(refused: Refused, text: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    line = refused("run", "mine.yaml")
    for part in ["mine.yaml", *expected]:
        assert part in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("0,1\n1,2\n", "2 links"),
        ("0,1\n1\n", "line 2"),
        ("0,-1\n", "-1"),
        ("", "no edges"),
    ],
)
def test_edge_lists(refused: Refused, content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text(content)
    assert expected in refused("run", "cn", "--dataset", "links.csv")


def test_more_hits_than_negatives(refused: Refused, ring: Path) -> None:
    line = refused("run", "gcn", "--dataset", str(ring), "--set", "metrics=[hits@100]")
    assert "100" in line
    assert "negative" in line


@pytest.mark.parametrize("words", [["run", "cn"], ["audit"]])
def test_a_leaking_split(
    refused: Refused, ring: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def leaking(data: object, **options: object) -> LinkSplit:
        split = random_link_split(data, **options)
        test = torch.cat([split.test_pairs, split.train_pairs[:, :2].flip(0)], dim=1)
        return LinkSplit(
            split.data, split.train_pairs, split.valid_pairs, split.valid_negatives, test,
            split.test_negatives, split.rule, split.seed,
        )  # fmt: skip

    monkeypatch.setattr(split_source, "random_link_split", leaking)
    dataset = [str(ring)] if words == ["audit"] else ["--dataset", str(ring)]
    line = refused(*words, *dataset)
    assert "the split leaks: 2 test links that are training links, first (" in line


@pytest.mark.parametrize("kind", ["truncated", "empty", "foreign", "of another seed"])
def test_checkpoints(refused: Refused, kind: str, tmp_path: Path) -> None:
    words = ["run", "gcn", "--quiet", *TINY[:-2], "--seeds", "2"]
    assert cli.main(words) == 0
    (folder,) = (tmp_path / "runs").glob("gcn-*")
    (tmp_path / "runs" / "ledger.jsonl").unlink()
    (folder / "seed-1" / "result.json").unlink()
    checkpoint = folder / "seed-1" / "checkpoint.safetensors"
    whole = checkpoint.read_bytes()
    if kind == "truncated":
        checkpoint.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        checkpoint.write_bytes(b"")
    elif kind == "foreign":
        save_file({"weight": torch.ones(2)}, checkpoint)
    else:
        checkpoint.write_bytes((folder / "seed-0" / "checkpoint.safetensors").read_bytes())
    # Seed 0 goes back into the ledger first, so that nothing is left to write.
    assert cli.main(["run", "gcn", "--quiet", *TINY]) == 0
    for command in (["resume", str(folder), "--quiet"], words):
        assert "checkpoint.safetensors" in refused(*command)


@pytest.mark.parametrize("words", [["run", "cn"], ["run", "gcn", *TINY]])
def test_unwritable_output(refused: Refused, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    line = refused(*words, "--out", str(tmp_path / "file" / "runs"))
    assert "could not be written" in line


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond some bytes, as on a disk that is full; back to normal at the end."""
    resource = pytest.importorskip("resource", reason="only Unix can limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [200, 4000])
def test_disk_full(
    size: int,
    full_disk: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],  # in memory: a file would be cut short too
    tmp_path: Path,
) -> None:
    """The run cannot end well; what it wrote is whole, and what it could not is not there."""
    words = ["run", "gcn", "--quiet", *TINY, "--set", "encoder.hidden_channels=64"]
    assert cli.main([*words, "--out", str(tmp_path / "warm")]) == 0  # kernels are compiled
    capsys.readouterr()
    full_disk(size)
    code = cli.main([*words, "--out", str(tmp_path / "full")])
    _, err = capsys.readouterr()
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "could not be written (File too large)" in err
    for path in (tmp_path / "full").rglob("*"):
        same = tmp_path / "warm" / path.relative_to(tmp_path / "full")
        assert path.is_dir() or path.read_bytes() == same.read_bytes()


def test_foreign_ledger(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "ledger.jsonl").write_text(json.dumps({"a": 1}) + "\n")
    assert "row 1" in refused("table")
    assert "row 1" in refused("run", "cn")
