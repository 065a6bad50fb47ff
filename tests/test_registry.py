from __future__ import annotations

import pytest

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.registry import Registry, name_and_options, nearest, unknown_name


@pytest.fixture
def models() -> Registry[type]:
    registry = Registry[type]("model")
    for name in ("ncnc", "gcn", "ncn"):
        registry.register(name)(type(name, (), {}))
    return registry


def test_register_returns_what_it_is_given() -> None:
    registry = Registry[type]("model")

    @registry.register("a")
    class Model:
        pass

    assert registry.get("a") is Model
    assert isinstance(Model(), Model)


def test_names_are_sorted_and_membership_is_by_name(models: Registry[type]) -> None:
    assert models.names() == list(models) == ["gcn", "ncn", "ncnc"]
    assert "ncn" in models
    assert "sage" not in models
    assert repr(models) == "Registry('model', ['gcn', 'ncn', 'ncnc'])"


def test_unknown_name_offers_the_nearest(models: Registry[type]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        models.get("nncnc")
    assert str(caught.value) == (
        "unknown model 'nncnc': expected one of gcn, ncn, ncnc; did you mean 'ncnc'?"
    )
    assert caught.value.__cause__ is None


def test_unknown_name_offers_nothing_when_nothing_is_near(models: Registry[type]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        models.get("transformer")
    assert "did you mean" not in str(caught.value)


def test_empty_registry_says_so() -> None:
    with pytest.raises(UnknownNameError, match="expected nothing: none is registered"):
        Registry[type]("model").get("gcn")


def test_registering_twice_is_the_package_s_own_mistake(models: Registry[type]) -> None:
    with pytest.raises(AssertionError, match="'gcn' is registered twice"):
        models.register("gcn")(int)


def test_registries_share_nothing() -> None:
    first, second = Registry[type]("a"), Registry[type]("b")
    first.register("x")(int)
    assert "x" not in second


@pytest.mark.parametrize(
    ("name", "expected"),
    [("NCN", "ncn"), ("Cora", "cora"), ("corra", "cora"), ("", ""), ("zzzzzz", "")],
)
def test_nearest(name: str, expected: str) -> None:
    assert nearest(name, ["ncn", "cora", "citeseer"]) == expected


def test_nearest_keeps_the_case_of_what_is_known() -> None:
    assert nearest("citeseer", ["CiteSeer", "Cora"]) == "CiteSeer"


def test_nearest_of_nothing() -> None:
    assert nearest("a", []) == ""


def test_unknown_name_says_where() -> None:
    error = unknown_name("recipe key", "epoch", ["epochs", "seeds"], where="cora.yaml, line 3")
    assert str(error) == (
        "cora.yaml, line 3: unknown recipe key 'epoch': expected one of epochs, seeds; "
        "did you mean 'epochs'?"
    )


def test_a_name_in_short_or_with_options() -> None:
    assert name_and_options("gcn", "encoder") == ("gcn", {})
    given = {"name": "gcn", "hidden_channels": 4}
    assert name_and_options(given, "encoder") == ("gcn", {"hidden_channels": 4})
    assert "name" in given  # the caller's is left alone
    with pytest.raises(InputTypeError, match="the encoder is 7: expected a module, a name, or"):
        name_and_options(7, "encoder")
    for nameless in ({"hidden_channels": 4}, {"name": 3}):
        with pytest.raises(InputError, match="has no name"):
            name_and_options(nameless, "encoder")
