"""What goes where, decided before a byte is written."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unveilify.core import landmark_rows, tars
from unveilify.core.errors import UserError
from unveilify.core.written import Output
from unveilify.shards import intake, leaks, split
from unveilify.shards.config import ShardConfig
from unveilify.shards.index import image_names, member_names
from unveilify.shards.pack import Job, Piece, Recipe
from unveilify.shards.triplets import Caps, Choice, choose, repeated


@dataclass(frozen=True, slots=True)
class Plan:
    """The input and all decisions about it; ``splits`` is that of every group with a triplet."""

    config: ShardConfig
    table: pd.DataFrame
    rows: list[intake.Row]
    choice: Choice
    splits: dict[str, str]
    parts: list[intake.Part]

    @property
    def places(self) -> dict[str, tuple[Path, intake.Places]]:
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


def pick(rows: list[intake.Row], config: ShardConfig, leave_out: Collection[str] = ()) -> Choice:
    """The triplets that the settings ask for, of these rows."""
    caps = Caps(config.max_per_identity, config.max_triplets)
    return choose(
        rows, config.identities, config.seed, caps, leave_out, singles=config.singles, twin_bits=config.leak_bits
    )


def decide(
    rows: list[intake.Row], parts: list[intake.Part], config: ShardConfig, old: split.Ledger | None
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


def divide(rows: list[intake.Row], choice: Choice, config: ShardConfig, old: split.Ledger | None) -> dict[str, str]:
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


def crops(rows: list[intake.Row], splits: dict[str, str], parts: list[intake.Part]) -> list[leaks.Crop]:
    """Everything that the leakage check compares: all crops of the groups that are in a split."""
    hashes = {key: (crop, part.looks[key]) for part in parts for key, crop in part.crops.items()}
    return [leaks.Crop(row.key, splits[row.group], row.photo, *hashes[row.key]) for row in rows if row.group in splits]


def jobs(plan: Plan, out: Output) -> list[Job]:
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
            found.append(Job(Output(out.directory), made, size_px, members, [recipe(key) for key in chunk]))
    return found
