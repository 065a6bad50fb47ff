"""The commands of ``graphlearn``, in the order in which help shows them."""

from __future__ import annotations

from collections.abc import Callable

import cyclopts

import graphlearn
from graphlearn.cli import benchmarks, inspection, own_graph, runs, tuning

app = cyclopts.App(
    name="graphlearn",
    help="Graph learning on PyTorch Geometric: recipes, runs, tables. Every command takes --debug.",
    version=graphlearn.__version__,
    suppress_keyboard_interrupt=False,
)

_COMMANDS: tuple[Callable[..., None], ...] = (
    runs.run,
    runs.reproduce,
    benchmarks.bench,
    tuning.tune,
    runs.resume,
    runs.table,
    inspection.ls,
    inspection.doctor,
    inspection.audit,
    inspection.suggest,
    inspection.analyze,
    inspection.plan,
    own_graph.fit,
    own_graph.predict,
    inspection.completion,
)
for _command in _COMMANDS:
    app.command(_command)
