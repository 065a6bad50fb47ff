from __future__ import annotations

import multiprocessing
import os
import re
import runpy
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from graphlearn.bench.crew import Crew, Order
from graphlearn.errors import GraphLearnError, InputError
from graphlearn.pipeline.failures import Failures, PeerLostError

ORDER = Order("{}", 0, "runs", None)


def test_a_process_alone_is_a_crew_of_one_without_a_group() -> None:
    with Crew.assemble(environment={}) as crew:
        assert (crew.stages, crew.ways, crew.rank, crew.leads) == (1, 1, 0, True)
        assert not dist.is_initialized()
        with crew.training(ORDER):
            pass
        assert crew.hear() is None


@pytest.mark.parametrize(
    ("environment", "ways", "text"),
    [
        ({"WORLD_SIZE": "4"}, 3, "4 processes for 3 ways.*start 3 processes, or pass --ways 1"),
        ({}, 2, "1 processes for 2 ways.*start 2 processes"),
        ({"WORLD_SIZE": "two"}, 1, "WORLD_SIZE is 'two'.*torchrun"),
        ({"RANK": ""}, 1, "RANK is ''"),
        ({}, 0, "ways is 0"),
    ],
)
def test_a_number_of_processes_that_does_not_fit_is_refused(
    environment: dict[str, str], ways: int, text: str
) -> None:
    with pytest.raises(InputError, match=text), Crew.assemble(ways, environment=environment):
        pass


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_a_time_out_is_positive(timeout: float) -> None:
    with (
        pytest.raises(InputError, match=re.escape(f"timeout is {timeout}")),
        Crew.assemble(timeout=timeout, environment={}),
    ):
        pass


def test_processes_alone_keep_the_recipe_s_device() -> None:
    assert Crew().device("cuda") == "cuda"
    assert Crew(2, 1, rank=1, local_rank=1).device("cpu") == "cpu"


TOGETHER = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}


def broken(*args: Any, **options: Any) -> None:
    raise RuntimeError("Connection closed by peer\nand more")


@pytest.fixture
def broken_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that comes together, and does nothing right from then on."""
    for name in ("init_process_group", "new_group"):
        monkeypatch.setattr(dist, name, lambda *args, **options: None)
    for name in ("broadcast_object_list", "destroy_process_group"):
        monkeypatch.setattr(dist, name, broken)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(Failures, "of_group", lambda ways: Failures(ranks=2, ways=ways))


@pytest.mark.usefixtures("broken_group")
def test_what_a_broken_group_does_at_the_end_hides_no_error() -> None:
    with pytest.raises(InputError, match="mine"), Crew.assemble(environment=TOGETHER):
        raise InputError("mine")
    with Crew.assemble(environment=TOGETHER) as crew:
        assert crew.size == 2


@pytest.mark.usefixtures("broken_group")
def test_whoever_cannot_be_told_is_lost() -> None:
    text = r"from or to rank 1 \(stage 1, way 0\) \(Connection closed by peer\): expected every"
    with (
        pytest.raises(PeerLostError, match=text),
        Crew.assemble(environment=TOGETHER) as crew,
        crew.training(ORDER),
    ):
        pass


def test_processes_that_do_not_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist, "init_process_group", broken)
    text = r"did not come together \(Connection closed by peer\): expected every process"
    with pytest.raises(PeerLostError, match=text), Crew.assemble(environment=TOGETHER):
        pass


@pytest.mark.parametrize("killed", [False, True])
def test_the_next_order_is_waited_for_as_long_as_the_leader_lives(killed: bool) -> None:
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["graphlearn.bench.crew"])
    ready, started = context.Barrier(2), []
    for rank in range(2):
        here, there = context.Pipe(duplex=False)
        request = {"rank": rank, "port": store.port, "killed": killed}
        names = {"REQUEST": request, "PIPE": there, "READY": ready}
        process = context.Process(
            target=runpy.run_path, args=(str(Path(__file__)), names, "crew"), daemon=True
        )
        process.start()
        there.close()
        started.append((process, here))
    try:
        _, follower = started[1]
        assert follower.poll(120)
        said = follower.recv()
    finally:
        for process, _ in started:
            process.kill()
            process.join()
    if killed:
        assert said.startswith("rank 0 (stage 0, way 0) is gone without a word: it was killed")
    else:
        assert said == [ORDER, None]


def be_one_of_two(request: dict[str, Any], pipe: Any, ready: Any) -> None:
    """What a process of the crew does: the leader takes longer than the time-out to prepare."""
    os.environ |= {
        "RANK": str(request["rank"]),
        "LOCAL_RANK": str(request["rank"]),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(request["port"]),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
    }
    ready.wait(100)
    try:
        with Crew.assemble(timeout=3.0) as crew:
            if not crew.leads:
                heard = [crew.hear()]
                pipe.send([*heard, crew.hear()])
                return
            if request["killed"]:
                time.sleep(0.5)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(4.0)
            with crew.training(ORDER):
                pass
    except GraphLearnError as error:
        pipe.send(str(error))


if __name__ == "crew":
    be_one_of_two(REQUEST, PIPE, READY)  # type: ignore[name-defined]  # noqa: F821
