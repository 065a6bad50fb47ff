"""Progress: on a terminal a bar over all seeds and one for each in work; elsewhere plain lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graphlearn.bench.listener import Epoch, Listener, Silence
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.table import show
from graphlearn.metrics import shown_value

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@contextlib.contextmanager
def show_progress(*, enabled: bool = True, console: Console | None = None) -> Iterator[Listener]:
    """Yield a listener that shows what it hears on standard error.

    Args:
        enabled: Whether to show anything.
        console: Where to; by default standard error. Bars are drawn on terminals alone; a file or
            pipe gets one line a seed.

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
    """One plain line for each seed that is finished or skipped.

    Args:
        console: A ``rich.console.Console``.

    Example:
        >>> import io
        >>> from rich.console import Console
        >>> lines = Lines(Console(file=io.StringIO()))
        >>> lines.planned(["cn on cora, seed 0"], [0])
        >>> lines.finished(0, SeedResult("cn", "cora", 0, "ab", "cd", "", {"auc": 0.7}, seconds=2))
        >>> lines.console.file.getvalue()
        'cn on cora, seed 0: test auc 70.00 in 2.0 s\\n'
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.labels: list[str] = []

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Note the jobs' labels."""
        self.labels = list(labels)

    def skipped(self, job: int, result: SeedResult) -> None:
        """Print that the job was finished earlier."""
        when = f" on {result.finished[:10]}" if result.finished else ""
        self._print(f"{self.labels[job]}: finished{when}, skipped ({_scores(result)})")

    def started(self, job: int) -> None:
        """Say nothing: the line comes when the job is done."""

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Say nothing: a log is no place for a hundred lines a seed."""

    def noted(self, job: int, text: str) -> None:
        """Print it."""
        self._print(f"{self.labels[job]}: {text}")

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
        for metric, value in list(epoch.valid.items())[:1]:
            note += f"  valid {metric} {show(metric, shown_value(metric, value))}"
        self.bars.advance(self._total, epoch.number - self._done[job])
        self._done[job] = epoch.number
        self.bars.update(self._tasks[job], completed=epoch.number, note=note)

    def finished(self, job: int, result: SeedResult) -> None:
        """Take the job's bar away and print its line."""
        self.bars.remove_task(self._tasks.pop(job))
        self.bars.advance(self._total, self._work[job] - self._done[job])
        super().finished(job, result)


def _scores(result: SeedResult) -> str:
    return ", ".join(
        f"{metric} {show(metric, shown_value(metric, value))}"
        for metric, value in result.test.items()
    )
