"""The turns of a pipelined epoch: chunks against time, a lane for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphlearn.bench.figures import png_bytes
from graphlearn.errors import InputError
from graphlearn.files import atomic_write_bytes
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMELINE_NAME = "timeline.png"
"""What it is called in a seed's folder."""

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def timeline_figure(turns: Timeline | Sequence[Sequence[Turn]], *, title: str = "") -> Figure:
    """Draw the turns of one epoch, one lane a stage, the first on top.

    A bar is a chunk's turn, with the chunk's number in it where there is room; a chunk has one
    color on all stages, full on its way forward and pale on its way back. What is empty between
    bars is waiting.

    Args:
        turns: Of every stage: a simulated :class:`Timeline`, or measured turns such as
            ``PipelineEpoch.turns`` gathered from all stages.
        title: Above the figure; the number of stages and their share of work if empty.

    Raises:
        InputError: If there is no turn.

    Example:
        >>> from graphlearn.pipeline.timeline import simulate_turns
        >>> figure = timeline_figure(simulate_turns([[1.0, 1.0]] * 3, [[2.0, 2.0]] * 3))
        >>> figure.axes[0].get_title()
        '3 stages, 2 chunks: working 50 % of the time'
    """
    # Without pyplot: it would open a window system and keep every figure in a global list.
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure as MatplotlibFigure

    timeline = turns if isinstance(turns, Timeline) else Timeline(tuple(map(tuple, turns)))
    begin = min(turn.begin for stage in timeline.turns for turn in stage)
    whole = timeline.seconds
    size, unit = next((pair for pair in _UNITS if whole >= pair[0]), _UNITS[-1])
    chunks = 1 + max(turn.chunk for stage in timeline.turns for turn in stage)
    figure = MatplotlibFigure(
        figsize=(10.0, 1.2 + 0.55 * timeline.num_stages), layout="constrained"
    )
    axes = figure.subplots()
    for stage, own in enumerate(timeline.turns):
        for turn in own:
            start, width = (turn.begin - begin) / size, (turn.end - turn.begin) / size
            color = to_rgba(f"C{turn.chunk % 10}", 1.0 if turn.forward else 0.45)
            axes.barh(stage, width, left=start, height=0.8, color=color, edgecolor="white")
            if width * size > 0.018 * whole:
                middle = start + width / 2
                axes.text(middle, stage, str(turn.chunk), ha="center", va="center", fontsize=7)
    axes.set_yticks(range(timeline.num_stages), [f"stage {s}" for s in range(timeline.num_stages)])
    axes.set_ylim(timeline.num_stages - 0.5, -0.5)
    axes.set_xlim(0, whole / size or 1.0)
    axes.set_xlabel(f"{unit} since the first turn began; full: forward, pale: back")
    axes.set_title(
        title
        or f"{timeline.num_stages} stages, {chunks} chunks: working "
        f"{100 * timeline.efficiency:.0f} % of the time"
    )
    return figure


def write_timeline(
    path: Path | str, turns: Timeline | Sequence[Sequence[Turn]], *, title: str = ""
) -> None:
    """Write :func:`timeline_figure` to a PNG file.

    Args:
        path: The file, which ends in ``.png``.
        turns: As there.
        title: As there.

    Raises:
        InputError: If there is no turn, or the name ends otherwise.
        OutputError: If the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InputError(f"the file is {target.name}", expected="a name that ends in .png")
    atomic_write_bytes(target, png_bytes(timeline_figure(turns, title=title)))
