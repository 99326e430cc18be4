"""What a training takes in beside the shards: the weights of an earlier run, real masked photos."""

from pathlib import Path

from torch import nn

from unveilify.core.errors import UserError
from unveilify.core.paths import check_name
from unveilify.core.storage import sha256_file
from unveilify.models.parts import store
from unveilify.training import unpaired
from unveilify.training.config import BEST, TrainConfig


def weights_of(run: Path) -> Path:
    """The network file that a path means: itself, or the best one of a run directory.

    Raises:
        UserError: there is none.
    """
    check_name(run)
    path = run / BEST if run.is_dir() else run
    if not path.is_file():
        raise UserError(
            f"There is no trained network {path}: give a run directory of `unveilify train`, or its {BEST}."
        )
    return path


def identified(config: TrainConfig) -> TrainConfig:
    """The config with the digests of these files, so that a run directory is bound to them.

    Raises:
        UserError: there are none where the config says.
    """
    if config.start_from is not None:
        config = config.model_copy(update={"start_sha256": sha256_file(weights_of(config.start_from))})
    if config.cycle is not None:
        cycle = config.cycle.model_copy(update={"sha256": unpaired.digest(config.cycle)})
        config = config.model_copy(update={"cycle": cycle})
    return config


def put(network: nn.Module, config: TrainConfig) -> None:
    """Give ``network`` the weights that ``config`` starts from.

    Raises:
        UserError: they are of another network or another shape.
    """
    assert config.start_from is not None
    path = weights_of(config.start_from)
    stored = store.load(path)
    if stored.model != config.model:
        raise UserError(f"{path} is a '{stored.model}' network, which '{config.model}' cannot start from.")
    try:
        network.load_state_dict(stored.network.state_dict())
    except RuntimeError:
        raise UserError(f"{path} has another shape than train.network asks for: give the settings it has.") from None
