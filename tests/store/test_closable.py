from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Iterator

import pytest

from graphlearn.errors import InputError
from graphlearn.store.closable import Closable


class Place(Closable):
    def __init__(self) -> None:
        super().__init__()
        self.released = 0
        self.late = 0

    def use(self) -> None:
        with self._in_use():
            self.late += self.released

    def _release(self) -> None:
        self.released += 1


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_last_use_releases_and_none_begins_after_closing() -> None:
    place = Place()
    with place._in_use():
        with place._in_use():
            place.close()
            place.close()
            with pytest.raises(InputError, match="the store was closed"):
                place.use()
        assert place.released == 0
    assert place.released == 1
    place.close()
    assert place.released == 1
    with pytest.raises(InputError, match="the store was closed: expected one that is open"):
        place.use()


def test_a_use_that_fails_ends() -> None:
    place = Place()
    with pytest.raises(ZeroDivisionError), place._in_use():
        raise ZeroDivisionError
    place.close()
    assert place.released == 1


def test_nothing_is_used_after_its_release_by_any_thread(hasty_threads: None) -> None:
    def work(place: Place) -> None:
        while True:
            try:
                place.use()
            except InputError:
                return

    for _ in range(100):
        place = Place()
        workers = [threading.Thread(target=work, args=(place,)) for _ in range(3)]
        workers += [threading.Thread(target=place.close) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert (place.released, place.late) == (1, 0)


def test_a_copy_is_used_by_nobody() -> None:
    place = Place()
    with place._in_use():
        others = [copy.deepcopy(place), pickle.loads(pickle.dumps(place))]
    for other in others:
        other.close()
        assert (other.released, place.released) == (1, 0)
