"""The index beside the shards: where every member of every sample lies, and its crc32.

``index.json`` says what there is: splits, shards, members and names. ``index.npy`` holds one record per
sample, in the order train, val, test and within that shard by shard; it is memory-mapped, so that opening a
million samples costs nothing.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from unveilify.core import landmark_rows, tars
from unveilify.core.config import Config
from unveilify.core.errors import UserError, why
from unveilify.core.storage import read_json, sha256_file
from unveilify.shards.split import SPLITS

INDEX_JSON, INDEX_NPY = "index.json", "index.npy"
VERSION = 2
"""Of the format of the shards; since 2 every sample has landmarks, on the masked picture and on each identity image."""

Records = NDArray[np.void]
"""Structured records of the type that `record_type` gives."""


class Shard(Config):
    """One tar: its name, size, hex SHA-256 and number of samples."""

    name: str
    bytes: int
    sha256: str
    samples: int


class Index(Config):
    """``index.json``. ``members`` is the order of the columns of ``index.npy``; names are those of its codes.

    ``scheme`` is that of most samples' landmarks, ``landmarks`` its points and dimensions (N, D).
    """

    version: int = VERSION
    size_px: int = Field(ge=1)
    identities: int = Field(ge=1)
    scheme: str
    landmarks: tuple[int, int]
    members: tuple[str, ...] = Field(min_length=1)
    splits: dict[str, tuple[Shard, ...]]
    groups: tuple[str, ...]
    people: tuple[str, ...]

    @model_validator(mode="after")
    def _every_split(self) -> Self:
        if self.splits.keys() != set(SPLITS):
            raise ValueError(f"the splits must be {', '.join(SPLITS)}")
        return self

    def shards(self) -> list[Shard]:
        """All shards, in the order of the records."""
        return [shard for name in SPLITS for shard in self.splits[name]]

    def span(self, split: str) -> slice:
        """The records of one split."""
        if split not in SPLITS:
            raise UserError(f"There is no split {split!r}; there are: {', '.join(SPLITS)}.")
        earlier = SPLITS[: SPLITS.index(split)]
        begin = sum(shard.samples for name in earlier for shard in self.splits[name])
        return slice(begin, begin + sum(shard.samples for shard in self.splits[split]))


def image_names(k: int) -> list[str]:
    """The members that are identity images."""
    return ["identity.jpg"] if k == 1 else [f"identity.{i}.jpg" for i in range(k)]


def member_names(k: int) -> tuple[str, ...]:
    """What a sample with ``k`` identity images consists of, in the order of the tar."""
    return tuple(sorted([*image_names(k), "json", landmark_rows.MEMBER, "mask.png", "masked.jpg", "unmasked.jpg"]))


def record_type(members: int, key_bytes: int) -> np.dtype[np.void]:
    """The type of one record: ``shard`` counts through all shards, ``real`` is the number of identity images
    that are not repeats, ``person`` and ``group`` are codes, and each member has offset, size and crc32."""
    return np.dtype(
        [
            ("key", f"S{key_bytes}"),
            ("shard", "<u4"),
            ("real", "<u4"),
            ("person", "<u4"),
            ("group", "<u4"),
            ("offset", "<u8", (members,)),
            ("size", "<u4", (members,)),
            ("crc32", "<u4", (members,)),
        ]
    )


Members = tuple[str, tuple[tuple[int, int, int], ...]]
"""A key, and (offset, size, crc32) of each of its members."""


def scan(path: Path, members: Sequence[str]) -> tuple[Shard, list[Members]]:
    """Read one shard through: every sample has exactly ``members``, together and in order.

    Raises:
        UserError: truncated or damaged, or a sample with other members; shard and key are named.
    """
    found = tars.members(path)
    samples: list[Members] = []
    with path.open("rb") as file:
        for begin in range(0, len(found), len(members)):
            group = found[begin : begin + len(members)]
            key = group[0].key
            kinds = [member.kind for member in group if member.key == key]
            if kinds != list(members):
                raise UserError(f"{path}: the sample {key} has {', '.join(kinds)} instead of {', '.join(members)}.")
            samples.append((key, tuple((m.offset, m.size, _crc(file, m)) for m in group)))
    seen: set[str] = set()
    for key, _ in samples:
        if key in seen:
            raise UserError(f"{path}: the sample {key} is there twice.")
        seen.add(key)
    shard = Shard(name=path.name, bytes=path.stat().st_size, sha256=sha256_file(path), samples=len(samples))
    return shard, samples


def _crc(file: Any, member: tars.Member) -> int:
    file.seek(member.offset)
    return zlib.crc32(file.read(member.size))


def load(directory: Path) -> tuple[Index, Records]:
    """The index of a folder of shards; the records are memory-mapped.

    Raises:
        UserError: missing, damaged or of another version.
    """
    try:
        about = read_json(directory / INDEX_JSON)
        if about["version"] != VERSION:
            raise UserError(
                f"The shards in {directory} are of version {about['version']} and not {VERSION}: "
                "run `unveilify synth` and `unveilify shard` again with --force."
            )
        index = Index.model_validate(about)
        records = np.asarray(np.load(directory / INDEX_NPY, mmap_mode="r", allow_pickle=False))
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise UserError(f"{directory / INDEX_JSON} is damaged ({what}): run `unveilify shard` with --force.") from None
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise UserError(
            f"Cannot read the index in {directory} ({why(error)}): run `unveilify shard` with --force."
        ) from None
    expected = sum(shard.samples for shard in index.shards())
    columns = record_type(len(index.members), 1).names
    if records.shape != (expected,) or records.dtype.names != columns:
        raise UserError(
            f"{directory / INDEX_NPY} does not hold the {expected} records of {INDEX_JSON}: "
            "run `unveilify shard` with --force."
        )
    return index, records
