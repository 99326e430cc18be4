"""From the stream's bytes to batches on the device."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import torch

from unveilify.core.batch import Batch
from unveilify.core.engine.device import memory_format
from unveilify.core.errors import UserError
from unveilify.shards.stream import ShardSet, Split, Stream, StreamConfig, in_order
from unveilify.training.augment import augment
from unveilify.training.config import TrainConfig
from unveilify.training.distributed import World
from unveilify.training.references import invent
from unveilify.training.wild import wild

PREVIEW = 6


@dataclass(frozen=True, slots=True)
class Feed:
    """Training batches from any position on, and the validation batches."""

    train: Split
    val: Split
    config: TrainConfig
    workers: int
    device: torch.device
    world: World

    @classmethod
    def open(
        cls, shards: ShardSet, config: TrainConfig, workers: int | None, device: torch.device, world: World
    ) -> "Feed":
        """Reading processes default to 2 beside a GPU and none beside a CPU, whose cores the arithmetic needs.

        Raises:
            UserError: nothing to train or to validate on.
        """
        train, val = shards.split("train"), shards.split("val")
        if not len(train) or not len(val):
            raise UserError("The shards hold no training or no validation triplets: shard more people.")
        default = 2 if device.type == "cuda" else 0
        return cls(train, val, config, default if workers is None else workers, device, world)

    def batches(self, seen: int) -> Iterator[Batch]:
        """Endless batches from position ``seen`` on."""
        config = self.config
        assert config.batch is not None
        ordered = StreamConfig(
            seed=config.seed,
            size_px=config.size_px,
            flip=config.flip,
            remask=config.remask,
            landmark_noise=config.landmark_noise,
        )
        pin = self.device.type == "cuda"
        place = {"seen": seen, "rank": self.world.rank, "world": self.world.size}
        stream = Stream(self.train, ordered, config.batch, workers=self.workers, pin=pin, **place)
        for number, samples in enumerate(stream):
            position = seen + number * config.batch + self.world.rank * len(samples)
            if config.wild:
                samples = wild(samples, config.seed, position)
            batch = self._with_references(samples.floats(self.device), config.seed, position)
            if config.augment:
                batch = augment(batch, config.seed, position)
            yield self._laid_out(batch)

    def validation(self) -> Iterator[Batch]:
        """The first ``validate_on`` triplets of the validation split, always the same; as wild as those of training,
        with references made as there."""
        config = self.config
        assert config.batch is not None
        whole = in_order(self.val, config.batch, size_px=config.size_px)
        for number, samples in enumerate(islice(whole, -(-config.validate_on // config.batch))):
            shown = wild(samples, config.seed + 1, number * config.batch) if config.wild else samples
            batch = self._with_references(shown.floats(self.device), config.seed + 1, number * config.batch)
            yield self._laid_out(batch)

    def preview(self) -> Batch:
        """A few validation triplets to look at."""
        batch = next(in_order(self.val, PREVIEW, size_px=self.config.size_px)).floats(self.device)
        return self._with_references(batch, self.config.seed + 1, 0)

    def _with_references(self, batch: Batch, seed: int, position: int) -> Batch:
        share = self.config.references
        return batch if share is None else invent(batch, seed, position, share)

    def _laid_out(self, batch: Batch) -> Batch:
        """The pictures in the memory order that the networks are trained in."""
        order = memory_format(self.device, bf16=bool(self.config.bf16))
        assert batch.unmasked is not None
        masked, unmasked = (x.contiguous(memory_format=order) for x in (batch.masked, batch.unmasked))
        return replace(batch, masked=masked, unmasked=unmasked)
