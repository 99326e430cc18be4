"""Samples as torch tensors of bytes, in an order that neither ranks, workers nor an interruption can change.

The whole state is one integer, `Stream.seen`: how many samples all ranks together have taken. Workers hold
none of it: they get (epoch, sample number) and read that sample.
"""

import signal
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.utils.data import DataLoader, Dataset

from unveilify.core import landmark_rows
from unveilify.core.batch import Batch
from unveilify.core.config import Config
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Points
from unveilify.core.records import Image
from unveilify.core.symmetry import mirrored
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import FAILURES
from unveilify.shards import noise
from unveilify.shards.index import image_names
from unveilify.shards.inside import inside
from unveilify.shards.order import batches, flips
from unveilify.shards.reader import ShardSet as ShardSet
from unveilify.shards.reader import Split as Split
from unveilify.shards.reader import decode
from unveilify.shards.remask import remask

REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


class StreamConfig(Config):
    """How samples are ordered and augmented."""

    seed: int = Field(0, ge=0, description="decides order and augmentation")
    size_px: int | None = Field(None, ge=8, description="picture size; none: as stored")
    flip: bool = Field(True, description="mirror pairs and identity images at random")
    window: int | None = Field(None, ge=1, description="shards that are shuffled together; none: all")
    remask: MaskConfig | None = Field(
        None, description="draw a fresh mask every time a sample is shown; none: as stored"
    )
    landmark_noise: float = Field(
        0, ge=0, le=1, description="share of samples whose landmarks have the error of another sample's"
    )


class Triplets(Dataset[Batch]):
    """Map-style: ``dataset[epoch, i]`` is sample ``i`` as epoch ``epoch`` shows it, as a batch of one."""

    def __init__(self, split: Split, config: StreamConfig) -> None:
        self.split, self.config = split, config
        self.names = image_names(split.index.identities)
        stored = split.index.size_px
        self.size_px = config.size_px or stored
        if self.size_px > stored:
            raise UserError(f"The shards hold {stored} px pictures and {self.size_px} px were asked for: set size_px.")
        fitting = (flag for factor, flag in REDUCED if stored // factor >= self.size_px and stored % factor == 0)
        self._colour = next(fitting, cv2.IMREAD_COLOR)

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, item: tuple[int, int]) -> Batch:
        return self.__getitems__([item])

    def __getitems__(self, items: list[tuple[int, int]]) -> Batch:
        """A whole batch: torch's loader prefers this, and every picture is decoded straight into its place."""
        n, k, size = len(items), len(self.names), self.size_px
        pair, identity = np.empty((2, n, 3, size, size), np.uint8), np.empty((n, k, 3, size, size), np.uint8)
        alpha, there = np.empty((2, n, 1, size, size), np.uint8)
        landmarks = np.empty((n, 2 + k, *self.split.index.landmarks), np.float32)
        for place, (epoch, i) in enumerate(items):
            members = self.split.members(i)
            turn, *turns = flips(self.config.seed, epoch, i, k) if self.config.flip else (False,) * (k + 1)
            points = landmark_rows.decode(members[landmark_rows.MEMBER], self.split.key(i))
            landmarks[place] = self._landmarks(points, epoch, i, [turn, turn, *turns])
            fresh = self._fresh(members, points[0], f"{epoch}/{self.split.key(i)}", turn, pair[:, place])
            if fresh is None:
                self._colours(members["masked.jpg"], turn, pair[0, place])
                self._colours(members["unmasked.jpg"], turn, pair[1, place])
                fresh = self._sized(decode(members["mask.png"], cv2.IMREAD_GRAYSCALE), turn)
            alpha[place, 0] = fresh
            there[place, 0] = inside(members["json"], size)[:, :: -1 if turn else 1]
            for image, name, turned in zip(identity[place], self.names, turns, strict=True):
                self._colours(members[name], turned, image)
        numbers = [i for _, i in items]
        real = torch.tensor([self.split.real(i) for i in numbers])
        masked, unmasked = torch.from_numpy(pair[0]), torch.from_numpy(pair[1])
        rows = torch.from_numpy(landmarks)
        return Batch(
            masked=masked,
            unmasked=unmasked,
            hole=torch.from_numpy(alpha),
            inside=torch.from_numpy(there),
            identity=torch.from_numpy(identity),
            real=real,
            landmarks=rows[:, 1],
            identity_landmarks=rows[:, 2:],
            unmasked_landmarks=rows[:, 0],
            keys=tuple(self.split.key(i) for i in numbers),
        )

    def _landmarks(self, points: Points, epoch: int, i: int, mirror: list[bool]) -> Points:
        """The rows (2 + K, N, D) of a sample as shares of the side; NaN where they are of another scheme."""
        if points.shape[1:] != self.split.index.landmarks:
            return np.full((len(mirror), *self.split.index.landmarks), np.nan, np.float32)
        place = (self.config.seed, epoch, i)
        points[1] = noise.found(self.split, points, self.config.landmark_noise, place)
        rows = landmark_rows.shares(points, self.split.index.size_px)
        rows[mirror] = mirrored(rows[mirror])
        return rows

    def _fresh(
        self, members: dict[str, bytes], points: Points, name: str, mirror: bool, out: NDArray[np.uint8]
    ) -> Image | None:
        """A newly drawn pair into ``out``, (2, 3, S, S) RGB, before it is mirrored; its alpha, (S, S).

        None where none is asked for, or none can be drawn on this face: one face stops no training.
        """
        if self.config.remask is None:
            return None
        bgr = self._sized(decode(members["unmasked.jpg"], self._colour), False)
        unmasked = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        try:
            stored_px = self.split.index.size_px
            masked, alpha = remask(unmasked, points, stored_px, name, self.config.remask, self.config.seed)
        except FAILURES:
            return None
        for image, planes in zip((masked, unmasked), out, strict=True):
            planes[:] = (image[:, ::-1] if mirror else image).transpose(2, 0, 1)
        return np.asarray(alpha[:, ::-1] if mirror else alpha)

    def _colours(self, jpeg: bytes, mirror: bool, out: NDArray[np.uint8]) -> None:
        """Decode into ``out``, (3, S, S) RGB. A JPEG is reduced by 2, 4 or 8 while it is decoded, if that will do."""
        bgr = self._sized(decode(jpeg, self._colour), mirror)
        cv2.split(bgr, [out[2], out[1], out[0]])

    def _sized(self, image: Image, mirror: bool) -> Image:
        if image.shape[0] != self.size_px:
            image = np.asarray(cv2.resize(image, (self.size_px, self.size_px), interpolation=cv2.INTER_AREA), np.uint8)
        return np.asarray(cv2.flip(image, 1), np.uint8) if mirror else image


