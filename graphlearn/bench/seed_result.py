"""What one finished seed leaves behind: the ledger's row, and the curves beside it."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from typing import Any

from graphlearn.bench.labels import shown_name
from graphlearn.bench.plain_values import conform
from graphlearn.errors import InputError

Curves = list[dict[str, Any]]
"""One mapping an epoch: ``{"epoch": 1, "loss": 1.3, "valid": {"hits@100": 0.4}}``."""

PipelineFigures = dict[str, int | float | list[int] | list[float]]
"""An epoch of several processes: stages, ways, chunks, seconds, bytes sent, bubble."""


@dataclass(frozen=True)
class SeedResult:
    """One row of the ledger.

    Args:
        model: The recipe's name.
        dataset: The data set's name, or the stem of the user's file.
        seed: The seed of split, initial weights, negatives and dropout.
        recipe_digest: sha256 of all in the recipe that decides the result.
        dataset_hash: sha256 of the split: features, training links, held-out pairs, negatives.
        split_rule: The rule that made the split.
        test: Metric name to test score, each at its own best validation epoch; of a fold without a
            validation part, at the last epoch.
        valid: Metric name to validation score at that epoch.
        best_epoch: Metric name to that epoch; empty for heuristics.
        epochs: How many epochs were trained.
        seconds: Time spent on training and evaluation.
        finished: Date and time in UTC, ISO 8601.
        versions: Package to version, and what else could move a figure (threads, device).
        fold_epochs: For a fold without a validation part: the epochs that were evaluated.
        fold_scores: For such a fold: metric name to test score at each of these epochs, from which
            :func:`graphlearn.bench.cross_validation.one_epoch` takes one for all folds.
        pipeline: For a seed that several processes trained together, an epoch of median length:
            ``stages``, ``ways``, ``chunks``, ``epoch_seconds``, ``stage_seconds`` and
            ``stage_layers`` of each stage, ``bytes_between_stages`` and ``bytes_between_ways``,
            ``bubble`` (the share of their time that stages waited) and ``ideal_bubble``.
        swept: Of a sweep, key to value of the settings by which its recipe differs from the others.

    Example:
        >>> row = SeedResult("cn", "cora", 0, "ab", "cd", "ncn-planetoid", {"auc": 0.7})
        >>> SeedResult.from_mapping(row.to_mapping()) == row
        True
    """

    model: str
    dataset: str
    seed: int
    recipe_digest: str
    dataset_hash: str
    split_rule: str
    test: dict[str, float]
    valid: dict[str, float] = field(default_factory=dict)
    best_epoch: dict[str, int] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    finished: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    fold_epochs: list[int] = field(default_factory=list)
    fold_scores: dict[str, list[float]] = field(default_factory=dict)
    pipeline: PipelineFigures = field(default_factory=dict)
    swept: dict[str, Any] = field(default_factory=dict)

    @property
    def shown_name(self) -> str:
        """``"ncn"``, or of a sweep ``"ncn (batch_size=512)"``."""
        return shown_name(self.model, self.swept)

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What makes a seed the same seed: recipe, data, seed, and the package's version.

        Another version of the package may compute something else under the same recipe, so its
        rows are kept and shown but never stand in for a run.
        """
        version = self.versions.get("graphlearn", "")
        return self.recipe_digest, self.dataset_hash, self.seed, version

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        mapping = dataclasses.asdict(self)
        for name in ("fold_epochs", "fold_scores", "pipeline", "swept"):  # few rows have them
            if not mapping[name]:
                del mapping[name]
        return mapping

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any], *, where: str = "") -> SeedResult:
        """Rebuild a row from JSON, checking keys and types.

        Raises:
            InputError: If a required key is missing.
            InputTypeError: If a value has the wrong type.
        """
        hints = typing.get_type_hints(cls)
        values: dict[str, Any] = {}
        for entry in dataclasses.fields(cls):
            if entry.name in mapping:
                values[entry.name] = conform(
                    mapping[entry.name], hints[entry.name], name=entry.name, where=where
                )
            elif entry.default is entry.default_factory is dataclasses.MISSING:
                place = f"{where}: " if where else ""
                raise InputError(
                    f"{place}a result lacks {entry.name!r}", expected="a row that a run wrote"
                )
        return cls(**values)
