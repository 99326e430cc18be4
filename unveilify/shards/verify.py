"""Recount everything from the bytes on the disk, trusting neither index nor manifest."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unveilify.core import stamps, tars
from unveilify.core.errors import UserError, why
from unveilify.core.storage import files_below, from_json, sha256_file
from unveilify.shards import card, synth_output
from unveilify.shards.index import Index, Records, load, scan
from unveilify.shards.split import LEDGER, SPLITS, read_ledger
from unveilify.shards.tables import TRIPLET


def verify(directory: Path) -> list[str]:
    """Check a committed folder of shards; every finding is one sentence, none means that all is well.

    Bytes and SHA-256 of every file; crc32, place, key and members of every sample; identities, groups and
    photos that are in two splits, or groups that are not where the ledger has them; a target used as its own
    identity image; and in = triplets + identity images + rejects.

    Raises:
        UserError: there is no stamp to check against.
    """
    stamp = stamps.read(directory, "shard", "unveilify shard")
    findings = list(_files(directory, stamp))
    samples: dict[str, _Sample] = {}
    try:
        index, records = load(directory)
    except UserError as error:
        return [*findings, f"Samples were not looked at. {error}"]
    findings += _shards(directory, index, records, samples, by_identity=stamp.config.get("group") == "identity")
    findings += _splits(directory, samples)
    findings += _manifest(directory, stamp.counts, samples)
    return findings


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a sample in a shard says of itself."""

    split: str
    shard: str
    identity: str
    group: str
    images: tuple[str, ...]


def _files(directory: Path, stamp: stamps.Stamp) -> Iterator[str]:
    present = {path.relative_to(directory).as_posix() for path in files_below(directory)}
    for name in sorted(present - stamp.files.keys() - stamps.UNLISTED - {card.README}):
        yield f"{name} is not in the stamp."
    for name, listed in stamp.files.items():
        if not (directory / name).is_file():
            yield f"{name} is missing."
        elif name == card.README:
            continue  # people add to a card
        elif (size := (directory / name).stat().st_size) != listed.bytes:
            yield f"{name} has {size} bytes instead of {listed.bytes}."
        elif sha256_file(directory / name) != listed.sha256:
            yield f"{name} has another sha256 than when it was written."


def _shards(
    directory: Path, index: Index, records: Records, samples: dict[str, _Sample], *, by_identity: bool
) -> Iterator[str]:
    begin = 0
    for split in SPLITS:
        for shard in index.splits[split]:
            rows = records[begin : begin + shard.samples]
            begin += shard.samples
            path = directory / shard.name
            try:
                found, listed = scan(path, index.members)
            except UserError as error:
                yield str(error)
                continue
            if found != shard:
                yield f"{shard.name} is not what index.json says of it."
            if [key for key, _ in listed] != [bytes(key).decode() for key in rows["key"]]:
                yield f"{shard.name} holds other keys than index.npy says."
                continue
            for row, (key, places) in zip(rows, listed, strict=True):
                told = zip(row["offset"].tolist(), row["size"].tolist(), row["crc32"].tolist(), strict=True)
                for member, place, expected in zip(index.members, places, told, strict=True):
                    if place != expected:
                        yield f"{shard.name}: {key}.{member} is not where, or not what, index.npy says."
                if key in samples:
                    yield f"{shard.name}: {key} is also in {samples[key].shard}."
                offset, size, _ = places[index.members.index("json")]
                try:
                    meta = from_json(tars.pread(path, offset, size))
                    group = meta["identity"] if by_identity else meta["group"]
                    images = tuple(key for key in meta["identities"]["keys"] if key)
                    whole = meta["key"] == key and meta["identities"]["real"] == len(set(images)) == row["real"]
                    samples[key] = _Sample(split, shard.name, meta["identity"], group, images)
                except (ValueError, KeyError, TypeError) as error:
                    yield f"{shard.name}: {key}.json cannot be read ({error!r})."
                    continue
                if not whole or key in images:
                    yield f"{shard.name}: {key}.json is wrong about its key or its identity images."


def _splits(directory: Path, samples: dict[str, _Sample]) -> Iterator[str]:
    triplets = samples.items()
    photos = [(key, one.split) for key, one in triplets] + [(i, one.split) for _, one in triplets for i in one.images]
    groups = [(one.group, one.split) for one in samples.values()]
    yield from _in_two("group", groups)
    yield from _in_two("identity", [(one.identity, one.split) for one in samples.values()])
    yield from _in_two("photo", photos)
    try:
        ledger = read_ledger(directory / LEDGER).groups
    except UserError as error:
        yield str(error)
        return
    for group, split in sorted(set(groups)):
        if ledger.get(group) != split:
            yield f"The group {group!r} is in {split}, but {LEDGER} says {ledger.get(group)}."


def _in_two(what: str, places: Iterable[tuple[str, str]]) -> Iterator[str]:
    splits: dict[str, set[str]] = defaultdict(set)
    for name, split in places:
        splits[name].add(split)
    for name, found in sorted(splits.items()):
        if len(found) > 1:
            yield f"The {what} {name!r} is in {' and '.join(sorted(found))}."


def _manifest(directory: Path, counts: dict[str, int], samples: dict[str, _Sample]) -> Iterator[str]:
    try:
        table = pd.read_parquet(directory / synth_output.MANIFEST, columns=["status", "key", "shard", "uses", "reason"])
    except (OSError, ValueError, KeyError) as error:
        yield f"{synth_output.MANIFEST} cannot be read ({why(error)})."
        return
    uses = Counter(image for one in samples.values() for image in one.images)
    expected = {
        TRIPLET: set(samples),
        synth_output.IDENTITY: uses.keys() - samples.keys(),
    }
    for status, keys in expected.items():
        told = table[table["status"] == status]
        for key in sorted(keys ^ set(told["key"])):
            yield f"{synth_output.MANIFEST} and the shards do not agree whether {key} is of status {status!r}."
        if counts.get(status, 0) != len(keys):
            yield f"The stamp counts {counts.get(status, 0)} of status {status!r} and the shards have {len(keys)}."
    for key, shard, used in zip(table["key"], table["shard"], table["uses"], strict=True):
        if (key in samples and shard != samples[key].shard) or used != uses[key]:
            yield f"{synth_output.MANIFEST} is wrong about the shard or the uses of {key}."
    rejected = table[table["status"] == synth_output.REJECTED]
    if rejected["reason"].isna().any():
        yield f"{synth_output.MANIFEST} has rejects without a reason."
    if len(table) != counts.get("rows") or len(table) != len(rejected) + sum(map(len, expected.values())):
        yield f"{len(table)} photos in, {counts.get('rows')} counted: in is not triplets + identity images + rejects."
