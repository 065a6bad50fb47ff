"""What trainings on several devices would cost: figures, advice, and how they read as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NEAR = 1.1
"""Times the seconds of the best choice, within which one device is worth a mention."""


@dataclass(frozen=True)
class CostChoice:
    """One way to use devices: so many stages, each shared by so many ways.

    Args:
        stages: S.
        ways: W.
        chunks: K; 1 where nothing is pipelined.
        seconds: Of an epoch.
        sent_bytes: In an epoch, by all devices.
        efficiency: The share of their time that stages work or exchange rows inside, as simulated.
        overhead: The share of the stages' work that is the fixed cost of calls.
        row_bytes: Of the rows that a stage's layers remember, on one device.
        input_bytes: Of what goes into a stage.
        activation_bytes: Of what is kept for the way back.

    Example:
        >>> one = CostChoice(2, 3, 8, 1.0, 4000, 0.9, 0.1, 100, 20, 3)
        >>> one.name, one.devices, one.memory_bytes
        ('a hybrid of 2 stages x 3 ways', 6, 123)
    """

    stages: int
    ways: int
    chunks: int
    seconds: float
    sent_bytes: int
    efficiency: float
    overhead: float
    row_bytes: int
    input_bytes: int
    activation_bytes: int

    @property
    def devices(self) -> int:
        """How many devices."""
        return self.stages * self.ways

    @property
    def memory_bytes(self) -> int:
        """On one device of the largest stage; weights and features' copies aside."""
        return self.row_bytes + self.input_bytes + self.activation_bytes

    @property
    def name(self) -> str:
        """In words."""
        if self.devices == 1:
            return "one device"
        if self.ways == 1:
            return f"a pipeline of {self.stages} stages"
        if self.stages == 1:
            return f"graph parallelism, {self.ways} ways"
        return f"a hybrid of {self.stages} stages x {self.ways} ways"


