"""Recount a finished chain with nothing of ours: the source with os.walk, the outputs with tarfile and pandas.

    python benchmarks/recount.py SOURCE data/synth data/shards

Prints what it counted, one line per fact, and leaves with exit code 1 if any two counts disagree.
"""

import argparse
import hashlib
import json
import os
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pandas as pd

UNLISTED = {"_stamp.json", "_begun.json", ".unveilify.files", ".unveilify.lock", "log.jsonl"}
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def members(folder: Path, pattern: str) -> Counter[str]:
    """How many members of each kind the tars of a folder hold, by what follows the key's dot."""
    kinds: Counter[str] = Counter()
    for path in sorted(folder.glob(pattern)):
        with tarfile.open(path) as tar:
            kinds.update(name.partition(".")[2] for name in tar.getnames())
    return kinds


def digest_agrees(folder: Path) -> bool:
    """Whether every file that the stamp names has the bytes that it says, and no other file is there."""
    stamp = json.loads((folder / "_stamp.json").read_text())["files"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - UNLISTED
    whole = all(hashlib.sha256((folder / n).read_bytes()).hexdigest() == f["sha256"] for n, f in stamp.items())
    return whole and there == set(stamp)


def main(source: Path, pairs: Path, shards: Path) -> int:
    """Count, compare, print."""
    failed = []

    def agree(what: str, *counts: object) -> None:
        same = all(c == counts[0] for c in counts)
        print(f"{'agree' if same else 'DIFFER'}: {what}: {', '.join(map(str, counts))}")
        if not same:
            failed.append(what)

    pictures = sum(name.lower().endswith(PICTURES) for _, _, names in os.walk(source) for name in names)
    rows = pd.read_parquet(pairs / "manifest.parquet")
    print(f"source: {pictures} pictures by extension; manifest: {len(rows)} rows, {rows['identity'].nunique()} people")
    agree("every photo has one row", len(rows), rows["photo"].nunique())
    status = rows["status"].value_counts()
    print("rejects:", dict(rows.loc[rows["status"] == "rejected", "reason"].value_counts()) or "none")
    target, known = int(status.get("target", 0)), int(status.get("target", 0) + status.get("identity", 0))
    agree("in = out + rejects", len(rows), known + int(status.get("rejected", 0)))
    kinds = members(pairs, "part-*.tar")
    agree("targets in the tars", target, kinds["masked.jpg"], kinds["mask.png"])
    agree("crops in the tars", known, kinds["unmasked.jpg"], kinds["landmarks.npy"], kinds["json"])
    agree("pairs files as stamped", True, digest_agrees(pairs))

    ledger = pd.read_parquet(shards / "manifest.parquet")
    agree("rows of the shard manifest", len(rows), len(ledger))
    triplets = ledger[ledger["status"] == "triplet"]
    kinds = members(shards, "t*-*.tar") + members(shards, "val-*.tar")
    each = ("masked.jpg", "unmasked.jpg", "mask.png", "landmarks.npy", "json")
    agree("triplets in the shards", len(triplets), *(kinds[k] for k in each))
    for unit in ("group", "identity"):
        agree(f"most splits of one {unit}", 1, int(triplets.groupby(unit)["split"].nunique().max()))
    people = triplets.groupby("split")["identity"].nunique().to_dict()
    print(f"triplets by split: {triplets['split'].value_counts().to_dict()}, people: {people}")
    agree("shard files as stamped", True, digest_agrees(shards))
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("source", "pairs", "shards"):
        parser.add_argument(name, type=Path)
    sys.exit(main(**vars(parser.parse_args())))
