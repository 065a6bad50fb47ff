"""What does each part of ``cnmix`` give? Every part taken away or put in, over the same seeds.

    python experiments/perf/ablation.py cora citeseer [--seeds 10] [--rows whole "no completion"]
        [--out runs] [--data-root DIR]

``whole`` is the recipe of Cora, and that of CiteSeer with completion and second-order neighbors,
which it leaves out because validation did not miss them in this table. Every other row is the whole
with one change, all trained on the same splits with bfloat16 matrices (``train.autocast``).
Completion needs the members of features and of neighborhoods, so the rows without one of these are
without it, and are compared with ``no completion``, as is the one that lacks second order too; all
others with ``whole``, which is also what ``completion`` is on CiteSeer and ``no completion`` on
Cora. A run that was stopped goes on where it was, and several may share ``--out``. Printed:
validation and test Hits@100 at the best validation epoch, mean and sample standard deviation over
the seeds, and the paired difference of both, with its standard error and the two-sided p of
Student's paired test.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from paired import paired_gain

import graphlearn
from graphlearn.bench import RunResult

WHOLE = "whole"
COMPLETED = {"cora": False, "citeseer": True}  # the whole
OFF, ON, NEITHER = "no completion", "completion", "neither second order nor completion"

# The changes to the whole; the members that completion needs cannot be taken away alone.
CHANGES: dict[str, dict[str, Any]] = {
    WHOLE: {},
    ON: {"predictor.completion": True},
    OFF: {"predictor.completion": False},
    "no member of features": {"predictor.pair": False, "predictor.completion": False},
    "no member of neighborhoods": {"predictor.neighborhood": False, "predictor.completion": False},
    "no member of structure": {"predictor.structure": False},
    "no second order": {"predictor.second_order": False},
    NEITHER: {"predictor.second_order": False, "predictor.completion": False},
    "members' mean, no learned mix": {"predictor.learn_mix": False},
    "LCM pools common neighbors": {"predictor.pooling": "lcm"},
    "common neighbors by resource allocation": {"predictor.node_weight": "resource-allocation"},
    "messages weighed by TC": {},
}
RECIPES = {"messages weighed by TC": "cnmix-tc"}  # where it is not a change of cnmix itself


def rows_of(dataset: str) -> list[str]:
    """Return the rows that change something on this data set."""
    idle = [ON] if COMPLETED[dataset] else [OFF, NEITHER]
    return [row for row in CHANGES if row not in idle]


def compared_with(dataset: str, row: str) -> str:
    """Return the row that differs from this one by one change."""
    uncompleted = CHANGES[row].get("predictor.completion") is False
    return OFF if COMPLETED[dataset] and uncompleted and row != OFF else WHOLE


def chosen_rows(dataset: str, asked: list[str] | None) -> list[str]:
    """Return the rows that were asked for, each after the one it is compared with.

    One that changes nothing on this data set is the whole recipe, which is always there.
    """
    known = rows_of(dataset)
    wanted = [row for row in asked or known if row in known]
    needed = {WHOLE, *wanted, *(compared_with(dataset, row) for row in wanted)}
    return [row for row in known if row in needed]


def run_row(dataset: str, row: str, args: argparse.Namespace) -> RunResult:
    whole = {"predictor.second_order": True, "predictor.completion": COMPLETED[dataset]}
    return graphlearn.run(
        f"{RECIPES.get(row, 'cnmix')}/{dataset}",
        seeds=args.seeds,
        set={"train.autocast": "bfloat16", **whole, **CHANGES[row]},
        out=args.out,
        data_root=args.data_root,
        progress=args.progress,
    )


def show(dataset: str, results: dict[str, RunResult]) -> None:
    (metric,) = results[WHOLE].rows[0].test
    figures = {
        row: {
            part: [100 * getattr(seed, part)[metric] for seed in result.rows]
            for part in ("valid", "test")
        }
        for row, result in results.items()
    }
    for row, parts in figures.items():
        cells = []
        for part, values in parts.items():
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cell = f"{part} {statistics.mean(values):5.2f} +- {spread:.2f}"
            if row != WHOLE and len(values) > 1:
                gain = paired_gain(values, figures[compared_with(dataset, row)][part])
                cell += f" ({gain.mean:+.2f} +- {gain.error:.2f}, p = {gain.p_t:.3f})"
            cells.append(cell)
        print(f"{dataset:9} {row:40} {'   '.join(cells)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", choices=list(COMPLETED))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", nargs="+", choices=list(CHANGES), help="by default all")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--data-root")
    parser.add_argument("--progress", action="store_true")
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error(f"--seeds is {args.seeds}: expected 1 or more")
    chosen = {dataset: chosen_rows(dataset, args.rows) for dataset in args.datasets}
    try:
        for dataset, rows in chosen.items():
            show(dataset, {row: run_row(dataset, row, args) for row in rows})
    except graphlearn.errors.GraphLearnError as error:
        raise SystemExit(f"ablation.py: {error}") from error


if __name__ == "__main__":
    main()
