"""TensorBoard: event files under the run's folder, ``tensorboard --logdir runs/tensorboard``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed
from graphlearn.extras import import_extra


class TensorBoardTracker:
    """Writes each seed's curves into a folder of its own, with its settings as hyper-parameters.

    Args:
        out: The run's folder; event files go to ``out/tensorboard/<recipe's folder>/seed-<n>``.

    Raises:
        MissingExtraError: If tensorboard is not installed.

    Example:
        >>> from graphlearn.bench.trackers import TRACKERS
        >>> TRACKERS["tensorboard"]  # track="tensorboard" makes one
        <class 'graphlearn.bench.trackers.tensorboard.TensorBoardTracker'>
    """

    def __init__(self, out: Path | str) -> None:
        self.check()
        self._folder = Path(out) / "tensorboard"
        self._seeds: dict[str, _Curves] = {}

    @staticmethod
    def check() -> None:
        """Raise unless the package is installed.

        Raises:
            MissingExtraError: If it is not.
        """
        import_extra("tensorboard", extra="tensorboard", purpose="tracking with TensorBoard")

    def start(self, seed: TrackedSeed) -> None:
        """Note the seed; its file begins with its first value, which says where it goes on."""
        self._seeds[seed.path] = _Curves(self._folder / seed.path)

    def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None:
        """Write the values, at once: a kill then loses none."""
        curves = self._seeds[seed.path]
        writer = self._writer(seed, step)
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()
        curves.last = step

    def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None:
        """Write how it ended; of a finished seed the final values and the hyper-parameters."""
        curves = self._seeds[seed.path]
        if outcome == "finished" or curves.writer is not None:
            from torch.utils.tensorboard.summary import hparams

            # A run that was killed after its last epoch hears of none when it goes on.
            last = max(curves.last, int(values.get("epochs", 0)))
            writer = self._writer(seed, last + 1 if last else 0)
            for name, value in values.items():
                writer.add_scalar(name, value, last)
            writer.add_text("outcome", outcome, last)
            if outcome == "finished":
                for summary in hparams(dict(seed.config), dict(values)):  # type: ignore[no-untyped-call]
                    writer.file_writer.add_summary(summary)
            writer.close()
        del self._seeds[seed.path]

    def close(self) -> None:
        """Close the files of seeds that did not end."""
        for curves in self._seeds.values():
            if curves.writer is not None:
                curves.writer.close()
        self._seeds.clear()

    def _writer(self, seed: TrackedSeed, step: int) -> Any:
        curves = self._seeds[seed.path]
        if curves.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            first = not any(curves.folder.glob("events.out.tfevents.*"))
            # What an earlier process wrote from this step on is taken out of the curves.
            curves.writer = SummaryWriter(str(curves.folder), purge_step=step)
            if first:
                curves.writer.add_text("config", _as_markdown(seed.config), 0)
        return curves.writer

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@dataclass
class _Curves:
    """A seed that is open: its folder, its writer once there is a value, its last step."""

    folder: Path
    writer: Any = None
    last: int = 0


def _as_markdown(config: Mapping[str, Any]) -> str:
    rows = "".join(f"| {name} | {value} |\n" for name, value in config.items())
    return f"| setting | value |\n|---|---|\n{rows}"
