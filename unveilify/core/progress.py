"""One progress line: live on a terminal, a plain line every few seconds elsewhere."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unveilify.core.words import say

console = Console(stderr=True)

PLAIN_EVERY_S = 5.0


class Line:
    """Counts done units and rejects of one long piece of work; ``note`` is appended to what it shows."""

    def __init__(self, label: str, total: int, unit: str, log: Path | None) -> None:
        self.label, self.total, self.unit, self.log = label, total, unit, log
        self.done = self.rejects = 0
        self.note = ""
        self._fresh = 0
        self._begun = self._told = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task(label, total=total, rate="")
            self._bar.start()

    def advance(self, done: int, rejects: int = 0, *, already: bool = False) -> None:
        """Count ``done`` more units; ``already`` marks work of an earlier run, kept out of the rate."""
        self.done += done
        self.rejects += rejects
        self._fresh += 0 if already else done
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, rate=self._rate())
        if time.monotonic() - self._told < PLAIN_EVERY_S:
            return
        self._told = time.monotonic()
        self._write()
        if self._bar is None:
            left = (self.total - self.done) * (time.monotonic() - self._begun) / max(1, self._fresh)
            told = f"{self.label}: {self.done}/{self.total} {self._rate()}, {span(left)} left"
            say(told, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the live line away, and note in the log how far the work came."""
        self._write()
        if self._bar is not None:
            self._bar.stop()

    def _write(self) -> None:
        if self.log is None:
            return
        seconds = round(time.monotonic() - self._begun, 3)
        row = {"work": self.label, "done": self.done, "total": self.total, "rejects": self.rejects, "seconds": seconds}
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _rate(self) -> str:
        rate = self._fresh / max(1e-6, time.monotonic() - self._begun)
        rejected = f", {self.rejects} rejected" if self.rejects else ""
        return f"{rate:.1f} {self.unit}/s{rejected}{self.note and ', ' + self.note}"


def span(seconds: float) -> str:
    """A length of time for people: ``44 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours >= 2 else f"{60 * hours + minutes} min"


@contextmanager
def track(label: str, total: int, unit: str = "photos", log: Path | None = None) -> Iterator[Line]:
    """A progress line for ``total`` units of work, also as rows of JSON in ``log`` if there is one."""
    line = Line(label, total, unit, log)
    try:
        yield line
    finally:
        line.close()
