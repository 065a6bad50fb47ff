"""What may be closed while other threads use it: it is released after the last of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from graphlearn.errors import InputError


class Closable:
    """Counts its uses; :meth:`close` refuses new ones, and whoever ends the last one releases.

    A file's number may be another file's as soon as it is closed, and memory another's as soon as
    it is let go, so neither may happen under a read. Nothing here waits, so that a thread may close
    what it is using itself, and a forked process does not wait for threads that it does not have.

    A subclass gives :meth:`_release`, and uses what that releases inside :meth:`_in_use` alone.
    Copies, by pickle too, are used by nobody.

    Example:
        >>> class Door(Closable):
        ...     def _release(self):
        ...         print("released")
        >>> door = Door()
        >>> with door._in_use():
        ...     door.close()
        ...     print("in use")
        in use
        released
        >>> door.close()
    """

    def __init__(self) -> None:
        # Lists alone, each used in one step that no other thread can part. A use is counted before
        # it asks whether this is closed, and closing is noted before uses are counted: one of the
        # two sees the other.
        self._uses: list[None] = []
        self._held: list[None] = [None]
        self._is_closed = False

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """Nothing is released inside.

        Raises:
            InputError: If it is closed.
        """
        self._uses.append(None)
        try:
            if self._is_closed:
                raise self._closed_error()
            yield
        finally:
            self._uses.pop()
            self._settle()

    def close(self) -> None:
        """Give back files and memory, once reads of other threads are done; then none can begin."""
        self._is_closed = True
        self._settle()

    def _settle(self) -> None:
        if not self._is_closed or self._uses:
            return
        try:
            self._held.pop()  # one thread alone gets it
        except IndexError:
            return
        self._release()

    def _release(self) -> None:
        """Give back what is held; called once."""

    def _closed_error(self) -> InputError:
        return InputError("the store was closed", expected="one that is open", mend="make it again")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_uses": []}