class Stream:
    """The endless batches of one rank. ``seen`` may be stored after any batch and given to a new stream.

    ``batch`` is the global batch, over all ``world`` ranks. Every choice of ranks and workers yields the same
    global sequence, and so does a stream that begins again at ``seen``.

    Raises:
        UserError: the batch cannot be shared evenly, or (while iterating) a shard is damaged.
    """

    def __init__(
        self,
        split: Split,
        config: StreamConfig,
        batch: int,
        *,
        seen: int = 0,
        rank: int = 0,
        world: int = 1,
        workers: int = 0,
        pin: bool = False,
    ) -> None:
        if batch % world:
            raise UserError(f"A batch of {batch} cannot be shared by {world} ranks: take a multiple of {world}.")
        self.seen, self.batch = seen, batch
        self._data = Triplets(split, config)
        self._batches = partial(
            batches, split.shard_sizes, config.seed, batch, rank=rank, world=world, window=config.window
        )
        self._workers, self._pin = workers, pin

    @property
    def epoch(self) -> float:
        """How many times the split has been seen."""
        return self.seen / len(self._data)

    def __iter__(self) -> Iterator[Batch]:
        """Batches from ``seen`` on; ``seen`` counts a batch as soon as it is handed out."""
        order = self._batches(seen=self.seen)
        for samples in _load(self._data, order, self._workers, self._pin):
            self.seen += self.batch
            yield samples


def in_order(split: Split, batch: int, *, size_px: int | None = None, workers: int = 0) -> Iterator[Batch]:
    """Every sample once, in order and not mirrored; the last batch may be smaller. For validation and reports."""
    data = Triplets(split, StreamConfig(size_px=size_px, flip=False))
    numbers = [(0, i) for i in range(len(split))]
    yield from _load(data, iter([numbers[i : i + batch] for i in range(0, len(numbers), batch)]), workers)


def _load(data: Triplets, order: Iterator[list[tuple[int, int]]], workers: int, pin: bool = False) -> Iterator[Batch]:
    loader: DataLoader[Batch] = DataLoader(
        data,
        batch_sampler=_Once(order),
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_one_thread,
        pin_memory=pin,
    )
    try:
        yield from loader
    except UserError as error:
        # A worker's error arrives with its traceback in the text; its last line is the sentence.
        raise UserError(str(error).rpartition("UserError: ")[2].strip()) from None


class _Once:
    """A batch sampler from an iterator: torch asks for an iterable, and takes it in order for any workers."""

    def __init__(self, order: Iterator[list[tuple[int, int]]]) -> None:
        self.order = order

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return self.order


def _as_it_is(samples: object) -> object:
    return samples


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    # A terminal sends Ctrl-C to every process; whoever reads the batches says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
