"""Progress: on a terminal a bar over all seeds and one for each in work; elsewhere plain lines.

Plain lines say what a seed gave when it is done, and of a long one now and then where it is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graphlearn.bench.listener import Epoch, Listener, Silence
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.table import show
from graphlearn.metrics import shown_value
from graphlearn.time_left import EVERY, TimeLeft

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@contextlib.contextmanager
def show_progress(*, enabled: bool = True, console: Console | None = None) -> Iterator[Listener]:
    """Yield a listener that shows what it hears on standard error.

    Args:
        enabled: Whether to show anything.
        console: Where to; by default standard error. Bars are drawn on terminals alone; a file or
            pipe gets plain lines.

    Example:
        >>> with show_progress(enabled=False) as listener:
        ...     listener.started(0)
    """
    if not enabled:
        yield Silence()
        return
    from rich.console import Console as RichConsole

    console = console or RichConsole(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Lines(console)
        return
    from rich import progress as rich_progress

    bars = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=None),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[note]}"),
        console=console,
        expand=True,
        transient=True,
    )
    with bars:
        yield Bars(console, bars)


class Lines:
    """A plain line for each seed that is finished or skipped, and now and then for one in work.

    Args:
        console: A ``rich.console.Console``.
        every: Least seconds before a seed's first line about its epochs, and between two.
        clock: Seconds that never go back.

    Example:
        >>> import io
        >>> from rich.console import Console
        >>> lines = Lines(Console(file=io.StringIO()))
        >>> lines.planned(["cn on cora, seed 0"], [0])
        >>> lines.finished(0, SeedResult("cn", "cora", 0, "ab", "cd", "", {"auc": 0.7}, seconds=2))
        >>> lines.console.file.getvalue()
        'cn on cora, seed 0: test auc 70.00 in 2.0 s\\n'
    """

    def __init__(
        self,
        console: Console,
        *,
        every: float = EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.labels: list[str] = []
        self._epochs: list[int] = []
        self._every, self._clock = every, clock
        self._left: dict[int, TimeLeft] = {}
        self._valid: dict[int, str] = {}

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Note the jobs' labels, and how many epochs each may take."""
        self.labels, self._epochs = list(labels), list(epochs)

    def skipped(self, job: int, result: SeedResult) -> None:
        """Print that the job was finished earlier."""
        when = f" on {result.finished[:10]}" if result.finished else ""
        self._print(f"{self.labels[job]}: finished{when}, skipped ({_scores(result)})")

    def started(self, job: int) -> None:
        """Look at the clock; lines come later."""
        self._left[job] = TimeLeft(self._epochs[job], every=self._every, clock=self._clock)
        self._valid[job] = ""

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Print where the job is, if it was silent for long."""
        if epoch.valid:  # not every epoch is evaluated
            self._valid[job] = f", {_valid(epoch)}"
        left = self._left[job].heard(epoch.number, before=epoch.number - 1)
        if left is not None:
            self._print(
                f"{self.labels[job]}: epoch {epoch.number} of {self._epochs[job]}, "
                f"loss {epoch.loss:.4f}{self._valid[job]}, {left}"
            )

    def noted(self, job: int, text: str) -> None:
        """Print it."""
        self._print(f"{self.labels[job]}: {text}")

    def failed(self, job: int) -> None:
        """Say nothing: the error says it."""

    def finished(self, job: int, result: SeedResult) -> None:
        """Print the job's scores."""
        best = next(iter(result.best_epoch.values()), None)
        at = "" if best is None else f" (best epoch {best} of {result.epochs})"
        if result.fold_scores:
            at = f" (last epoch, {result.epochs})"
        self._print(f"{self.labels[job]}: test {_scores(result)}{at} in {result.seconds:.1f} s")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Bars(Lines):
    """Bars that move with every epoch, under the lines of finished seeds.

    Args:
        console: A ``rich.console.Console``.
        bars: A started ``rich.progress.Progress`` whose columns use a field ``note``.

    Example:
        >>> import io
        >>> from rich.console import Console
        >>> from rich.progress import Progress
        >>> bars = Bars(Console(file=io.StringIO()), Progress())
        >>> bars.planned(["cn on cora, seed 0"], [0])
    """

    def __init__(self, console: Console, bars: Progress) -> None:
        super().__init__(console)
        self.bars = bars
        self._work: list[int] = []
        self._tasks: dict[int, Any] = {}
        self._done: dict[int, int] = {}
        self._total: Any = None

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Draw the bar over all jobs, in epochs; a job without training counts as one."""
        super().planned(labels, epochs)
        self._work = [max(1, count) for count in epochs]
        self._total = self.bars.add_task("all seeds", total=sum(self._work), note="")

    def skipped(self, job: int, result: SeedResult) -> None:
        """Print the line and move the bar."""
        super().skipped(job, result)
        self.bars.advance(self._total, self._work[job])

    def started(self, job: int) -> None:
        """Draw a bar for the job."""
        self._done[job] = 0
        self._tasks[job] = self.bars.add_task(self.labels[job], total=self._work[job], note="")

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Move both bars to the epoch, which after a resume is not the first."""
        note = f"loss {epoch.loss:.4f}"
        if epoch.valid:
            note += f"  {_valid(epoch)}"
        self.bars.advance(self._total, epoch.number - self._done[job])
        self._done[job] = epoch.number
        self.bars.update(self._tasks[job], completed=epoch.number, note=note)

    def finished(self, job: int, result: SeedResult) -> None:
        """Take the job's bar away and print its line."""
        self.bars.remove_task(self._tasks.pop(job))
        self.bars.advance(self._total, self._work[job] - self._done[job])
        super().finished(job, result)


def _valid(epoch: Epoch) -> str:
    """The first validation metric, by which the epoch of the model is chosen."""
    metric, value = next(iter(epoch.valid.items()))
    return f"valid {metric} {show(metric, shown_value(metric, value))}"


def _scores(result: SeedResult) -> str:
    return ", ".join(
        f"{metric} {show(metric, shown_value(metric, value))}"
        for metric, value in result.test.items()
    )
