"""Where data is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.data import find_data_root
from graphlearn.data.root import VARIABLE
from graphlearn.errors import DataNotFoundError


def test_argument_before_environment_before_cache(tmp_path, monkeypatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv(VARIABLE, str(other))
    assert find_data_root(tmp_path) == tmp_path
    assert find_data_root(str(tmp_path)) == tmp_path
    assert find_data_root() == other
    monkeypatch.delenv(VARIABLE)
    assert find_data_root() == Path.home() / ".cache" / "graphlearn"
    monkeypatch.setenv(VARIABLE, "")
    assert find_data_root() == Path.home() / ".cache" / "graphlearn"


def test_a_named_folder_that_is_not_there_is_refused(tmp_path, monkeypatch) -> None:
    with pytest.raises(DataNotFoundError, match=r"data_root .*nowhere does not exist"):
        find_data_root(tmp_path / "nowhere")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(DataNotFoundError, match="GRAPHLEARN_DATA .* does not exist"):
        find_data_root()
    (tmp_path / "file").touch()
    with pytest.raises(DataNotFoundError, match="is not a folder"):
        find_data_root(tmp_path / "file")
    assert not (tmp_path / "nowhere").exists()
