from __future__ import annotations

from graphlearn.pipeline.cost_prediction import CostChoice, CostPrediction, show_seconds


def made(stages: int, ways: int, seconds: float, memory: int = 10) -> CostChoice:
    return CostChoice(stages, ways, 8, seconds, 100, 0.9, 0.1, memory, 0, 0)


def test_names() -> None:
    names = [made(*pair, 1.0).name for pair in ((1, 1), (3, 1), (1, 3), (2, 3))]
    assert names == [
        "one device",
        "a pipeline of 3 stages",
        "graph parallelism, 3 ways",
        "a hybrid of 2 stages x 3 ways",
    ]


def test_a_tie_is_for_what_was_asked() -> None:
    asked, other = made(4, 1, 1.0), made(1, 4, 1.0)
    assert CostPrediction(asked, (asked, other)).pays
    assert not CostPrediction(asked, (asked, made(1, 4, 0.99))).pays


def test_memory_comes_before_time() -> None:
    asked, fast = made(4, 1, 1.0, 10), made(1, 1, 0.5, 100)
    assert CostPrediction(asked, (asked, fast), memory_limit=50).advice == (
        "Pays: a pipeline of 4 stages takes 1.00 s an epoch, and nothing else fits."
    )
    text = CostPrediction(fast, (fast, asked), memory_limit=50).advice
    assert text.startswith("Does not fit: one device needs 100 B of 50 B")
    assert text.endswith("A pipeline of 4 stages needs 10 B and 1.00 s an epoch.")


def test_seconds() -> None:
    assert [show_seconds(s) for s in (0.0, 12.34, 0.0123, 1e-9)] == [
        *("0.00 s", "12.3 s", "12.3 ms", "0.00 us"),
    ]
