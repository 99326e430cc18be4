"""One process per output directory."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unveilify.core import lock
from unveilify.core.errors import UserError

HOLD = "import sys, time, pathlib; from unveilify.core import lock\nwith lock.held(pathlib.Path(sys.argv[1])): time.sleep(60)"


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out")])
    until = time.monotonic() + 60
    while not (tmp_path / "out" / lock.OWNER).is_file() and time.monotonic() < until:
        time.sleep(0.02)
    return process


def test_the_second_says_who_has_it(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"in use by process {holder.pid} .*: wait .* or give another"):
        lock.held(tmp_path / "out").__enter__()
    holder.terminate()
    holder.wait()


@pytest.mark.parametrize("name", [lock.LOCK, lock.OWNER])
def test_what_a_link_leads_to_is_not_written_to(tmp_path: Path, name: str) -> None:
    (tmp_path / "diary").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "diary")
    with contextlib.suppress(OSError), lock.held(tmp_path / "out"):
        pass
    assert (tmp_path / "diary").read_text() == "mine"


def test_a_kill_leaves_no_lock(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.held(tmp_path / "out"):
        assert (tmp_path / "out" / lock.OWNER).is_file()
    assert not (tmp_path / "out" / lock.OWNER).exists()
