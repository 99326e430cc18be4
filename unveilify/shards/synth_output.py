"""What `synth` handed over: its manifest, and where in its parts the bytes of every key lie."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from unveilify.core import landmark_rows, stamps, tars
from unveilify.core.errors import UserError, why
from unveilify.core.storage import sha256_bytes, sha256_file
from unveilify.shards.leaks import perceptual_hash

MANIFEST = "manifest.parquet"
MAKE_IT = "unveilify synth"
TARGET, IDENTITY, REJECTED = "target", "identity", "rejected"
KINDS = {
    TARGET: {"unmasked.jpg", "masked.jpg", "mask.png", "json", landmark_rows.MEMBER},
    IDENTITY: {"unmasked.jpg", "json", landmark_rows.MEMBER},
}
VERSION = 2
"""Of the format of `synth` that is read here."""


@dataclass(frozen=True, slots=True)
class Row:
    """A face crop that `synth` did not reject; ``photo`` is the SHA-256 of its source picture.

    `with_looks` adds its look (`leaks.perceptual_hash`), and the sitting and the shot where the source knows them
    (`core.records.Photo`).
    """

    key: str
    identity: str
    group: str
    photo: str
    target: bool
    look: bytes = b""
    sitting: str = ""
    shot: str = ""


Places = Mapping[str, tuple[int, int]]
"""Offset and size of each member ("masked.jpg") of one key."""


@dataclass(frozen=True, slots=True)
class Part:
    """One tar of `synth`, looked through: places by key, and two hashes of every unmasked crop.

    ``crops`` are SHA-256 of the JPEG bytes, ``looks`` the 32 bytes of `perceptual_hash`, ``shapes`` the points and
    dimensions of the landmarks, ``taken`` the sitting and the shot, as far as the source knows them.
    """

    path: Path
    places: dict[str, Places]
    crops: dict[str, str]
    looks: dict[str, bytes]
    shapes: dict[str, tuple[int, int]]
    taken: dict[str, tuple[str, str]]


def manifest(directory: Path, stamp: stamps.Stamp) -> pd.DataFrame:
    """Every photo that `synth` saw, in its order, with ``status`` and ``reason``.

    Raises:
        UserError: missing, not what its stamp says, or without a single target face.
    """
    stamps.check(directory, stamp, MANIFEST)
    path = directory / MANIFEST
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path} ({why(error)}): run `{MAKE_IT}` again with --force.") from None
    missing = {"photo", "key", "identity", "group", "status", "reason", "sha256"} - set(table.columns)
    if missing:
        raise UserError(f"{path} lacks the column {sorted(missing)[0]!r}: run `{MAKE_IT}` again with --force.")
    if not (table["status"] == TARGET).any():
        raise UserError(
            f"There is no face to mask in {directory} ({len(table)} photos, all without a target): see {path}."
        )
    return table


def rows(table: pd.DataFrame, by_identity: bool) -> list[Row]:
    """The rows that are not rejected; with ``by_identity`` the identity itself is the group.

    Raises:
        UserError: a key occurs twice, or one identity is filed under two groups (a split would cut it).
    """
    used = table[table["status"] != REJECTED]
    found: dict[str, Row] = {}
    groups: dict[str, str] = {}
    columns = (used[name].astype(str) for name in ("key", "identity", "group", "sha256", "status"))
    for key, identity, filed, photo, status in zip(*columns, strict=True):
        group = identity if by_identity else filed
        if key in found:
            raise UserError(f"The key {key} occurs twice in the manifest of the input: run `{MAKE_IT}` with --force.")
        if groups.setdefault(identity, group) != group:
            raise UserError(
                f"The person {identity!r} is filed under two groups, {groups[identity]!r} and {group!r}: "
                "file the photos under one, or set group to identity."
            )
        found[key] = Row(key, identity, group, photo, status == TARGET)
    return list(found.values())


def parts(directory: Path, stamp: stamps.Stamp) -> list[tuple[Path, str]]:
    """The tars that the stamp lists, each with its SHA-256."""
    names = sorted(name for name in stamp.files if name.startswith("part-") and name.endswith(".tar"))
    return [(directory / name, stamp.files[name].sha256) for name in names]


def look(part: tuple[Path, str]) -> Part:
    """Check one tar against the stamp and take stock of it.

    Raises:
        UserError: its bytes are not those of the stamp, or a crop in it does not decode.
    """
    path, expected = part
    if not path.is_file() or sha256_file(path) != expected:
        raise UserError(f"{path} is missing or not what its stamp says: run `{MAKE_IT}` again with --force.")
    places: dict[str, dict[str, tuple[int, int]]] = {}
    crops: dict[str, str] = {}
    looks: dict[str, bytes] = {}
    shapes: dict[str, tuple[int, int]] = {}
    taken: dict[str, tuple[str, str]] = {}
    for member in tars.members(path):
        places.setdefault(member.key, {})[member.kind] = (member.offset, member.size)
        if member.kind == "unmasked.jpg":
            data = tars.pread(path, member.offset, member.size)
            crops[member.key] = sha256_bytes(data)
            looks[member.key] = perceptual_hash(data, f"{path.name}: {member.key}")
        elif member.kind == landmark_rows.MEMBER:
            found = landmark_rows.decode(tars.pread(path, member.offset, member.size), f"{path}: {member.key}")
            shapes[member.key] = (found.shape[1], found.shape[2])
        elif member.kind == "json":
            taken[member.key] = _taken(tars.pread(path, member.offset, member.size))
    return Part(path, {key: dict(kinds) for key, kinds in places.items()}, crops, looks, shapes, taken)


def with_looks(expected: list[Row], found: list[Part]) -> list[Row]:
    """The rows with what the parts say of them."""
    looks = {key: look for part in found for key, look in part.looks.items()}
    taken = {key: when for part in found for key, when in part.taken.items()}
    return [replace(row, look=looks[row.key], sitting=taken[row.key][0], shot=taken[row.key][1]) for row in expected]


def check(found: list[Part], expected: list[Row]) -> None:
    """Raise `UserError` unless the parts hold exactly what the manifest says."""
    held = {key: (part.path, kinds.keys()) for part in found for key, kinds in part.places.items()}
    for row in expected:
        path, kinds = held.pop(row.key, (None, set()))
        lacking = sorted(KINDS[TARGET if row.target else IDENTITY] - set(kinds))
        if lacking:
            where = f"{path} lacks {row.key}.{lacking[0]}" if path else f"no part holds the key {row.key}"
            raise UserError(f"The input is incomplete, {where}: run `{MAKE_IT}` again with --force.")
    for key, (path, _) in held.items():
        raise UserError(f"{path} holds {key}, which the manifest does not know: run `{MAKE_IT}` again with --force.")


def _taken(data: bytes) -> tuple[str, str]:
    meta = json.loads(data).get("meta") or {}
    when = meta.get("taken") or {}
    return str(when.get("sitting", "")), str(when.get("shot", ""))
