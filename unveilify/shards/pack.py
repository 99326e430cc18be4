"""Write one shard: copy the bytes of its samples out of the parts of `synth`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unveilify.core import landmark_rows, tars
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_jpeg
from unveilify.core.storage import canonical_json
from unveilify.core.written import Output
from unveilify.shards.index import Sample, Shard, scan

NOBODY, QUALITY = 128, 95
"""Grey of the picture that stands where there is no identity image, and its JPEG quality."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes inside a part of `synth`."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """One triplet: the pieces by member name, and what its json gains (``real``, ``keys``, ``photos``).

    ``landmarks`` are those of the identity images, in their order. A triplet without any has none among its
    ``pieces`` either.
    """

    key: str
    pieces: Mapping[str, Piece]
    landmarks: Sequence[Piece]
    identities: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Job:
    """One shard to be made; self-contained, so that any worker can make it."""

    out: Output
    name: str
    size_px: int
    members: tuple[str, ...]
    recipes: Sequence[Recipe]
    kept: bool = False
    """It is there already, and is what was written."""


@dataclass(frozen=True, slots=True)
class Made:
    """A shard as it was read back from the disk; ``kept`` if an earlier run had already made it."""

    shard: Shard
    samples: list[Sample]
    kept: bool


def make(job: Job) -> Made:
    """Make the shard, unless it is kept, and read it back."""
    if not job.kept:
        with job.out.file(job.name) as path, tars.begun(path) as tar:
            for recipe in job.recipes:
                tars.add(tar, recipe.key, _members(recipe, job))
    return Made(*scan(job.out.directory / job.name, job.members), kept=job.kept)


def _members(recipe: Recipe, job: Job) -> dict[str, bytes]:
    images = [kind for kind in job.members if kind.startswith("identity.")]
    members = dict.fromkeys(images, _grey(job.size_px)) | {kind: _bytes(piece) for kind, piece in recipe.pieces.items()}
    members["json"] = _with_identities(members["json"], recipe, job.size_px)
    members[landmark_rows.MEMBER] = _with_landmarks(members[landmark_rows.MEMBER], recipe, len(images))
    return members


@lru_cache(maxsize=1)
def _grey(size_px: int) -> bytes:
    return encode_jpeg(np.full((size_px, size_px, 3), NOBODY, np.uint8), QUALITY)


def _bytes(piece: Piece) -> bytes:
    return tars.pread(piece.path, piece.offset, piece.size)


def _with_landmarks(data: bytes, recipe: Recipe, k: int) -> bytes:
    """On the unmasked and on the masked crop, then on each of ``k`` identity images: (2 + k, N, D)."""
    own = landmark_rows.decode(data, f"The face crop {recipe.key}")
    images = [landmark_rows.decode(_bytes(piece), str(piece.path))[0] for piece in recipe.landmarks]
    missing = [None] * (k - len(images))
    return landmark_rows.encode([*own, *(landmark_rows.alike(image, own[0]) for image in (*images, *missing))])


def _with_identities(data: bytes, recipe: Recipe, size_px: int) -> bytes:
    meta = json.loads(data)
    if meta["crop"]["size_px"] != size_px:
        raise UserError(
            f"The face crop {recipe.key} is {meta['crop']['size_px']} px wide and others are {size_px}: "
            "run `unveilify synth` again with --force."
        )
    return canonical_json(meta | {"identities": recipe.identities})
