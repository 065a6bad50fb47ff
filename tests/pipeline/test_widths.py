from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import SAGEConv

from graphlearn.errors import InputError
from graphlearn.nn.deep import ConvLayer, deep_stack
from graphlearn.pipeline.widths import LayerWidth, layer_device, layer_widths


def test_the_initial_rows_travel_as_far_as_they_are_taken(workers) -> None:
    x = torch.ones(4, workers.FEATURES, dtype=torch.float64)
    widths = layer_widths(workers.make_stack("early"), x)
    assert [width.channels for width in widths] == [[6], [8, 8], [8], [8], [8], [8], [3]]
    assert widths[1] == LayerWidth(8, 8, torch.float64)
    assert [width.count for width in widths] == [1, 2, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("kind", ["gcn", "sage", "gcnii", "resgcn+"])
def test_the_librarys_own_stacks_can_be_cut(kind) -> None:
    stack = deep_stack(kind, 5, 16, 3, num_layers=2, dropout=0.5)
    widths = layer_widths(stack, torch.ones(2, 5))
    assert [width.rows for width in widths] == [5, 16, 16, 16, 3]
    assert all(layer.training for layer in stack)  # as it was


def test_asking_draws_nothing_and_leaves_no_gradient() -> None:
    stack = [ConvLayer(SAGEConv(5, 3), dropout=0.5)]
    before = torch.get_rng_state()
    assert [width.rows for width in layer_widths(stack, torch.ones(2, 5))] == [5, 3]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(weight.grad is None for weight in stack[0].parameters())


class Plain(nn.Module):
    """Has no weights; asks where its rows and its chunk lie."""

    def forward(self, x, chunk):
        assert x.device == chunk.rowptr.device == chunk.weight.device
        self.met = x.device
        return x[: chunk.num_nodes] * 1


def test_each_layer_is_asked_where_its_weights_lie(workers) -> None:
    stack = [
        Plain(),
        workers.First(6, 8).to("meta"),  # a device that every machine has
        Plain(),
        workers.Last(8, 4),
        Plain(),
    ]
    x = torch.ones(4, 6)
    assert [width.rows for width in layer_widths(stack, x)] == [6, 6, 8, 8, 4, 4]
    assert [layer.met.type for layer in stack[::2]] == ["cpu", "meta", "cpu"]
    on_meta = nn.ModuleList([workers.First(6, 8), workers.Last(8, 4)]).to("meta")
    assert [width.channels for width in layer_widths(on_meta, x)] == [[6], [8], [4]]
    norm = nn.BatchNorm1d(2, affine=False, device="meta")  # buffers alone
    assert layer_device(norm, torch.device("cpu")).type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_stack_that_lies_on_a_gpu_is_asked_there() -> None:
    stack = deep_stack("gcnii", 5, 8, 3, num_layers=2).cuda()
    assert [width.rows for width in layer_widths(stack, torch.ones(2, 5))] == [5, 8, 8, 8, 3]


class Silent(nn.Module):
    def forward(self, x, chunk):
        raise ValueError


class Pooled(nn.Module):
    def forward(self, x, chunk):
        return x.sum()


class Wanting(nn.Module):
    takes_initial = True

    def forward(self, x, chunk, initial):
        return x + initial


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([nn.Linear(2, 2)], r"layer 0 \(Linear\) cannot be called .*graphlearn.nn.ConvLayer"),
        ([SAGEConv(2, 2)], r"layer 0 \(SAGEConv\) cannot be called"),
        ([Pooled()], r"layer 0 \(Pooled\) gives no row"),
        ([Silent()], r"layer 0 \(Silent\) cannot be called .* \(ValueError\)"),
        ([Wanting()], r"layer 0 \(Wanting\) cannot be called"),
        (deep_stack("gcn", 3, 4, 2, num_layers=1), r"layer 0 \(InputLayer\) cannot be called"),
    ],
)
def test_what_is_no_layer_of_a_stack_is_refused(layers, text) -> None:
    with pytest.raises(InputError, match=text):
        layer_widths(layers, torch.ones(4, 2))