@dataclass(frozen=True)
class CostPrediction:
    """What :func:`graphlearn.pipeline.cost_model.predict` found; ``str()`` is a table with advice.

    Args:
        asked: What was asked for.
        choices: It and what might be done instead, the first being what was asked for.
        memory_limit: Bytes that a device has; None if there is no limit.
        recompute: Whether stages compute activations again.
        sharing: That the devices asked for share too few cores, in words; empty if they do not.

    Example:
        >>> small = CostChoice(4, 1, 16, 0.108, 3000, 0.84, 0.9, 300, 20, 3)
        >>> graph = CostChoice(1, 4, 1, 0.060, 9000, 1.0, 0.6, 300, 20, 30)
        >>> prediction = CostPrediction(small, (small, graph))
        >>> prediction.pays, prediction.best.name
        (False, 'graph parallelism, 4 ways')
        >>> print(prediction.advice)
        Won't pay: a pipeline of 4 stages takes 108 ms an epoch, graph parallelism, 4 ways 60.0 ms.
        90 % of the stages' work is the fixed cost of calls: the graph is small for 16 chunks.
    """

    asked: CostChoice
    choices: tuple[CostChoice, ...]
    memory_limit: int | None = None
    recompute: bool = True
    sharing: str = ""

    def fits(self, choice: CostChoice) -> bool:
        """Whether a choice needs no more memory than a device has.

        Args:
            choice: One of the choices.
        """
        return self.memory_limit is None or choice.memory_bytes <= self.memory_limit

    @property
    def best(self) -> CostChoice:
        """The fastest of those that fit, or the smallest if none does; what was asked, on a tie."""
        fitting = [choice for choice in self.choices if self.fits(choice)]
        if not fitting:
            return min(self.choices, key=lambda choice: choice.memory_bytes)
        return min(fitting, key=lambda choice: choice.seconds)

    @property
    def pays(self) -> bool:
        """Whether what was asked for is the best choice."""
        return self.best == self.asked

    @property
    def advice(self) -> str:
        """Whether what was asked for will pay, why not, and what would."""
        asked, best = self.asked, self.best
        lead = f"{asked.name} takes {show_seconds(asked.seconds)} an epoch"
        if not self.fits(asked):
            rest = f"{best.name} needs {_show(best.memory_bytes)}"
            rest += (
                f" and {show_seconds(best.seconds)} an epoch." if self.fits(best) else " as well."
            )
            return f"Does not fit: {self._too_large(asked)}\n{rest[0].upper()}{rest[1:]}"
        if not self.pays:
            first = f"Won't pay: {lead}, {_in_full(best)} {show_seconds(best.seconds)}."
            return "\n".join([first, *self._reasons(), *self._alone(best)])
        others = [choice for choice in self.choices[1:] if self.fits(choice)]
        if not others:
            return f"Pays: {lead}, and nothing else fits."
        second = min(others, key=lambda choice: choice.seconds)
        first = f"Pays: {lead}, the next best, {_in_full(second)}, {show_seconds(second.seconds)}."
        return "\n".join([first, *self._shared(), *self._alone(second)])

    def _shared(self) -> list[str]:
        return [f"{self.sharing}, and each computes that much longer."] if self.sharing else []

    def _alone(self, named: CostChoice) -> list[str]:
        """That one device takes about as long as the best, if it does and was not named."""
        for choice in self.choices:
            if choice.devices > 1 or choice in (self.asked, named) or not self.fits(choice):
                continue
            if choice.seconds <= _NEAR * self.best.seconds:
                took = show_seconds(choice.seconds)
                return [f"One device (one process) takes {took}, which is about the same."]
        return []

    def _too_large(self, choice: CostChoice) -> str:
        assert self.memory_limit is not None
        return (
            f"{choice.name} needs {_show(choice.memory_bytes)} of {_show(self.memory_limit)} a "
            "device; take more stages, more ways, or fewer channels."
        )

    def _reasons(self) -> list[str]:
        asked, found = self.asked, self._shared()
        if asked.overhead >= 0.3:
            found.append(
                f"{100 * asked.overhead:.0f} % of the stages' work is the fixed cost of calls: the "
                f"graph is small for {asked.chunks} chunks."
            )
        if asked.efficiency < 0.75:
            ideal = asked.chunks / (asked.chunks + asked.stages - 1)
            text = f"Stages work {100 * asked.efficiency:.0f} % of the time"
            if ideal < 0.75:
                text += f": {asked.chunks} chunks are few for {asked.stages} stages."
            else:
                text += ", the rest they wait for layers that cannot be shared evenly or messages."
            found.append(text)
        again = "recomputing, " if self.recompute and asked.stages > 1 else ""
        return found or [f"It is the sum of {again}waiting and sending that is larger."]

    def __str__(self) -> str:
        cells = [
            ("", "devices", "chunks", "an epoch", "sent", "busy", "a device holds", "of it rows"),
        ]
        for choice in self.choices:
            mark = "> " if choice == self.asked else "  "
            cells.append(
                (
                    mark + choice.name,
                    str(choice.devices),
                    str(choice.chunks),
                    show_seconds(choice.seconds),
                    _show(choice.sent_bytes),
                    f"{100 * choice.efficiency:.0f} %",
                    _show(choice.memory_bytes) + ("" if self.fits(choice) else " (too much)"),
                    _show(choice.row_bytes),
                )
            )
        return "\n".join([*_aligned(cells), "", self.advice])


def _in_full(choice: CostChoice) -> str:
    return f"{choice.name} (one process)" if choice.devices == 1 else choice.name


def show_seconds(seconds: float) -> str:
    """Write seconds with three digits.

    Example:
        >>> show_seconds(2.5), show_seconds(0.0601), show_seconds(2e-5)
        ('2.50 s', '60.1 ms', '20.0 us')
    """
    value, unit = seconds, "s"
    for smaller in ("ms", "us"):
        if value >= 1 or value == 0:
            break
        value, unit = value * 1000, smaller
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def _show(size: float) -> str:
    """Bytes with three or four digits."""
    unit = "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.{0 if unit == 'B' else 2 if size < 10 else 1 if size < 100 else 0}f} {unit}"


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
