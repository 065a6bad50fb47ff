from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.nn import GCNEncoder, PropagationEncoder, make_encoder


def test_names_mappings_and_modules() -> None:
    made = make_encoder({"name": "gcn", "hidden_channels": 8, "num_layers": 3}, 5)
    assert isinstance(made, GCNEncoder)
    assert (made.out_channels, len(made.convolutions)) == (8, 3)
    embedded = make_encoder({"name": "propagation", "hidden_channels": 4}, None, num_embeddings=6)
    assert isinstance(embedded, PropagationEncoder)
    assert embedded(None, torch.tensor([[0], [5]])).shape == (6, 4)
    assert make_encoder(made, None) is made


@pytest.mark.parametrize(
    ("what", "error", "text"),
    [
        ("gnc", UnknownNameError, "did you mean 'gcn'"),
        ({"name": "gcn", "hiden_channels": 3}, UnknownNameError, "did you mean 'hidden_channels'"),
        ({"name": "gcn", "in_channels": 3}, UnknownNameError, "in_channels"),
        ("gcn", InputError, "encoder 'gcn' lacks hidden_channels"),
        ({"hidden_channels": 3}, InputError, "has no name"),
        (7, InputTypeError, "the encoder is 7"),
        (nn.Identity(), InputTypeError, "Identity has no out_channels"),
    ],
)
def test_bad_encoders(what, error, text) -> None:
    with pytest.raises(error, match=text):
        make_encoder(what, 5)
