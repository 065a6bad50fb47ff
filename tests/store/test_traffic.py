from __future__ import annotations

import pickle
import threading

from graphlearn.store.traffic import TierTraffic, Traffic


def test_reads_of_one_tier_add_up() -> None:
    traffic = Traffic()
    for _ in range(3):
        traffic.add("disk", rows=2, useful_bytes=8, moved_bytes=4096)
    assert traffic.tier("disk") == TierTraffic(rows=6, useful_bytes=24, moved_bytes=12288)
    assert traffic.tier("disk").amplification == 512.0


def test_a_tier_that_nothing_came_from() -> None:
    traffic = Traffic()
    assert traffic.tier("gpu") == TierTraffic()
    assert traffic.tier("gpu").amplification == 0.0
    assert traffic.share("gpu") == 0.0
    assert traffic.rows == 0
    assert traffic.tiers() == {}


def test_shares_are_of_rows_not_of_bytes() -> None:
    traffic = Traffic()
    traffic.add("gpu", rows=3, useful_bytes=3, moved_bytes=0)
    traffic.add("disk", rows=1, useful_bytes=1, moved_bytes=4096)
    assert (traffic.share("gpu"), traffic.share("disk"), traffic.rows) == (0.75, 0.25, 4)


def test_what_was_handed_out_does_not_change() -> None:
    traffic = Traffic()
    traffic.add("memory", rows=1, useful_bytes=4, moved_bytes=4)
    before, tiers = traffic.tier("memory"), traffic.tiers()
    traffic.add("memory", rows=1, useful_bytes=4, moved_bytes=4)
    assert (before.rows, tiers["memory"].rows) == (1, 1)


def test_starting_again() -> None:
    traffic = Traffic()
    traffic.add("memory", rows=1, useful_bytes=4, moved_bytes=4)
    traffic.reset()
    assert traffic.tiers() == {}
    assert repr(traffic) == "Traffic()"


def test_no_read_is_lost_between_threads() -> None:
    traffic = Traffic()

    def read() -> None:
        for _ in range(500):
            traffic.add("memory", rows=1, useful_bytes=4, moved_bytes=8)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert traffic.tier("memory") == TierTraffic(2000, 8000, 16000)


def test_it_goes_to_another_process_with_what_it_counted() -> None:
    traffic = Traffic()
    traffic.add("disk", rows=2, useful_bytes=8, moved_bytes=4096)
    copy = pickle.loads(pickle.dumps(traffic))
    copy.add("disk", rows=1, useful_bytes=4, moved_bytes=4)
    assert copy.tier("disk") == TierTraffic(3, 12, 4100)
    assert traffic.tier("disk") == TierTraffic(2, 8, 4096)
