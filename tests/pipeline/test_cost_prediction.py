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


def test_one_device_that_is_about_as_good_is_named_with_its_seconds() -> None:
    asked, one, other = made(4, 1, 1.0), made(1, 1, 1.05), made(1, 4, 1.02)
    advice = CostPrediction(asked, (asked, other, one)).advice.splitlines()
    assert advice[1:] == [
        "One device (one process) takes 1.05 s, which is about the same.",
    ]
    slow = made(1, 1, 1.2)
    assert "One device" not in CostPrediction(asked, (asked, other, slow)).advice
    assert CostPrediction(asked, (asked, one)).advice == (
        "Pays: a pipeline of 4 stages takes 1.00 s an epoch, the next best, "
        "one device (one process), 1.05 s."
    )
    fast = made(1, 1, 0.5)
    assert CostPrediction(asked, (asked, fast)).advice.startswith(
        "Won't pay: a pipeline of 4 stages takes 1.00 s an epoch, one device (one process) 500 ms."
    )
    late = CostPrediction(other, (other, made(2, 2, 0.99), one)).advice.splitlines()
    assert late[-1] == "One device (one process) takes 1.05 s, which is about the same."


def test_what_is_not_done_is_no_reason() -> None:
    asked, fast = made(4, 1, 1.0), made(1, 4, 0.5)
    assert "sum of recomputing, waiting" in CostPrediction(asked, (asked, fast)).advice
    assert "sum of waiting and" in CostPrediction(asked, (asked, fast), recompute=False).advice
    assert "sum of waiting and" in CostPrediction(fast, (fast, made(4, 1, 0.1))).advice


def test_processes_that_share_cores_are_said_to() -> None:
    asked, fast = made(4, 1, 1.0), made(1, 1, 0.5)
    text = "4 processes share 2 cores"
    line = f"{text}, and each computes that much longer."
    for choices in ((asked, fast), (fast, asked)):
        advice = CostPrediction(asked, choices, sharing=text).advice
        assert advice.splitlines()[1:] == [line]
    assert line in CostPrediction(asked, (asked, made(1, 4, 2.0)), sharing=text).advice


def test_seconds() -> None:
    assert [show_seconds(s) for s in (0.0, 12.34, 0.0123, 1e-9)] == [
        *("0.00 s", "12.3 s", "12.3 ms", "0.00 us"),
    ]
