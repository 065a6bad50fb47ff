"""How a mixer learns: by the chance that it gives a source's later links among its candidates."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from graphlearn.serve.lists import log_sums, ragged_ranges
from graphlearn.serve.quality import Examples, measure
from graphlearn.serve.scorer import Mixer, Scorer

EPOCHS = 16
"""Most passes over the lists."""

_LISTS_A_BATCH = 64
_MOST_LISTS = 6_000  # a mixer has some hundred weights: more lists teach it nothing
_PATIENCE = 4


def learn_mixer(
    examples: Sequence[Examples],
    choose: Examples,
    *,
    columns: int,
    hidden: int,
    epochs: int = EPOCHS,
    seed: int,
    on_epoch: Callable[[int], None] | None = None,
) -> Mixer:
    r"""Train by :math:`-\log \mathrm{softmax}` of the held-out links within their source's list.

    After each epoch the hit rate on other links is measured: the mixer of the best epoch is
    returned, and training stops where four epochs brought none better.

    Args:
        examples: Lists to learn from, as of one or several cuts.
        choose: Lists to stop by.
        columns: How many of the lists' numbers to read.
        hidden: Size of the hidden layers; 0 for a linear mixture.
        epochs: Most passes over the lists.
        seed: Of weights and order.
        on_epoch: Told each epoch's number, from 1.
    """
    features = torch.cat([part.lists.features[:, :columns] for part in examples]).double()
    starts, total = [], 0
    for part in examples:
        starts.append(total)
        total += part.lists.num_lists
    place = torch.cat([e.lists.place + s for e, s in zip(examples, starts, strict=True)])
    found = torch.cat([part.found for part in examples])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mixer = Mixer(columns, hidden)
    if not bool(found.any()):  # nothing to learn from: it stays as it began
        return mixer.eval()
    mixer.standardize_by(features)
    bounds = torch.searchsorted(place, torch.arange(total + 1))
    hits = torch.zeros(total).index_add_(0, place, found.float())
    useful = (hits > 0).nonzero().flatten()
    generator = torch.Generator().manual_seed(seed)
    if useful.numel() > _MOST_LISTS:
        useful = useful[torch.randperm(useful.numel(), generator=generator)[:_MOST_LISTS]]
    optimizer = torch.optim.AdamW(mixer.parameters(), lr=5e-3, weight_decay=1e-2)
    best, kept, since = -1.0, copy.deepcopy(mixer.state_dict()), 0
    for epoch in range(1, epochs + 1):
        mixer.train()
        shuffled = useful[torch.randperm(useful.numel(), generator=generator)]
        for batch in torch.split(shuffled, _LISTS_A_BATCH):
            rows, lists = ragged_ranges(bounds[batch], bounds[batch + 1])
            loss = list_loss(mixer(features[rows]), lists, found[rows], batch.numel())
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
        quality = measure(Scorer("mixture", mixer.eval()), choose)
        if on_epoch is not None:
            on_epoch(epoch)
        # The reciprocal rank decides between epochs of one hit rate, and where there is no hit.
        value, since = quality.hit_rate + 1e-3 * quality.mrr, since + 1
        if value > best:
            best, kept, since = value, copy.deepcopy(mixer.state_dict()), 0
        if since == _PATIENCE:
            break
    mixer.load_state_dict(kept)
    return mixer.eval()


def list_loss(scores: Tensor, lists: Tensor, found: Tensor, num_lists: int) -> Tensor:
    """Mean over the links found of minus the logarithm of their share in their list.

    Args:
        scores: Of candidates.
        lists: The list of each, in ``[0, num_lists)``.
        found: Which are links.
        num_lists: How many lists there are.

    Shapes:
        - **scores**, **lists**, **found**: ``[K]``; **output**: ``[]``

    Example:
        >>> loss = list_loss(torch.zeros(4), torch.zeros(4).long(), torch.arange(4) == 1, 1)
        >>> round(loss.exp().item())
        4
    """
    logarithms = scores - log_sums(scores, lists, num_lists)[lists]
    return -logarithms[found].mean()
