"""Which seeds the words mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [0, 1, 2]), ("4,", [4]), ("0,3", [0, 3]), ("2-4", [2, 3, 4]), ("7,1-2", [7, 1, 2])],
)
def test_seeds(call: Cli, text: str, seeds: list[int]) -> None:
    _, out, _ = call("run", "cn", "--seeds", text, "--print-config")
    assert yaml.safe_load(out)["seeds"] == seeds


@pytest.mark.parametrize(
    "text", ["x", "", "1-", "-3", "0,0", "1.5", "0-99999999999", "99999999999999"]
)
def test_bad_seeds(call: Cli, text: str) -> None:
    code, _, err = call("run", "cn", f"--seeds={text}")
    assert (code, len(err.splitlines())) == (2, 1)


def test_a_sweep_prints_every_combination(call: Cli) -> None:
    words = ["run", "ncn/cora", "cn", "--dataset", "cora", "--print-config"]
    sweep = ["--set", "train.batch_size=512,1152", "--set", "predictor.dropout=0.05,0.3"]
    code, out, _ = call(*words, *sweep)
    assert code == 0
    documents = list(yaml.safe_load_all(out))
    assert [
        (document["train"]["batch_size"], document["model"]["predictor"]["dropout"])
        for document in documents[:-1]
    ] == [(512, 0.05), (512, 0.3), (1152, 0.05), (1152, 0.3)]
    assert documents[0]["swept"] == ["train.batch_size", "predictor.dropout"]
    assert documents[-1]["name"] == "cn"
    assert "swept" not in documents[-1]


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("train.batch_size=512,", "a value on both sides of each comma"),
        ("train.batch_size=512,x", "train.batch_size is 'x'"),
        ("train.batchsize=512,1152", "did you mean 'train.batch_size'"),
        ("seeds=0,1", "use --seeds 0,1"),
        ("metrics=auc,mrr", "metrics is 'auc' (text): expected a list of texts"),
        ("train.epochs=" + ",".join(map(str, range(1, 1002))), "1001 = 1,001 combinations"),
    ],
)
def test_bad_sweeps(call: Cli, sweep: str, said: str) -> None:
    code, _, err = call("run", "ncn/cora", "--set", sweep)
    assert (code, len(err.splitlines())) == (2, 1)
    assert said in err
