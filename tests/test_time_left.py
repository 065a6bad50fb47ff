"""How long work still takes: by the pace so far, said seldom."""

from __future__ import annotations

import pytest

from graphlearn.time_left import TimeLeft, duration


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def said(self, left: TimeLeft, seconds: float, done: int, before: int = 0) -> str | None:
        self.now += seconds
        return left.heard(done, before=before)


def test_a_line_each_half_minute() -> None:
    clock = Clock()
    left = TimeLeft(1000, clock=clock)
    said = [clock.said(left, 10.0, done) for done in range(1, 11)]
    assert said == [
        None, None, None, "about 2 h 46 min left",
        None, None, "about 2 h 46 min left",
        None, None, "about 2 h 45 min left",
    ]  # fmt: skip


def test_short_work_says_nothing() -> None:
    clock = Clock()
    left = TimeLeft(5, clock=clock)
    assert [clock.said(left, 5.0, done) for done in range(1, 6)] == [None] * 5


def test_the_first_step_does_not_count_once_there_are_others() -> None:
    clock = Clock()
    left = TimeLeft(12, every=20, clock=clock)
    assert clock.said(left, 100.0, 1) is None  # compiles
    assert clock.said(left, 20.0, 2) == "about 4 min left"
    assert clock.said(left, 20.0, 3) == "about 3 min left"


def test_a_first_step_of_an_hour_is_said() -> None:
    clock = Clock()
    left = TimeLeft(4, clock=clock)
    assert clock.said(left, 3600.0, 1) == "about 3 h 0 min left"


def test_resumed_work_is_judged_by_what_was_done_since() -> None:
    clock = Clock()
    left = TimeLeft(100, clock=clock)
    assert clock.said(left, 600.0, 91, before=90) == "about 1 h 30 min left"
    assert clock.said(left, 60.0, 92, before=91) == "about 8 min left"


def test_nothing_is_left_to_say_at_the_end() -> None:
    clock = Clock()
    left = TimeLeft(1, clock=clock)
    assert clock.said(left, 3600.0, 1) is None
    assert "1" in repr(left)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (3540, "59 min"),
        (3541, "1 h 0 min"),
        (86_340, "23 h 59 min"),
        (86_341, "1 d 0 h"),
        (90_061, "1 d 2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
