"""Negative samples of PyG's configuration, drawn by a batch's key."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch_geometric.sampler import NegativeSampling

from graphlearn.errors import InputError
from graphlearn.kernels.sample import mix_keys


class KeyedNegatives(NegativeSampling):  # type: ignore[misc]
    """PyG's ``NegativeSampling`` whose draws depend on a key alone, not on torch's state.

    Args:
        config: What to draw.
        key: Of the batch; another key draws other negatives.

    Example:
        >>> config = NegativeSampling("binary", amount=2)
        >>> draws = [KeyedNegatives(config, key=5).sample(4, "dst", 10).tolist() for _ in range(2)]
        >>> draws[0] == draws[1]
        True
    """

    def __init__(self, config: NegativeSampling, key: int) -> None:
        super().__init__(config.mode, config.amount, config.src_weight, config.dst_weight)
        # Torch takes seeds of 63 bits and spreads them itself.
        self._generator = torch.Generator().manual_seed(mix_keys(key, 0x6E65) >> 1)

    def sample(
        self, num_samples: int, endpoint: Literal["src", "dst"], num_nodes: int | None = None
    ) -> Tensor:
        """Draw node ids, uniformly or by the configuration's weights; as in PyG.

        Raises:
            InputError: If there are no nodes, or weights do not fit them.
        """
        weight = self.src_weight if endpoint == "src" else self.dst_weight
        if weight is None:
            if not num_nodes:
                raise InputError("there is no node to draw negatives from", expected="one at least")
            return torch.randint(num_nodes, (num_samples,), generator=self._generator)
        if num_nodes is not None and weight.numel() != num_nodes:
            raise InputError(
                f"the weights of negatives ({endpoint}_weight) are {weight.numel()}",
                expected=f"{num_nodes}, one for each node",
            )
        return torch.multinomial(weight, num_samples, replacement=True, generator=self._generator)
