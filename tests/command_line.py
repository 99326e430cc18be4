"""The command line as a person sees it, in this process: to start Python and load torch anew takes seconds.

Where the process itself is what is tested (kills, signals, what is imported), tests start one.
"""

import contextlib
import io
import sys
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from unveilify.cli import app


def say(*words: str, cwd: Path | None = None) -> CompletedProcess[str]:
    """Type ``unveilify WORDS`` in the folder ``cwd``: what is printed, and the exit code. What is raised gets out."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.ExitStack() as held:
        held.enter_context(contextlib.chdir(cwd or Path.cwd()))
        held.enter_context(contextlib.redirect_stdout(out))
        held.enter_context(contextlib.redirect_stderr(err))
        held.enter_context(mock.patch.object(sys, "argv", ["unveilify", *words]))
        try:
            app.main()
        except SystemExit as left:
            code = int(left.code or 0)
    return CompletedProcess(words, code, out.getvalue(), err.getvalue())
