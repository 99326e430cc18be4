"""A training in which somebody presses Ctrl-C in the third step: it reaches the launcher, or one process alone.

python -m torch.distributed.run --standalone --nproc-per-node=2 tests/training/interrupted_rank.py WHO train …
"""

import os
import signal
import sys
import time

from torch import nn

from unveilify.cli import app
from unveilify.training import step
from unveilify.training.trainer import Trainer

optimizer_step, calls = step.optimizer_step, 0


def interrupted_step(trainer: Trainer, name: str, module: nn.Module, losses: dict[str, step.Loss]) -> None:
    global calls
    calls += name == "adam_g"
    if calls == 3 and name == "adam_g" and os.environ["RANK"] == "1":
        os.kill(os.getppid() if who == "launcher" else os.getpid(), signal.SIGINT)
    if calls == 3 and who == "launcher":
        time.sleep(2)  # until it has been handed on
    optimizer_step(trainer, name, module, losses)


who = sys.argv.pop(1)
step.optimizer_step = interrupted_step  # type: ignore[assignment]
app.main()
