from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_geometric.nn import GATConv, SAGEConv

from graphlearn.errors import InputError
from graphlearn.nn.deep import ConvLayer, deep_stack
from graphlearn.pipeline import Layout
from graphlearn.pipeline.identity import (
    check_agreement,
    first_difference,
    layer_options,
    layout_digest,
    layout_identity,
    messages_digest,
    stack_identity,
    tensor_digest,
)


def test_a_layouts_name_is_told_by_its_assignments_alone() -> None:
    chunks, ways = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1])
    name = layout_digest(chunks, ways)
    assert len(name) == 16
    assert name == layout_digest(chunks.int(), ways.clone())
    assert name != layout_digest(ways, chunks)
    assert name != layout_digest(torch.tensor([0, 1, 1]), ways)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.bool])
def test_a_digest_is_of_bits_shape_and_dtype(dtype) -> None:
    tensor = torch.tensor([[0, 1], [1, 0]]).to(dtype)
    name = tensor_digest(tensor)
    assert name == tensor_digest(tensor.t())  # the same numbers, laid out otherwise
    assert name != tensor_digest(tensor.flatten())
    assert name != tensor_digest(tensor.to(torch.float16))
    assert tensor_digest(torch.tensor(1).to(dtype)) != tensor_digest()


def test_the_first_rank_that_was_given_something_else_is_named() -> None:
    given = [{"gamma": 2.0, "weights": ["a", "b"]} for _ in range(3)]
    check_agreement(given)
    given[2]["gamma"] = 1.0
    with pytest.raises(InputError, match="ranks 0 and 2 were given different gamma: 2.0 and 1.0"):
        check_agreement(given)
    given[1]["weights"] = ["a", "c"]
    with pytest.raises(
        InputError, match=r"ranks 0 and 1 .* different weights\[1\]: .*manual_seed\(0\)"
    ):
        check_agreement(given)


def test_what_a_process_does_not_know_is_not_asked() -> None:
    check_agreement([{"update": None}, {"update": {"lr": 1}}, {"update": {"lr": 1}}])
    with pytest.raises(InputError, match=r"ranks 1 and 2 were given different update.lr: 1 and 2"):
        check_agreement([{"update": None}, {"update": {"lr": 1}}, {"update": {"lr": 2}}])


@pytest.mark.parametrize(
    ("given", "expected", "found"),
    [
        (1, 1, None),
        ([1, 2], [1, 3], ("a[1]", "2", "3")),
        ([1, 2], [1], ("a", "[1, 2]", "[1]")),
        ({"b": [1]}, {"b": [2]}, ("a.b[0]", "1", "2")),
        ({"b": 1}, {}, ("a.b", "1", "None")),
        ({}, {"b": 1}, ("a.b", "None", "1")),
        ({}, {"b": None}, ("a", "{}", "{'b': None}")),
        (None, [1], ("a", "None", "[1]")),
        (1, True, None),
    ],
)
def test_the_first_difference_is_told(given, expected, found) -> None:
    assert first_difference("a", given, expected) == found


class Own(nn.Module):
    def __init__(self, alpha=0.1, act=F.relu, powers=(1, 2), flag=True, hidden=1) -> None:
        super().__init__()
        self.alpha, self.act, self.powers, self.flag, self._hidden = (
            alpha,
            act,
            powers,
            flag,
            hidden,
        )
        self.norm = nn.LayerNorm(2, eps=1e-5)
        self.other = object()

    def extra_repr(self) -> str:
        return f"{object()}"


def test_a_layers_options_are_its_numbers_texts_switches_and_functions() -> None:
    options = layer_options(Own())
    assert options["alpha"] == "0.1"
    assert options["act"] == "relu"
    assert options["powers"] == "[1, 2]"
    assert options["flag"] == "True"
    assert options["norm.eps"] == "1e-05"
    assert options["repr"] == "<object object>"  # where it lies in memory is left out
    assert not {"_hidden", "other", "training"} & options.keys()
    assert layer_options(Own().eval()) == options
    assert layer_options(Own(hidden=2)) == options
    for other in (Own(alpha=0.2), Own(act=F.elu), Own(powers=(1, 3)), Own(flag=False)):
        assert layer_options(other) != options
    assert json.loads(json.dumps(options)) == options


@pytest.mark.parametrize("kind", ["gcn", "sage", "gcnii", "resgcn+"])
def test_options_of_the_librarys_stacks_are_told_apart(kind) -> None:
    one, same, other = (
        [layer_options(layer) for layer in deep_stack(kind, 5, 8, 3, num_layers=2, dropout=p)]
        for p in (0.5, 0.5, 0.1)
    )
    assert one == same
    assert first_difference("options", one, other)[0].partition(".")[2].startswith("dropout")


def test_options_of_pygs_convolutions_are_told_apart() -> None:
    one, same, other = (layer_options(ConvLayer(GATConv(4, 2, heads=h))) for h in (2, 2, 4))
    assert one == same
    assert one["conv.heads"] == "2"
    assert one != other
    assert layer_options(ConvLayer(SAGEConv(4, 2))) != layer_options(
        ConvLayer(SAGEConv(4, 2, aggr="max"))
    )


def test_a_graph_of_other_messages_has_another_name() -> None:
    edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    chunk_of = torch.tensor([0, 0, 1, 1])
    options = {"num_nodes": 4, "chunks": 2, "chunk_of": chunk_of}
    name = messages_digest(Layout(edges, **options))
    crossed = torch.tensor([[0, 1, 2, 3], [2, 3, 0, 1]])  # of the same degrees
    weight = torch.tensor([1.0, 1.0, 1.0, 2.0])
    for other in (
        Layout(crossed, **options),
        Layout(edges, weight=weight, **options),
        Layout(edges, normalization="gcn", **options),
    ):
        assert messages_digest(other) != name
    assert messages_digest(Layout(edges.int(), **options)) == name
    found = layout_identity(Layout(edges, normalization="mean", **options))
    assert found["normalization"] == "mean"
    assert json.loads(json.dumps(found)) == found


def test_a_stacks_identity_is_json() -> None:
    layers = [nn.Identity(), nn.Linear(2, 3)]
    options = [layer_options(layer) for layer in layers]
    found = stack_identity(layers, [[2], [2, 2], [3]], options, torch.float64)
    assert json.loads(json.dumps(found)) == found
    assert (found["num_layers"], found["dtype"]) == (2, "float64")
    assert found["layers"] == ["Identity", "Linear"]
