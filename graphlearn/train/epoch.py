"""One pass over the training links."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from graphlearn.errors import InputError
from graphlearn.train.auxiliary import auxiliary_losses
from graphlearn.train.config import TrainConfig
from graphlearn.train.losses import EpochLosses, widened
from graphlearn.train.negatives import UniformNegatives
from graphlearn.train.prepared import PreparedSplit
from graphlearn.train.step import take_step
from graphlearn.typing import Scores


def link_loss(scores: Scores, num_positives: int) -> Tensor:
    r"""Return :math:`-\mathrm{mean} \log \sigma(s^+) - \mathrm{mean} \log \sigma(-s^-)`.

    Args:
        scores: Logits of the positives, then of the negatives; or several rows of them, of members
            of a model that each learn from a loss of their own: then the mean of these.
        num_positives: How many of them are positives.

    Shapes:
        - **scores**: ``[P + Q]`` or ``[R, P + Q]``
        - output: ``[]``

    Example:
        >>> round(link_loss(torch.zeros(4), 2).item(), 4)
        1.3863
    """
    scores = widened(scores)
    positive, negative = scores[..., :num_positives], scores[..., num_positives:]
    return -functional.logsigmoid(positive).mean() - functional.logsigmoid(-negative).mean()


def batches_per_epoch(num_links: int, config: TrainConfig) -> int:
    """Return how many batches the loop makes of so many links.

    Args:
        num_links: Number of training links.
        config: Batch size, and whether a smaller last batch is left out.

    Raises:
        InputError: If that is none.

    Example:
        >>> batches_per_epoch(2500, TrainConfig(batch_size=1000))
        3
    """
    whole, rest = divmod(num_links, config.batch_size)
    batches = whole + (rest > 0 and not config.drop_last_batch)
    if batches == 0:
        raise InputError(
            f"batch_size is {config.batch_size} with drop_last_batch",
            expected=f"at most {num_links}, the number of training links",
        )
    return batches


def train_epoch(
    model: nn.Module,
    data: PreparedSplit,
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    negatives: UniformNegatives,
    generator: torch.Generator,
    *,
    epoch: int,
    seed: int,
    average: AveragedModel | None = None,
) -> float:
    """Train for one epoch and return the mean of its batches' losses.

    Links are shuffled and negatives drawn once, for the whole epoch. Positives and negatives of a
    batch are scored in one call of the model, unless ``negatives_apart`` is on. What its modules'
    ``auxiliary_loss`` methods give is added to the loss.

    Args:
        model: ``model(x, graph, pairs)`` gives a logit a pair; one that has a module with a true
            ``gives_members`` may give several rows of them, one for each of its members.
        data: What to train on.
        config: Batch size, negatives and how they are scored, target removal, precision, gradient
            clipping.
        optimizer: Updates the model.
        negatives: Draws from the training graph.
        generator: Source of the order and the negatives, on the CPU.
        epoch: This epoch's number, for the error text.
        seed: The run's seed, likewise.
        average: A moving average that takes in the weights after every step.

    Raises:
        DivergedError: At the first loss that is NaN or infinite, with epoch, seed and batch. On the
            CPU that is before the batch changes the weights; on a device at most 64 batches later.
        InputError: If the model does not give one score a pair.
    """
    size, ratio = config.batch_size, config.negatives_per_positive
    batches = batches_per_epoch(data.train_pairs.size(1), config)
    device = data.train_pairs.device
    order = torch.randperm(data.train_pairs.size(1), generator=generator)
    order = order[: batches * size].to(device)
    drawn = negatives.draw(order.numel() * ratio, generator).to(device)
    positive_batches = torch.split(data.train_pairs.index_select(1, order), size, dim=1)
    negative_batches = torch.split(drawn, size * ratio, dim=1)
    edge_batches = torch.split(data.train_edges.index_select(0, order), size)

    auxiliary = auxiliary_losses(model)
    members = any(getattr(module, "gives_members", False) for module in model.modules())
    losses = EpochLosses(device, epoch=epoch, seed=seed, batches=batches)
    model.train()
    for positive, negative, edges in zip(
        positive_batches, negative_batches, edge_batches, strict=True
    ):
        graph = data.graph.without_edges(edges) if config.remove_targets else data.graph
        pairs = torch.cat([positive, negative], dim=1)
        with config.training_precision():
            if config.negatives_apart:
                h = model.encode(data.x, graph)  # type: ignore[operator]
                parts = [model.predictor(h, graph, part) for part in (positive, negative)]  # type: ignore[operator]
                scores = torch.cat(parts, dim=-1)
            else:
                scores = model(data.x, graph, pairs)
            rows = scores.shape[:-1] if members else ()
            if scores.shape != (*rows, pairs.size(1)) or scores.dim() > 2 or 0 in rows:
                raise InputError(
                    f"the model gave scores of shape {list(scores.shape)}",
                    expected=f"shape [{pairs.size(1)}], one score a pair"
                    + (", or several rows of them, one a member" if members else ""),
                )
            loss = link_loss(scores, positive.size(1))
            for term in auxiliary:
                loss = loss + term()
        losses.add(loss)
        take_step(model, loss, optimizer, config, average)
    return losses.mean()
