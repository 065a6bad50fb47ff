"""Are two models' figures apart? A paired test over the seeds of a ledger.

    python experiments/perf/paired.py LEDGER... MODEL OTHER [--dataset cora] [--metric hits@100]

Both models saw the same split for each seed, so that the spread between splits, which is larger
than most gains, drops out. Where a model has rows of several recipes on a data set, ``--digest`` or
``--other-digest`` chooses one by the first letters of its digest; of several rows of one recipe
and seed the last counts. Printed: the mean of both, the mean difference with its standard error,
and the two-sided p of Student's paired test and of Wilcoxon's.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import ttest_rel, wilcoxon


@dataclass(frozen=True)
class Gain:
    """Mean difference over seeds, its standard error, and p of two paired tests."""

    mean: float
    error: float
    p_t: float
    p_wilcoxon: float


def paired_gain(values: Sequence[float], others: Sequence[float]) -> Gain:
    """Compare the figures of two models that saw the same splits in the same order."""
    gain = [a - b for a, b in zip(values, others, strict=True)]
    if not any(gain):  # the tests would divide by a spread of zero
        return Gain(0.0, 0.0, 1.0, 1.0)
    return Gain(
        statistics.mean(gain),
        statistics.stdev(gain) / len(gain) ** 0.5,
        ttest_rel(values, others).pvalue,
        wilcoxon(gain).pvalue,
    )


def by_seed(
    rows: list[dict[str, Any]], model: str, dataset: str, metric: str, digest: str
) -> dict[int, float]:
    """Return the test figure of each seed, in percent."""
    chosen = [
        row
        for row in rows
        if row["model"] == model
        and row["dataset"] == dataset
        and metric in row["test"]
        and row["recipe_digest"].startswith(digest)
    ]
    digests = dict.fromkeys(row["recipe_digest"][:8] for row in chosen)
    if len(digests) > 1:
        raise SystemExit(
            f"{model} has rows of {len(digests)} recipes on {dataset}: choose one of "
            f"{', '.join(digests)} by --digest, or --other-digest for the second model"
        )
    if not chosen:
        raise SystemExit(
            f"{model} has no row with {metric} on {dataset}"
            + (f" of a recipe with the digest {digest}" if digest else "")
        )
    return {row["seed"]: 100 * row["test"][metric] for row in chosen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger", type=Path, nargs="+")
    parser.add_argument("models", metavar="MODEL OTHER", nargs=2)
    parser.add_argument("--dataset", default="cora")
    parser.add_argument("--metric", default="hits@100")
    parser.add_argument("--digest", default="")
    parser.add_argument("--other-digest", default="")
    args = parser.parse_args()
    try:
        texts = [path.read_text() for path in args.ledger]
    except OSError as problem:
        raise SystemExit(f"the ledger cannot be read: {problem}") from problem
    rows = [json.loads(line) for text in texts for line in text.splitlines()]
    digests = (args.digest, args.other_digest)
    one, other = (
        by_seed(rows, model, args.dataset, args.metric, digest)
        for model, digest in zip(args.models, digests, strict=True)
    )
    seeds = sorted(set(one) & set(other))
    if len(seeds) < 2:
        raise SystemExit(f"{len(seeds)} seeds in common: expected 2 or more")
    left, right = [one[seed] for seed in seeds], [other[seed] for seed in seeds]
    gain = paired_gain(left, right)
    for name, values in zip(args.models, (left, right), strict=True):
        print(f"{name:14} {statistics.mean(values):6.2f} +- {statistics.stdev(values):.2f}")
    print(
        f"difference     {gain.mean:+6.2f} +- {gain.error:.2f} (standard error), "
        f"{len(seeds)} seeds, t test p = {gain.p_t:.3f}, Wilcoxon p = {gain.p_wilcoxon:.3f}"
    )


if __name__ == "__main__":
    main()
