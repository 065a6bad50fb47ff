from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

import graphlearn
from graphlearn.bench.own_graph import graph_path, own_graph
from graphlearn.bench.resume import resume_run
from graphlearn.errors import InputError, InputTypeError

TINY = {"train.epochs": 2, "encoder.hidden_channels": 4}


def ring(**more: object) -> Data:
    node = torch.arange(60)
    far = torch.stack([node, (node * 7 + 3) % 60])
    edges = torch.cat([torch.stack([node, (node + 1) % 60]), far], dim=1)
    return Data(edge_index=edges, num_nodes=60, **more)


def test_the_path_follows_edges_nodes_and_features() -> None:
    same = graph_path(own_graph(ring()), "a")
    assert same == graph_path(own_graph(ring()), "a")
    others = [ring(x=torch.eye(60)), ring(x=torch.ones(60, 60)), ring()]
    others[2].num_nodes = 61
    assert len({same, *(graph_path(own_graph(other), "a") for other in others)}) == 4


def test_a_data_with_features_is_trained_on_and_resumed(tmp_path) -> None:
    data = ring(x=torch.randn(60, 5))
    result = graphlearn.run("ncn", data, seeds=1, set=TINY, out=tmp_path, progress=False)
    again = graphlearn.run("ncn", data, seeds=2, set=TINY, out=tmp_path, progress=False)
    assert again.rows[0] == result.rows[0]
    assert again.rows[0].dataset.startswith("graph-")
    folder = result.jobs[0].folder.path
    assert resume_run(folder, progress=False).rows == again.rows


def test_a_run_goes_on_where_its_folder_was_moved_to(tmp_path) -> None:
    data = ring(x=torch.randn(60, 5))
    result = graphlearn.run("ncn", data, seeds=1, set=TINY, out=tmp_path / "a", progress=False)
    (tmp_path / "a").rename(tmp_path / "b")
    folder = tmp_path / "b" / result.jobs[0].folder.path.name
    (folder / "seed-0" / "result.json").unlink()
    (tmp_path / "b" / "ledger.jsonl").unlink()
    again = resume_run(folder, progress=False)
    assert again.rows[0].test == result.rows[0].test
    assert again.rows[0].recipe_digest == result.rows[0].recipe_digest


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csc])
def test_sparse_features_of_any_layout(layout, tmp_path) -> None:
    data = own_graph(ring(x=torch.eye(60).to_sparse(layout=layout)))
    assert graph_path(data, tmp_path) == graph_path(ring(x=torch.eye(60).to_sparse_csr()), tmp_path)


def test_features_of_half_precision_have_a_path_too(tmp_path) -> None:
    half = graph_path(own_graph(ring(x=torch.eye(60).bfloat16())), tmp_path)
    assert half != graph_path(own_graph(ring(x=torch.eye(60).half())), tmp_path)


def test_a_networkx_graph_is_scored(tmp_path) -> None:
    graph = nx.Graph(ring().edge_index.t().tolist())
    result = graphlearn.run("ra", graph, seeds=1, out=tmp_path, progress=False)
    assert list(result.rows[0].test) == ["auc", "ap", "mrr"]


def test_anything_else_is_refused_and_nothing_written(tmp_path) -> None:
    out = tmp_path / "out"
    with pytest.raises(
        InputTypeError, match="^dataset is a list: expected a name, a file, a torch"
    ):
        graphlearn.run("cn", [[0], [1]], out=out, progress=False)
    with pytest.raises(InputError, match="edge_index"):
        graphlearn.run("cn", Data(x=torch.eye(3)), out=out, progress=False)
    with pytest.raises(InputError, match="unknown model"):
        graphlearn.run("nnc", ring(), out=out, progress=False)
    with pytest.raises(InputError, match="workers is 0"):
        graphlearn.run("cn", ring(), workers=0, out=out, progress=False)
    complete = Data(edge_index=torch.combinations(torch.arange(12)).t())
    with pytest.raises(InputError, match="unlinked pairs"):
        graphlearn.run("cn", complete, out=out, progress=False)
    assert not out.exists()
