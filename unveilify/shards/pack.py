"""What goes into which shard, decided before a byte is written; and the writing of one: bytes are copied as they are."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from unveilify.core import landmark_rows, tars
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_jpeg
from unveilify.core.storage import canonical_json
from unveilify.core.written import OutputFolder
from unveilify.shards import leaks, split, synth_output
from unveilify.shards.config import ShardConfig
from unveilify.shards.index import Members, Shard, image_names, member_names, scan
from unveilify.shards.triplets import Caps, Choice, partners, repeated

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

    out: OutputFolder
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
    samples: list[Members]
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


@dataclass(frozen=True, slots=True)
class Plan:
    """The input and all decisions about it; ``splits`` is that of every group with a triplet."""

    config: ShardConfig
    table: pd.DataFrame
    rows: list[synth_output.Row]
    choice: Choice
    splits: dict[str, str]
    parts: list[synth_output.Part]

    @property
    def places(self) -> dict[str, tuple[Path, synth_output.Places]]:
        """Part and places of every key."""
        return {key: (part.path, kinds) for part in self.parts for key, kinds in part.places.items()}

    @property
    def size_px(self) -> int:
        """Side of the face crops, from the json of one of them."""
        path, kinds = self.places[next(iter(self.choice.images))]
        return int(json.loads(tars.pread(path, *kinds["json"]))["crop"]["size_px"])

    @property
    def landmarks(self) -> tuple[int, int]:
        """Points and dimensions of the landmarks that most triplets have; of equals, the larger."""
        shapes = {key: shape for part in self.parts for key, shape in part.shapes.items()}
        found = Counter(shapes[key] for key in self.choice.images)
        return max(found, key=lambda shape: (found[shape], shape))


def pick(rows: list[synth_output.Row], config: ShardConfig, leave_out: Collection[str] = ()) -> Choice:
    """The triplets that the settings ask for, of these rows."""
    caps = Caps(config.max_per_identity, config.max_triplets)
    return partners(
        rows, config.identities, config.seed, caps, leave_out, singles=config.singles, twin_bits=config.leak_bits
    )


def decide(
    rows: list[synth_output.Row], parts: list[synth_output.Part], config: ShardConfig, old: split.Ledger | None
) -> tuple[Choice, dict[str, str], list[leaks.Leak]]:
    """Triplets, the split of every group that has some, and what leaks between splits (or did, if it is dropped).

    Raises:
        UserError: see `divide`; or all triplets of a split leak.
    """
    choice = pick(rows, config)
    splits = divide(rows, choice, config, old)
    found = leaks.find(crops(rows, splits, parts), config.leak_bits)
    if not config.drop_leaks:
        return choice, splits, found
    # No other groups come in: they are in no split, and nobody has looked whether they leak.
    fewer = pick([row for row in rows if row.group in splits], config, leaks.to_drop(found))
    had, has = ({splits[row.group] for row in rows if row.key in some.images} for some in (choice, fewer))
    for name in sorted(had - has):
        raise UserError(
            f"All triplets of the split '{name}' leak into another one ({len(found)} pairs in all): check the source "
            "for copies, or leave drop_leaks out."
        )
    before = {key: why for key, why in choice.reasons.items() if key not in fewer.images}
    return Choice(fewer.images, before | fewer.reasons), splits, found


def divide(
    rows: list[synth_output.Row], choice: Choice, config: ShardConfig, old: split.Ledger | None
) -> dict[str, str]:
    """The split of every group that has a triplet.

    Raises:
        UserError: there is no triplet, or (without an old ledger) fewer groups than splits.
    """
    groups = {row.group for row in rows if row.key in choice.images}
    if not groups:
        raise UserError(
            "Nobody in the input has two usable photos, and a triplet needs a second one of the same person that is no "
            "copy: add photos, or check that the layout of the source names the people."
        )
    wanted = sum(share > 0 for share in config.shares)
    if old is None and len(groups) < wanted:
        raise UserError(
            f"{wanted} splits need at least {wanted} groups (people or families) with two usable photos and there are "
            f"{len(groups)}: add photos of other people, raise max_triplets if it is set, or set shares to [1, 0, 0]."
        )
    return split.assign(groups, config.shares, config.seed, old.groups if old else None)


def crops(rows: list[synth_output.Row], splits: dict[str, str], parts: list[synth_output.Part]) -> list[leaks.Crop]:
    """Everything that the leakage check compares: all crops of the groups that are in a split."""
    hashes = {key: (crop, part.looks[key]) for part in parts for key, crop in part.crops.items()}
    return [leaks.Crop(row.key, splits[row.group], row.photo, *hashes[row.key]) for row in rows if row.group in splits]


def jobs(plan: Plan, out: OutputFolder) -> list[Job]:
    """One job per shard: the triplets of a split in hash order, cut into shards of nearly equal length.

    Hash order mixes the people in every shard, so that readers that shuffle little still see a mixture.
    """
    config, members = plan.config, member_names(plan.config.identities)
    places, size_px = plan.places, plan.size_px
    photos = dict(zip(plan.table["key"], plan.table["photo"], strict=True))

    def recipe(key: str) -> Recipe:
        path, kinds = places[key]
        pieces = {kind: Piece(path, *place) for kind, place in kinds.items()}
        images = plan.choice.images[key]
        shown = repeated(images, config.identities)
        for name, image in zip(image_names(config.identities), shown, strict=False):  # of nobody there is none
            pieces[name] = Piece(places[image][0], *places[image][1]["unmasked.jpg"])
        landmarks = [Piece(places[image][0], *places[image][1][landmark_rows.MEMBER]) for image in shown]
        # Never empty: readers such as `datasets` cannot tell what an empty list is a list of.
        told = {"real": len(images), "keys": list(images) or [""], "photos": [photos[i] for i in images] or [""]}
        return Recipe(key, pieces, landmarks, told)

    found = []
    for name in split.SPLITS:
        keys = [row.key for row in plan.rows if row.key in plan.choice.images and plan.splits[row.group] == name]
        keys.sort(key=lambda key: split.rank(config.seed, key))
        count = -(-len(keys) // config.samples_per_shard)
        for i in range(count):
            chunk = keys[len(keys) * i // count : len(keys) * (i + 1) // count]
            made = f"{name}-{i:06d}.tar"
            found.append(Job(OutputFolder(out.directory), made, size_px, members, [recipe(key) for key in chunk]))
    return found
