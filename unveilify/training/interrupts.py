"""Ctrl-C and SIGTERM, put off to the end of a step: in the middle of one, a checkpoint would be of no step at all."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from unveilify.core.words import interject

SOON_S = 0.5
"""A second Ctrl-C that comes sooner is the same one: a terminal and a launcher may each hand it on."""
TERMINATED = 128 + signal.SIGTERM
"""Exit code after SIGTERM, by custom."""


class Interrupts:
    """Within, the first interrupt is noted in ``asked``; a second Ctrl-C stops at once, and nothing is saved.

    Outside the main thread, where Python lets nobody listen, and for what is ignored already, nothing changes.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def leave(self) -> None:
        """Go the way of the interrupt, now that everything is kept; do nothing if there was none."""
        if self.asked == signal.SIGINT:
            raise KeyboardInterrupt
        if self.asked:
            raise SystemExit(TERMINATED)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT and time.monotonic() - self._since > SOON_S:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._since = number, time.monotonic()
            interject("unveilify: stopping after this step (Ctrl-C again: at once, back to the last checkpoint).")
