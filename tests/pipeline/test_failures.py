from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
import torch.distributed as dist

from graphlearn.errors import InputError
from graphlearn.pipeline import PeerLostError
from graphlearn.pipeline.failures import Failures, Store, rank_name


@pytest.fixture
def board():
    """``board(n)``: n processes that write to one store."""

    def make(ranks: int, ways: int = 1) -> list[Failures]:
        store = dist.HashStore()
        return [Failures(rank, ranks, ways=ways, store=store) for rank in range(ranks)]

    return make


def lose(failures: Failures, ranks: list[int], text: str, after: float = 0.0) -> str:
    """What is said when a message of ``ranks`` fails ``after`` so many seconds."""

    def message() -> None:
        time.sleep(after)
        raise RuntimeError(f"[gloo] {text}\nand a long trace")

    with pytest.raises(PeerLostError) as caught, failures.waiting_for(ranks):
        message()
    return caught.value.given


def lose_together(failures: list[Failures], waits: dict[int, tuple[list[int], str, float]]):
    found: dict[int, str] = {}

    def run(rank: int) -> None:
        found[rank] = lose(failures[rank], *waits[rank])

    threads = [threading.Thread(target=run, args=(rank,)) for rank in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_an_error_of_its_own_is_what_all_others_name(board) -> None:
    failures = board(4, ways=2)
    assert isinstance(failures[0]._store, Store)
    with pytest.raises(InputError, match="too much"), failures[3].telling():
        raise InputError("too much")
    for rank in (0, 1, 2):  # also who knows rank 3 by others alone
        text = lose(failures[rank], [rank - 1], "Connection closed by peer")
        assert text == "rank 3 (stage 1, way 1) failed with InputError (too much)"


def test_one_that_was_killed_is_named_by_those_who_do_not_know_it(board) -> None:
    failures = board(4)
    for rank, neighbor in ((1, 2), (3, 2), (0, 1)):  # in this order they end
        text = lose(failures[rank], [neighbor], "Connection closed by peer")
        assert text.startswith("rank 2 (stage 2, way 0) is gone without a word")


def test_one_that_hangs_is_named_also_by_who_gives_up_first(board) -> None:
    """Rank 2 hangs; rank 0 waited for rank 1 a little longer than rank 1 did for rank 2."""
    late = "Timed out waiting 1000ms for recv operation to complete"
    waits = {0: ([1], late, 0.2), 1: ([2], late, 0.7), 3: ([2], late, 0.5)}
    for text in lose_together(board(4), waits).values():
        assert text.startswith("rank 2 (stage 2, way 0) did not answer within")


def test_in_a_sum_over_all_who_says_nothing_is_named(board) -> None:
    closed = "Connection reset by peer"
    waits = {rank: ([r for r in range(4) if r != rank], closed, rank / 10) for rank in (0, 1, 3)}
    for text in lose_together(board(4), waits).values():
        assert text.startswith("rank 2 (stage 2, way 0) is gone")


def test_of_several_that_say_nothing_the_one_that_has_ended_is_named(board) -> None:
    failures = board(4)
    failures[1].say_where()  # this process, which is busy and yet to notice
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "getpid", lambda: ended.pid)
        failures[2].say_where()
    began = time.monotonic()
    text = lose(failures[0], [1, 2, 3], "Connection closed by peer")
    if sys.platform == "linux":
        assert text == "rank 2 (stage 2, way 0) is gone without a word: it was killed"
        assert time.monotonic() - began < 1.0
    else:
        assert text.startswith("one of rank 1")


def test_who_wait_for_each_other_name_each_other(board) -> None:
    late = "Timed out waiting 10ms"
    found = lose_together(board(2), {0: ([1], late, 0.0), 1: ([0], late, 0.0)})
    assert "no message from or to rank 1 (stage 1, way 0) ([gloo] Timed out" in found[0]
    assert "and a long trace" not in found[0]


def test_without_a_store_the_neighbor_is_named() -> None:
    text = lose(Failures(), [1], "Connection closed")
    assert text == "no message from or to rank 1 (stage 1, way 0) ([gloo] Connection closed)"
    with pytest.raises(ValueError, match="as it is"), Failures().telling():
        raise ValueError("as it is")


def test_if_the_store_is_gone_too_both_are_told() -> None:
    class Gone:
        def __getattr__(self, name):
            def fail(*arguments):
                raise dist.DistNetworkError("no store")

            return fail

    text = lose(Failures(0, 2, store=Gone()), [1], "Connection closed")
    assert text.endswith(
        "(Connection closed), nor from the store (no store)".replace("(C", "([gloo] C")
    )
    with pytest.raises(ValueError, match="as it is"), Failures(0, 2, store=Gone()).telling():
        raise ValueError("as it is")


def test_names() -> None:
    assert rank_name(3, 2) == "rank 3 (stage 1, way 1)"
    assert Failures(1, 3).others == [0, 2]


# Three and four processes ########################################################################

SECONDS = 6.0


@pytest.mark.parametrize(
    ("kind", "stages", "what"),
    [
        ("kill", 3, "is gone without a word"),
        ("kill", 4, "is gone without a word"),
        ("hang", 4, "did not answer within"),
        ("raise", 4, "failed with ValueError (no more)"),
    ],
)
def test_all_others_end_in_time_with_the_name_of_the_one(start, tmp_path, kind, stages, what):
    """The trouble is in layer 2, on the last stage but one: rank 0 of 4 does not speak with it."""
    options = {
        "kind": kind,
        "stages": stages,
        "chunks": 5,
        "costs": [1, 1, 2, 2],
        # On the way back of the first epoch, after 5 chunks for the history and 5 forward.
        "layer": {"after": 12, "mark": str(tmp_path / "mark")},
    }
    tasks = [
        # All is well at first, and what was said of one training is not said of the next.
        ("train_and_tell", {"kind": "sum", "epochs": 1, "stages": stages, "chunks": 5}),
        ("train_and_tell", {"kind": "rows", "stages": stages, "chunks": 5}),
        ("train_and_tell", options),
    ]
    came = start(stages, tasks, seconds=SECONDS, hanging=int(kind == "hang"))
    began, bad = float((tmp_path / "mark").read_text()), stages - 2
    for rank, done in enumerate(came):
        if rank == bad:
            assert (done is None) == (kind != "raise")
            continue
        assert [kind for kind, _ in done[:2]] == ["done", "DivergedError"]
        error, (text, ended) = done[2]
        assert error == "PeerLostError"
        assert text.startswith(f"rank {bad} (stage {bad}, way 0) {what}"), text
        assert ended - began < SECONDS + 10  # on a busy machine; it hangs for 60
