"""What a training takes in beside the shards: the weights of an earlier run, real masked photos."""

from torch import nn

from unveilify.core.errors import UserError
from unveilify.core.paths import network_file
from unveilify.core.storage import sha256_file
from unveilify.models import store
from unveilify.training import unpaired
from unveilify.training.config import TrainConfig


def with_digests(config: TrainConfig) -> TrainConfig:
    """The config with the digests of these files, so that a run directory is bound to them.

    Raises:
        UserError: there are none where the config says.
    """
    if config.start_from is not None:
        config = config.model_copy(update={"start_sha256": sha256_file(network_file(config.start_from))})
    if config.cycle is not None:
        cycle = config.cycle.model_copy(update={"sha256": unpaired.digest(config.cycle)})
        config = config.model_copy(update={"cycle": cycle})
    return config


def load_initial(network: nn.Module, config: TrainConfig) -> None:
    """Give ``network`` the weights that ``config`` starts from.

    Raises:
        UserError: they are of another network or another shape.
    """
    assert config.start_from is not None
    path = network_file(config.start_from)
    stored = store.load(path)
    if stored.model != config.model:
        raise UserError(f"{path} is a '{stored.model}' network, which '{config.model}' cannot start from.")
    try:
        network.load_state_dict(stored.network.state_dict())
    except RuntimeError:
        raise UserError(f"{path} has another shape than train.network asks for: give the settings it has.") from None
