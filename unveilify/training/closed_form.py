"""Networks that are computed, not trained: one look at the training split."""

from collections.abc import Iterator
from pathlib import Path

from unveilify.core import stage
from unveilify.core.config import build
from unveilify.core.paths import BEST
from unveilify.core.progress import track
from unveilify.core.stamps import Stamp
from unveilify.models import store
from unveilify.models.contract import Batch, Learns, plugin
from unveilify.shards.stream import ShardSet, in_order
from unveilify.training.config import STAGE, TrainConfig

BATCH = 32


def run(config: TrainConfig, shards: ShardSet, data: str, run_dir: Path, *, force: bool = False) -> Stamp:
    """Make the network and write it as a run's best one; ``data`` is the hash of the shards' stamp."""
    config = config.model_copy(update={"size_px": config.size_px or shards.index.size_px})
    with stage.opened(run_dir, STAGE, config, data, force=force) as out:
        if out.done is not None:
            return out.done
        module = plugin(config.model)
        settings = build(module.Config, {"size_px": config.size_px, **config.network})
        network = module.Network(settings)
        assert isinstance(network, Learns)
        counts = network.learn(_looking(shards, config))
        with out.file(BEST) as path:
            store.save(path, config.model, settings, network.state_dict(), meta=counts)
        return out.commit(counts)


def _looking(shards: ShardSet, config: TrainConfig) -> Iterator[Batch]:
    split = shards.split("train")
    with track(f"train {config.model}", len(split), "triplets") as line:
        for samples in in_order(split, BATCH, size_px=config.size_px):
            yield samples.floats("cpu")
            line.advance(len(samples))
