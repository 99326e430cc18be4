"""Stage 1, top to bottom: list the photos, cut them into parts, make what is missing, account for all."""

from pathlib import Path

import pandas as pd

from unveilify.core import stamps
from unveilify.core.config import build
from unveilify.core.engine.local import map_parts
from unveilify.core.errors import UserError
from unveilify.core.progress import track
from unveilify.core.records import Photo
from unveilify.core.stamps import Stamp
from unveilify.core.storage import canonical_json, inside, sha256_bytes, writing
from unveilify.sources._listing import Listing, find_layout
from unveilify.synth.config import SynthConfig
from unveilify.synth.part import Part, is_whole, make_part, manifest_path

STAGE = "synth"
VERSION = 2
"""Of the format of the parts; since 2 every sample has its landmarks as a member of its own."""


def run(config: SynthConfig, source: Path, output_dir: Path, *, workers: int = 1, force: bool = False) -> Stamp:
    """Make face crops with drawn masks of every photo under ``source``.

    The bytes depend on the photos and the config alone, not on ``workers`` or on how often the work was
    interrupted. The input's identity is the list of (path, size, person, meta) rows.

    Raises:
        UserError: no photos, another config or input in ``output_dir``, or too many rejects.
    """
    if output_dir.resolve().is_relative_to(source.resolve()):
        raise UserError(
            f"{output_dir} lies inside the source {source}, where it would be taken for photos: give another --out."
        )
    config, listing = plan(config, source)
    input_hash = _input_hash(source, listing)
    done = stamps.begin(output_dir, STAGE, config, input_hash, version=VERSION, force=force)
    if done:
        return done
    parts = cut(config, source, listing.photos, output_dir)
    todo = [part for part in parts if not is_whole(part)]
    with track("synth", len(listing.photos), log=output_dir / "log.jsonl") as line:
        line.advance(len(listing.photos) - sum(len(part.photos) for part in todo), already=True)
        for made in map_parts(make_part, todo, workers):
            line.advance(made.photos, made.rejected)
    counts = _account(config, parts, listing, output_dir)
    return stamps.commit(output_dir, STAGE, config, input_hash, counts, VERSION)


def plan(config: SynthConfig, source: Path) -> tuple[SynthConfig, Listing]:
    """The config with its layout named, and the photos that the run would read.

    Raises:
        UserError: ``source`` is no folder, or holds no photos in that layout.
    """
    if not source.is_dir():
        raise UserError(
            f"There is no folder {source}: give --source a folder of photos, or run `unveilify sample {source}`."
        )
    layout = find_layout(source, config.layout)
    name = layout.__name__.rpartition(".")[2]
    listing = layout.photos(source, build(layout.Config, config.layout_options))
    if config.max_people:
        people = set(sorted({photo.identity for photo in listing.photos})[: config.max_people])
        listing = Listing([photo for photo in listing.photos if photo.identity in people], listing.skipped)
    if not listing.photos:
        raise UserError(
            f"There are no photos of people in {source}, read as layout '{name}': file them as PERSON/PHOTO.jpg, or name "
            f"another --layout (see `unveilify plugins`)."
        )
    return config.model_copy(update={"layout": name}), listing


def cut(config: SynthConfig, source: Path, photos: list[Photo], output_dir: Path) -> list[Part]:
    """Cut the photos into parts by their order in the source, never by worker."""
    size = config.photos_per_part
    return [
        Part(number, tuple(photos[first : first + size]), source, output_dir, config)
        for number, first in enumerate(range(0, len(photos), size))
    ]


def _input_hash(source: Path, listing: Listing) -> str:
    def size(path: str) -> int:
        outer = path.partition("!")[0]
        try:
            return inside(source, outer).stat().st_size
        except (OSError, UserError):
            return -1

    return sha256_bytes(canonical_json([[p.label, size(p.path), p.identity, p.group, p.meta] for p in listing.photos]))


def _account(config: SynthConfig, parts: list[Part], listing: Listing, output_dir: Path) -> dict[str, int]:
    manifest = pd.concat([pd.read_parquet(manifest_path(part)) for part in parts], ignore_index=True)
    if manifest["photo"].nunique() != len(listing.photos):
        raise RuntimeError(f"{len(listing.photos)} photos went in, {manifest['photo'].nunique()} are accounted for")
    counts = {"photos": len(listing.photos), "skipped": len(listing.skipped)}
    counts |= {str(status): int(n) for status, n in manifest["status"].value_counts().sort_index().items()}
    rejected = manifest[manifest["status"] == "rejected"]
    counts |= {f"rejected.{reason}": int(n) for reason, n in rejected["reason"].value_counts().sort_index().items()}
    reasons = pd.Series(listing.skipped, dtype=str).value_counts().sort_index()
    counts |= {f"skipped.{reason}": int(n) for reason, n in reasons.items()}
    if len(rejected) > config.max_rejects * len(listing.photos):
        worst = rejected["reason"].value_counts().index[0]
        raise UserError(
            f"{len(rejected)} of {len(listing.photos)} photos were rejected, most as '{worst}': "
            f"look at the source, or allow more with --max-rejects 1."
        )
    with writing(output_dir / "manifest.parquet") as path:
        manifest.to_parquet(path, index=False)
    return counts
