from __future__ import annotations

import pytest

from graphlearn.bench.components import (
    Option,
    component_class,
    component_names,
    component_options,
    takes,
)
from graphlearn.errors import UnknownNameError
from graphlearn.nn import ENCODERS, PREDICTORS
from graphlearn.nn.deep import DEEP_STACKS

ALL = [("encoder", n) for n in ENCODERS.names()] + [("predictor", n) for n in PREDICTORS.names()]
ALL += [("stack", n) for n in DEEP_STACKS]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_option_has_a_type_that_yaml_can_hold(kind: str, name: str) -> None:
    from graphlearn.bench.plain_values import describe

    for option in component_options(kind, name).values():
        assert "cannot hold" not in describe(option.annotation), option


def test_sizes_known_from_the_data_are_no_options() -> None:
    assert not {"in_channels", "num_embeddings", "self"} & set(component_options("encoder", "gcn"))
    assert "channels" not in component_options("predictor", "ncn")


def test_required_and_optional() -> None:
    options = component_options("encoder", "gcn")
    assert options["hidden_channels"].required
    assert options["dropout"] == Option("dropout", float, 0.0)
    assert not options["dropout"].required


def test_takes() -> None:
    assert takes("predictor", "ncn", "channels")
    assert not takes("predictor", "cn", "channels")


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ncn'"):
        component_class("predictor", "nnc")


def test_names() -> None:
    assert {"cn", "aa", "ra", "katz", "ppr", "dot", "hadamard", "ncn", "ncnc"} <= set(
        component_names("predictor")
    )
    assert {"gcn", "sage", "propagation"} <= set(component_names("encoder"))


def test_a_stack_takes_its_own_options_and_those_of_its_layers() -> None:
    options = component_options("stack", "gcnii")
    assert [name for name, option in options.items() if option.required] == [
        "hidden_channels",
        "num_layers",
    ]
    assert {"dropout", "alpha", "theta"} <= set(options)
    assert not {"in_channels", "out_channels", "layer", "name"} & set(options)
    with pytest.raises(UnknownNameError, match="did you mean 'gcnii'"):
        component_options("stack", "gcn2i")
