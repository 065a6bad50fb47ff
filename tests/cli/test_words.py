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
