from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.place import Place
from graphlearn.pipeline.weights import check_weights, copy_weights, gather_weights, load_weights


def layers() -> dict[int, nn.Module]:
    return {2: nn.Linear(2, 3), 3: nn.Sequential(nn.BatchNorm1d(3)), 4: nn.Identity()}


def test_a_copy_stays_as_it_is_and_goes_back() -> None:
    of = layers()
    kept = copy_weights(of)
    before = of[2].weight.detach().clone()
    with torch.no_grad():
        of[2].weight.zero_()
    assert torch.equal(kept[2]["weight"], before)
    assert kept.keys() == of.keys()
    assert kept[4] == {}
    assert "0.running_mean" in kept[3]  # buffers too
    load_weights(kept, of)
    assert torch.equal(of[2].weight, before)
    kept[2]["weight"].zero_()
    assert torch.equal(of[2].weight, before)


def changed(given: dict, number: int, **changes) -> dict:
    return given | {number: given[number] | changes}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda kept: [kept], InputTypeError, "weights is a list.*trainer.layer_weights"),
        (lambda kept: {2: 3, 3: {}, 4: {}}, InputTypeError, "weights is a dict"),
        (
            lambda kept: {2: kept[2], 4: kept[4]},
            InputError,
            r"layers \[2, 4\]: expected \[2, 3, 4\], those of this stage",
        ),
        (
            lambda kept: changed(kept, 2, weight=torch.ones(3, 1)),
            InputError,
            r"has float32 \[3, 1\] for weight of layer 2: expected float32 \[3, 2\]",
        ),
        (
            lambda kept: changed(kept, 2, bias=torch.ones(3).double()),
            InputError,
            r"has float64 \[3\] for bias of layer 2",
        ),
        (
            lambda kept: changed(kept, 4, more=torch.ones(1)),
            InputError,
            r"has float32 \[1\] for more of layer 4: expected nothing",
        ),
        (
            lambda kept: kept | {2: {"weight": kept[2]["weight"]}},
            InputError,
            "has nothing for bias of layer 2",
        ),
        (lambda kept: changed(kept, 2, bias=[0.0]), InputError, "has a list for bias of layer 2"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(change, error, text) -> None:
    of = layers()
    before = copy_weights(of)
    with pytest.raises(error, match=text):
        load_weights(change(copy_weights(of)), of)
    check_weights(before, of)
    assert torch.equal(of[2].weight, before[2]["weight"])


def test_a_module_list_takes_what_was_gathered() -> None:
    stack = nn.ModuleList([nn.Linear(2, 3), nn.Identity(), nn.BatchNorm1d(3)])
    found = gather_weights(Place(1, 1), copy_weights(dict(enumerate(stack))))
    assert list(found) == list(stack.state_dict())
    nn.ModuleList([nn.Linear(2, 3), nn.Identity(), nn.BatchNorm1d(3)]).load_state_dict(found)


def test_on_several_stages_and_ways(workers, results) -> None:
    """Every process gets the whole stack, whatever share of it is its own."""
    task = {"kind": "mixed", "chunks": 3, "epochs": 2}
    shapes = [(4, 1), (2, 2), (1, 4)]
    came = results(4, [("train_and_gather", task | {"stages": s, "ways": w}) for s, w in shapes])
    for (stages, _), told in zip(shapes, came, strict=True):
        for one in told:
            assert one["state"].keys() == workers.make_stack("mixed").state_dict().keys()
            for name, value in one["state"].items():
                assert torch.equal(value, told[0]["state"][name])
                assert torch.equal(one["kept"][name], told[0]["kept"][name])
        wanted = workers.train_and_gather(**task)
        if stages == 4:
            for name, value in told[0]["state"].items():
                assert torch.equal(value, wanted["state"][name]), name
                assert torch.equal(told[0]["kept"][name], wanted["kept"][name]), name
