"""The rows of a training's log for TensorBoard, too: files of its own kind in ``tensorboard/``, beside the log.

They are a copy to look at. The log is what counts: what lies after the place where a training goes on is shown no more.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unveilify.core.errors import UserError

FOLDER = "tensorboard"


def check() -> None:
    """Raise `UserError` unless TensorBoard is installed; it is not loaded."""
    if find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs TensorBoard: `pip install 'unveilify[tensorboard]'`, or leave it out.")


class Board:
    """Writes numbers over the triplets seen."""

    def __init__(self, run_dir: Path, seen: int) -> None:
        """Go on after so many triplets: what an earlier process wrote of later ones is not shown."""
        check()
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
