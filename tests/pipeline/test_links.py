from __future__ import annotations

import torch

from graphlearn.pipeline.failures import Failures
from graphlearn.pipeline.links import StageLink, WayExchange, run_messages, wait_for

SIZES = [3, 0, 5, 1, 2, 4]  # of chunks; one may have no node on a way


def test_messages_arrive_in_order_and_are_counted(results) -> None:
    echoes, exchanges = results(2, [("echo", {"sizes": SIZES}), ("exchange", {})])
    sent = [[2.0 * n * k, n * (k + 0.5)] for k, n in enumerate(SIZES)]
    assert echoes[1][0] == sent
    assert echoes[0][0] == [[2 * part for part in parts] for parts in sent]
    assert [count for _, count in echoes] == [sum(SIZES) * 3 * 4] * 2
    # Way 0 holds rows 0 1 2 and owns the first; way 1 holds rows 10 11 12 and owns the last.
    assert exchanges[0] == ([0.0, 1.0, 12.0], [1 + 2.0, 1.0, 1.0], 2 * 4)
    assert exchanges[1] == ([0.0, 11.0, 12.0], [2.0, 2.0, 2 + 1.0], 2 * 4)


def test_nothing_to_send_needs_no_group() -> None:
    wait_for(run_messages([], [1], Failures()), [1], Failures())
    ways = WayExchange([{}], [{}], [], Failures())
    rows = torch.ones(2, 1)
    ways.publish(0, rows)
    ways.return_gradients(0, rows)
    assert rows.tolist() == [[1.0], [1.0]]
    link = StageLink(1, torch.device("cpu"), Failures())
    assert list(link.receive([], lambda chunk: [], torch.float32)) == []
    link.flush()
    assert link.sent_bytes == ways.sent_bytes == 0
