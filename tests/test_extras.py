"""Optional packages: there with the modules asked for, or one line on what to install."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from graphlearn.errors import MissingExtraError
from graphlearn.extras import import_extra

PACKAGE = Path(__file__).parents[1] / "graphlearn"


def test_a_package_comes_with_its_modules() -> None:
    found = import_extra("xml", "dom", "etree.ElementTree", extra="none", purpose="this")
    assert found.etree.ElementTree.fromstring("<a/>").tag == "a"
    assert found.dom


@pytest.mark.parametrize("missing", ["xml", "xml.dom"])
def test_what_is_missing_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    said = r'^reading a needs xml, .*; run: pip install "pyg-graphlearn\[no\]", or write$'
    with pytest.raises(MissingExtraError, match=said):
        import_extra("xml", "dom", extra="no", purpose="reading a", otherwise="write")


def test_every_extra_that_is_named_exists() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"])
    named = {
        part.split('"')[0]
        for path in PACKAGE.rglob("*.py")
        for part in path.read_text().split('extra="')[1:]
    }
    assert named - {"parquet"}
    assert named <= extras
