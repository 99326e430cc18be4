"""Read committed shards by sample number; no torch, no open files, no state."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from unveilify.core import landmark_rows, stamps, tars
from unveilify.core.errors import UserError, why
from unveilify.core.landmarks import Points
from unveilify.core.records import Image
from unveilify.core.sample import Sample
from unveilify.core.storage import from_json
from unveilify.shards.index import INDEX_JSON, INDEX_NPY, Index, Records, image_names, load


@dataclass(frozen=True)
class ShardSet:
    """A committed folder of shards. ``hash`` is that of its stamp: another one is another data set."""

    directory: Path
    index: Index
    hash: str

    @classmethod
    def open(cls, directory: Path) -> "ShardSet":
        """Open the output of `shard`.

        The index is compared with its digest here, once per process (a GB per million samples is a second or two);
        the tars are measured, and every member is checked when it is read.

        Raises:
            UserError: not committed, an index that is not the stamp's, or a shard missing or of another size.
        """
        stamp = stamps.read(directory, "shard", "unveilify shard")
        stamps.check(directory, stamp, INDEX_JSON, INDEX_NPY)
        index, _ = load(directory)
        for shard in index.shards():
            path = directory / shard.name
            if not path.is_file() or path.stat().st_size != shard.bytes:
                raise UserError(f"The shard {path} is missing or truncated: run `unveilify shard` with --force.")
            listed = stamp.files.get(shard.name)
            if listed is None or listed.sha256 != shard.sha256:
                raise UserError(f"{directory} has a stamp of other shards: run `unveilify shard` with --force.")
        return cls(directory, index, stamp.hash)

    def split(self, name: str) -> "Split":
        """The samples of "train", "val" or "test".

        Raises:
            UserError: there is no such split, or it is empty.
        """
        split = open_split(self.directory, name)
        if len(split) == 0:
            raise UserError(f"The split {name!r} of {self.directory} is empty: set shares so that it gets some.")
        return split


@dataclass(frozen=True)
class Split:
    """The samples of one split, by number 0 … len-1, in the order of the shards.

    Pickles as its folder and name alone, so that a worker process opens its own.
    """

    directory: Path
    name: str
    index: Index
    records: Records
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.records)

    def __reduce__(self) -> tuple[Callable[[Path, str], "Split"], tuple[Path, str]]:
        return open_split, (self.directory, self.name)

    @property
    def shard_sizes(self) -> list[int]:
        """Samples per shard."""
        return [shard.samples for shard in self.index.splits[self.name]]

    def key(self, i: int) -> str:
        """The key of sample ``i``."""
        return bytes(self.records[i]["key"]).decode()

    def identity(self, i: int) -> str:
        """The person of sample ``i``."""
        return self.index.people[int(self.records[i]["person"])]

    def group(self, i: int) -> str:
        """The group (person or family) of sample ``i``."""
        return self.index.groups[int(self.records[i]["group"])]

    def real(self, i: int) -> int:
        """How many identity images of sample ``i`` are not repeats."""
        return int(self.records[i]["real"])

    def members(self, i: int) -> dict[str, bytes]:
        """The bytes of every member of sample ``i``, in one read, each checked against its crc32.

        Raises:
            UserError: the shard is gone, truncated or damaged; shard and key are named.
        """
        record = self.records[i]
        path = self.paths[record["shard"]]
        offsets, sizes = record["offset"].tolist(), record["size"].tolist()
        begin = offsets[0]
        try:
            data = memoryview(tars.pread(path, begin, offsets[-1] + sizes[-1] - begin))
        except OSError as error:
            raise UserError(f"Cannot read {self.key(i)} in the shard {path}: {why(error)}.") from None
        found = {}
        for name, offset, size, crc in zip(self.index.members, offsets, sizes, record["crc32"].tolist(), strict=True):
            found[name] = self._whole(i, name, data[offset - begin : offset - begin + size], size, crc)
        return found

    def landmarks(self, i: int) -> Points:
        """The landmarks of sample ``i`` alone, (2 + K, N, D) in pixels of the stored crop:
        of the unmasked picture, of the masked one as they are found there, of each identity image; NaN where unknown.

        Raises:
            UserError: see `members`.
        """
        record, column = self.records[i], self.index.members.index(landmark_rows.MEMBER)
        path, size = self.paths[record["shard"]], int(record["size"][column])
        try:
            data = tars.pread(path, int(record["offset"][column]), size)
        except OSError as error:
            raise UserError(f"Cannot read {self.key(i)} in the shard {path}: {why(error)}.") from None
        data = self._whole(i, landmark_rows.MEMBER, memoryview(data), size, int(record["crc32"][column]))
        return landmark_rows.decode(data, f"{path}: {self.key(i)}")

    def _whole(self, i: int, name: str, part: memoryview, size: int, crc: int) -> bytes:
        if len(part) != size or zlib.crc32(part) != crc:
            what = "truncated" if len(part) != size else "damaged"
            path = self.paths[self.records[i]["shard"]]
            raise UserError(f"The shard {path} is {what} at {self.key(i)}.{name}: run `unveilify verify` on it.")
        return bytes(part)

    def read(self, i: int) -> Sample:
        """Sample ``i``, decoded at its stored size.

        Raises:
            UserError: see `members`.
        """
        members = self.members(i)
        meta: dict[str, Any] = from_json(members["json"])
        points = landmark_rows.decode(members[landmark_rows.MEMBER], self.key(i))
        return Sample(
            key=self.key(i),
            person=self.identity(i),
            masked=_rgb(members["masked.jpg"]),
            unmasked=_rgb(members["unmasked.jpg"]),
            alpha=decode(members["mask.png"], cv2.IMREAD_GRAYSCALE),
            identity=tuple(_rgb(members[name]) for name in image_names(self.index.identities)),
            real=self.real(i),
            landmarks=tuple(landmark_rows.shares(points, self.index.size_px)),
            meta=meta,
        )


def open_split(directory: Path, name: str) -> Split:
    """One split of a folder that `ShardSet.open` has checked."""
    index, records = load(directory)
    paths = tuple(directory / shard.name for shard in index.shards())
    return Split(directory, name, index, records[index.span(name)], paths)


def decode(data: bytes, flags: int) -> Image:
    """A picture as OpenCV decodes it: (S, S, 3) **BGR**, or (S, S) with ``IMREAD_GRAYSCALE``."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise UserError("A picture in a shard does not decode although its crc32 is right: make the shards again.")
    return np.asarray(image, np.uint8)


def _rgb(data: bytes) -> Image:
    return np.asarray(cv2.cvtColor(decode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)
