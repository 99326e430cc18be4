"""Stage 1, top to bottom: list the photos, cut them into parts, make what is missing, account for all."""

from pathlib import Path

import pandas as pd

from unveilify.core import paths, stage, stamps
from unveilify.core.config import build
from unveilify.core.engine.local import map_parts
from unveilify.core.errors import UserError
from unveilify.core.progress import track
from unveilify.core.records import Photo
from unveilify.core.stamps import Stamp
from unveilify.core.written import OutputFolder
from unveilify.sources.listing import Listing, find_layout
from unveilify.synth import inputs
from unveilify.synth.config import SynthConfig
from unveilify.synth.part import Part, is_whole, make_part

STAGE, MANIFEST = "synth", "manifest.parquet"
VERSION = 2
"""Of the format of the parts; since 2 every sample has its landmarks as a member of its own."""


def run(config: SynthConfig, source: Path, output_dir: Path, *, workers: int = 1, force: bool = False) -> Stamp:
    """Make face crops with drawn masks of every photo under ``source``.

    The bytes depend on the photos and the config alone, not on ``workers`` or on how often the work was
    interrupted. The input's identity is what the listing says of every photo, its size, and its bytes where
    it was touched since.

    Raises:
        UserError: no photos, another config or input in ``output_dir``, or too many rejects.
    """
    paths.check(output_dir, source)
    config, listing = plan(config, source)
    if not force:
        _refuse_changed(source, listing, output_dir)
    digest = inputs.digest(source, listing.photos)
    with stage.opened(output_dir, STAGE, config, digest, version=VERSION, force=force) as out:
        if out.done is not None:
            return out.done
        parts = cut(config, source, listing.photos, out)
        todo = [part for part in parts if not is_whole(part)]
        with track("synth", len(listing.photos), log=output_dir / "log.jsonl") as line:
            line.advance(len(listing.photos) - sum(len(part.photos) for part in todo), already=True)
            for made in map_parts(make_part, todo, workers):
                line.advance(made.photos, made.rejected)
        return out.commit(_account(config, parts, listing, out))


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


def cut(config: SynthConfig, source: Path, photos: list[Photo], out: OutputFolder) -> list[Part]:
    """Cut the photos into parts by their order in the source, never by worker."""
    size, plain = config.photos_per_part, OutputFolder(out.directory)
    return [
        Part(number, tuple(photos[first : first + size]), source, plain, config)
        for number, first in enumerate(range(0, len(photos), size))
    ]


def _refuse_changed(source: Path, listing: Listing, output_dir: Path) -> None:
    stamp = stamps.load(output_dir)
    listed = stamp.files.get(MANIFEST) if stamp is not None and stamp.stage == STAGE else None
    if listed is None or not stamps.matches(output_dir / MANIFEST, listed):
        return
    photo = inputs.changed(source, listing.photos, inputs.digests(output_dir / MANIFEST), output_dir)
    if photo:
        raise UserError(
            f"{source / photo} has changed since {output_dir} was made: use --force to rebuild it, or another folder."
        )


def _account(config: SynthConfig, parts: list[Part], listing: Listing, out: OutputFolder) -> dict[str, int]:
    manifest = pd.concat([pd.read_parquet(part.manifest) for part in parts], ignore_index=True)
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
    with out.file(MANIFEST) as path:
        manifest.to_parquet(path, index=False)
    return counts
