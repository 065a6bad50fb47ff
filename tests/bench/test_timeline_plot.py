from __future__ import annotations

import pytest

from graphlearn.bench.timeline_plot import timeline_figure, write_timeline
from graphlearn.errors import InputError, OutputError
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.timeline import simulate_turns


def test_a_bar_for_every_turn() -> None:
    timeline = simulate_turns([[1.0, 2.0, 1.0]] * 2, [[2.0, 4.0, 2.0]] * 2)
    (axes,) = timeline_figure(timeline).axes
    assert len(axes.patches) == 12
    assert [label.get_text() for label in axes.get_yticklabels()] == ["stage 0", "stage 1"]
    assert {text.get_text() for text in axes.texts} == {"0", "1", "2"}
    assert axes.get_title() == "2 stages, 3 chunks: working 67 % of the time"
    last = max(bar.get_x() + bar.get_width() for bar in axes.patches)
    assert last == pytest.approx(timeline.seconds)


def test_measured_turns_begin_at_zero_in_their_unit() -> None:
    turns = [[Turn(0, True, 5.0, 5.002), Turn(0, False, 5.002, 5.004)]]
    (axes,) = timeline_figure(turns, title="measured").axes
    assert axes.patches[0].get_x() == 0.0
    assert axes.patches[0].get_width() == pytest.approx(2.0)
    assert axes.get_xlabel().startswith("ms")
    assert axes.get_title() == "measured"


def test_writes_a_png(tmp_path) -> None:
    path = tmp_path / "turns.png"
    write_timeline(path, simulate_turns([[1.0] * 8] * 4, [[2.0] * 8] * 4))
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_bad_input(tmp_path) -> None:
    with pytest.raises(InputError, match="no turns"):
        timeline_figure([[], []])
    timeline = simulate_turns([[1.0]], [[1.0]])
    with pytest.raises(InputError, match="the file is turns.txt"):
        write_timeline(tmp_path / "turns.txt", timeline)
    (tmp_path / "a-file").write_text("")
    with pytest.raises(OutputError):
        write_timeline(tmp_path / "a-file" / "turns.png", timeline)
