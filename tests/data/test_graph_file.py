from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data import read_graph, write_graph
from graphlearn.errors import DataNotFoundError, InputError, InputTypeError

EDGES = torch.tensor([[0, 1, 4], [1, 2, 0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [None, torch.strided, torch.sparse_csr, torch.sparse_coo])
def test_what_was_written_is_read(tmp_path: Path, dtype: torch.dtype, layout) -> None:
    x = torch.rand(6, 3, dtype=dtype).round()
    data = Data(edge_index=EDGES, num_nodes=6)
    if layout is not None:
        data.x = x if layout == torch.strided else x.to_sparse(layout=layout)
    write_graph(data, tmp_path / "g.safetensors")
    found = read_graph(tmp_path / "g.safetensors")
    assert found.num_nodes == 6
    assert torch.equal(found.edge_index, EDGES)
    if layout is None:
        assert found.x is None
    else:
        assert found.x.layout == (torch.strided if layout == torch.strided else torch.sparse_csr)
        assert torch.equal(found.x.to_dense(), x)


def test_views_and_other_devices_of_the_same_memory(tmp_path: Path) -> None:
    both = torch.randn(3, 8)
    write_graph(Data(edge_index=EDGES[:, :2], x=both[:, ::2]), tmp_path / "g.safetensors")
    assert torch.equal(read_graph(tmp_path / "g.safetensors").x, both[:, ::2])


def test_a_file_of_another_program(tmp_path: Path) -> None:
    save_file({"edge_index": EDGES.int()}, tmp_path / "g.safetensors")
    assert read_graph(tmp_path / "g.safetensors").num_nodes == 5


def parts() -> dict[str, Tensor]:
    return {
        "edge_index": EDGES,
        "x_rowptr": torch.tensor([0, 1, 1, 1, 1, 2]),
        "x_col": torch.tensor([0, 2]),
        "x_value": torch.ones(2),
        "x_shape": torch.tensor([5, 3]),
    }


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"edge_index": EDGES.float()}, InputTypeError, "edge_index has dtype torch.float32"),
        ({"edge_index": EDGES - 1}, InputError, "edge_index holds node id -1"),
        ({"num_nodes": torch.tensor([4])}, InputError, "edge_index holds node id 4"),
        ({"num_nodes": torch.tensor([4.5])}, InputError, "num_nodes is torch.float32"),
        ({"num_nodes": torch.tensor([5, 5])}, InputError, "num_nodes is torch.int64"),
        ({"x_col": torch.tensor([0, 3])}, InputError, "sparse features are inconsistent"),
        ({"x_rowptr": torch.tensor([0, 9, 1, 1, 1, 2])}, InputError, "sparse features are"),
        ({"x_value": torch.tensor([1.0, float("nan")])}, InputError, "NaN or infinite"),
        ({"x_shape": None}, InputError, "sparse features are inconsistent"),
        ({"edge_index": None}, InputError, "expected a tensor edge_index"),
    ],
)
def test_an_inconsistent_file_is_refused(tmp_path: Path, changed: dict, kind, message: str) -> None:
    path = tmp_path / "g.safetensors"
    save_file({k: v for k, v in (parts() | changed).items() if v is not None}, path)
    with pytest.raises(kind, match=message):
        read_graph(path)


def test_a_truncated_or_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    write_graph(Data(edge_index=EDGES), path)
    for content in (path.read_bytes()[:-8], b"", b"not safetensors at all"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="expected a whole safetensors file"):
            read_graph(path)
    with pytest.raises(DataNotFoundError):
        read_graph(tmp_path / "none.safetensors")


def test_what_is_wrong_inside_a_file_names_the_file(tmp_path) -> None:
    path = tmp_path / "bad.safetensors"
    save_file({"edge_index": torch.tensor([[0, 5], [1, -2]])}, path)
    with pytest.raises(InputError, match=r"bad\.safetensors: edge_index holds"):
        read_graph(path)
