"""Map work over processes of this machine."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_parts(work: Callable[[T], R], parts: Sequence[T], workers: int) -> Iterator[R]:
    """Yield ``work(part)`` as the parts get done, in any order.

    With one worker everything runs in this process. Workers are started afresh (not forked), so that no
    thread or lock of a library is inherited, and they end by themselves when this process is killed.
    """
    if workers <= 1 or len(parts) <= 1:
        yield from map(work, parts)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(workers, len(parts)), mp_context=context, initializer=_end_with, initargs=(os.getpid(),)
    )
    try:
        for future in as_completed([pool.submit(work, part) for part in parts]):
            yield future.result()
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()  # a part takes long, and what is half done counts for nothing anyway
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with(parent: int) -> None:
    """Leave when the parent is gone, and only then: a killed run must not leave writers behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    threading.Thread(target=watch, daemon=True).start()
