"""What a command says while it works on a graph of one's own: its steps, and the time left.

On a terminal a bar moves under the lines; elsewhere there are lines alone, also now and then one
about a step that takes long.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from graphlearn.time_left import EVERY, TimeLeft

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@contextlib.contextmanager
def shown_steps(*, quiet: bool = False, console: Console | None = None) -> Iterator[Steps | None]:
    """Yield what shows steps on standard error; None if nothing is to be shown.

    Args:
        quiet: Show nothing.
        console: Where to; by default standard error.

    Example:
        >>> with shown_steps(quiet=True) as steps:
        ...     print(steps)
        None
    """
    if quiet:
        yield None
        return
    from rich import progress as rich_progress
    from rich.console import Console as RichConsole

    console = console or RichConsole(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Steps(console)
        return
    bar = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=None),
        rich_progress.TextColumn("{task.fields[count]}"),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TimeRemainingColumn(),
        console=console,
        expand=True,
        transient=True,
    )
    with bar:
        yield BarSteps(console, bar)


class Steps:
    """A line for each step, and for a long one now and then where it is.

    Args:
        console: A ``rich.console.Console``.
        every: Least seconds between two lines about one step.
        clock: Seconds that never go back.

    Example:
        >>> import io
        >>> from rich.console import Console
        >>> steps = Steps(Console(file=io.StringIO()))
        >>> steps.say("training NCN")
        >>> steps.advance(1, 30, "epochs")
        >>> steps.console.file.getvalue()
        'training NCN\\n'
    """

    def __init__(
        self,
        console: Console,
        *,
        every: float = EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console, self.step = console, ""
        self._every, self._clock = every, clock
        self._left: TimeLeft | None = None

    def say(self, line: str) -> None:
        """A step begins."""
        self.step, self._left = line, None
        self._print(line)

    def advance(self, done: int, total: int, what: str) -> None:
        """So many of the step's ``what`` are done."""
        if self._left is None:
            self._left = TimeLeft(total, every=self._every, clock=self._clock)
        left = self._left.heard(done)
        if left is not None:
            before = f"{self.step}: " if self.step else ""
            self._print(f"{before}{done:,} of {total:,} {what}, {left}")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.step!r})"


class BarSteps(Steps):
    """A line for each step, and under them a bar of the one in work.

    Args:
        console: A ``rich.console.Console``.
        bar: A started ``rich.progress.Progress`` whose columns use a field ``count``.

    Example:
        >>> import io
        >>> from rich.console import Console
        >>> from rich.progress import Progress
        >>> steps = BarSteps(Console(file=io.StringIO()), Progress())
        >>> steps.say("training NCN")
        >>> len(steps.bar.tasks)
        1
    """

    def __init__(self, console: Console, bar: Progress) -> None:
        super().__init__(console)
        self.bar = bar
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        """Print the line, and begin a bar that only shows that something goes on."""
        super().say(line)
        self._begin()

    def advance(self, done: int, total: int, what: str) -> None:
        """Move the bar."""
        if self._task is None:
            self._begin()
        assert self._task is not None
        count = f"{done:,}/{total:,} {what}"
        self.bar.update(self._task, completed=done, total=total, count=count)

    def _begin(self) -> None:
        if self._task is not None:
            self.bar.remove_task(self._task)
        self._task = self.bar.add_task(self.step, total=None, count="")
