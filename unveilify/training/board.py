"""The rows of a training's log for TensorBoard, too: files of its own kind in ``tensorboard/``, beside the log.

They are a copy to look at. The log is what counts: what lies after the place where a training goes on is shown no more.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unveilify.core.errors import UserError

FOLDER = "tensorboard"


def check(*run_dirs: Path) -> None:
    """Raise `UserError` unless TensorBoard, which is not loaded, is installed, and its folder can be one in each run."""
    if find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs TensorBoard: `pip install 'unveilify[tensorboard]'`, or leave it out.")
    for folder in (run_dir / FOLDER for run_dir in run_dirs):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UserError(f"{folder} is a link or a file, and must be a folder: move it away.")


class Board:
    """Writes numbers over the triplets seen."""

    def __init__(self, run_dir: Path, seen: int) -> None:
        """Go on after so many triplets: what an earlier process wrote of later ones is not shown."""
        check(run_dir)
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run_dir / FOLDER), purge_step=seen + 1)

    def add(self, row: Mapping[str, float | None], seen: int) -> None:
        """One row of the log; what is not finite is left out."""
        for name, value in row.items():
            if value is not None:
                self._writer.add_scalar(name, value, seen)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
