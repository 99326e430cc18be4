import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unveilify.core.engine.local import map_parts


def square(n: int) -> int:
    if n < 0:
        raise ValueError(n)
    return n * n


@pytest.mark.parametrize("workers", [1, 2])
def test_every_part_is_done_once(workers: int) -> None:
    assert sorted(map_parts(square, range(7), workers)) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_reaches_the_caller(workers: int) -> None:
    with pytest.raises(ValueError, match="-1"):
        list(map_parts(square, [1, -1, 2, 3], workers))


SLEEPER = """
import os, sys, time
from unveilify.core.engine.local import map_parts
def work(n):
    open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
    time.sleep(60)
if __name__ == "__main__":
    list(map_parts(work, [1, 2], 2))
"""


def test_workers_end_with_a_killed_run(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    pids = tmp_path / "pids"
    pids.mkdir()
    run = subprocess.Popen([sys.executable, str(script), str(pids)])
    until = time.monotonic() + 60
    while len(list(pids.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    run.send_signal(signal.SIGKILL)
    run.wait()
    workers = [int(p.name) for p in pids.iterdir()]
    assert len(workers) == 2
    while any(_alive(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(_alive(pid) for pid in workers)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
