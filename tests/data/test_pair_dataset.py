from __future__ import annotations

import pytest

from graphlearn.bench.tasks import check_task
from graphlearn.data import load_dataset, load_graph_pairs, load_graph_split
from graphlearn.errors import DataNotFoundError, InputError, UnsafeFileError


def test_other_loaders_and_runs_refuse_pairs() -> None:
    with pytest.raises(InputError, match="mutag is no data set of pairs of graphs"):
        load_graph_pairs("mutag")
    for load in (load_dataset, load_graph_split):
        with pytest.raises(InputError, match="brec is .*pairs of graphs.*use load_graph_pairs"):
            load("brec")
    with pytest.raises(InputError, match="brec is .*pairs of graphs.*load_graph_pairs"):
        check_task("brec", "graphs")


def test_files_are_those_of_the_card(tmp_path, data_root) -> None:
    with pytest.raises(DataNotFoundError):
        load_graph_pairs(data_root=tmp_path)
    if not (data_root / "brec").is_dir():
        pytest.skip("brec is not in the folder of real data")
    (tmp_path / "brec").mkdir()
    for path in (data_root / "brec").iterdir():
        (tmp_path / "brec" / path.name).write_bytes(path.read_bytes())
    assert len(load_graph_pairs(data_root=tmp_path)) == 400
    with (tmp_path / "brec" / "dr.npy").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UnsafeFileError, match=r"dr\.npy"):
        load_graph_pairs(data_root=tmp_path)
