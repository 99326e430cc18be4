"""A small fake output of `synth`: the format alone, with noise for faces."""

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from unveilify.core import stage, stamps, tars
from unveilify.core.config import Config
from unveilify.core.landmark_rows import encode
from unveilify.core.landmarks import Points

SIZE = 32


class NoConfig(Config):
    pass


def jpeg(rng: np.random.Generator, size: int = SIZE) -> bytes:
    small = rng.integers(0, 256, (6, 6, 3), np.uint8)
    picture = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    flags = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", picture, flags)[1].tobytes()


def sample(key: str, row: dict[str, Any], size: int = SIZE) -> dict[str, bytes]:
    rng = np.random.default_rng(int(row["sha256"][:8], 16))
    meta = {
        "key": key,
        "identity": row["identity"],
        "group": row["group"],
        "photo": row["photo"],
        "photo_sha256": row["sha256"],
        "crop": {"matrix": [[1, 0, 0], [0, 1, 0]], "size_px": size, "padded_share": 0.0},
        "landmarks": {"scheme": "five"},
        "role": row["status"],
        "meta": {"name": "naïve"},
    }
    places = marks(row["photo"], size)
    members = {"unmasked.jpg": jpeg(rng, size), "json": json.dumps(meta).encode(), "landmarks.npy": encode(places[:1])}
    if row["status"] == "target":
        members["landmarks.npy"] = encode(places)
        alpha = np.zeros((size, size), np.uint8)
        alpha[size // 2 :] = 200
        members |= {"masked.jpg": jpeg(rng, size), "mask.png": cv2.imencode(".png", alpha)[1].tobytes()}
    return members


def marks(photo: str, size: int = SIZE) -> Points:
    """Five points on the bare crop and on the masked one, (2, 5, 2); the first photo of everybody is not found there."""
    rng = np.random.default_rng(zlib.crc32(photo.encode()))
    bare = rng.integers(0, size * 16, (5, 2)) / 16
    masked = bare + rng.integers(-16, 17, (5, 2)) / 16
    return np.stack([bare, masked if not photo.endswith("/0.jpg") else np.full((5, 2), np.nan)]).astype(np.float32)


def make_synth(
    directory: Path,
    people: int = 12,
    photos: Callable[[int], int] = lambda person: 1 + person % 5,
    *,
    per_part: int = 10,
    size: int = SIZE,
    edit: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
) -> Path:
    """Person i has ``photos(i)`` photos, two people are a family; every 7th photo only serves as identity image
    and one photo per family is rejected. ``edit`` may change the rows of the manifest beforehand."""
    with stage.opened(directory, "synth", NoConfig(), "photos", version=2) as out:
        rows: list[dict[str, Any]] = []
        for person in range(people):
            for number in range(photos(person)):
                path = f"family{person // 2}/person{person}/{number}.jpg"
                status, reason = ("identity", "profile") if len(rows) % 7 == 6 else ("target", None)
                rows.append(_row(path, f"person{person}", f"family{person // 2}", status, reason))
            if person % 2:
                row = _row(
                    f"family{person // 2}/all.jpg", f"person{person}", f"family{person // 2}", "rejected", "no_face"
                )
                rows.append(row | {"key": None})
        edit(rows)
        used = [row for row in rows if row["status"] != "rejected"]
        for begin in range(0, len(used), per_part):
            with out.file(f"part-{begin // per_part:05d}.tar") as path, tars.begun(path) as tar:
                for row in used[begin : begin + per_part]:
                    tars.add(tar, row["key"], sample(row["key"], row, size))
        with out.file("manifest.parquet") as path:
            pd.DataFrame(rows).to_parquet(path, index=False)
        out.commit({"photos": len(rows)})
    return directory


def _row(path: str, identity: str, group: str, status: str, reason: str | None) -> dict[str, Any]:
    digest = hashlib.sha256(path.encode()).hexdigest()
    return {
        "photo": path,
        "face": 0,
        "key": digest[:20],
        "identity": identity,
        "group": group,
        "status": status,
        "reason": reason,
        "sha256": digest,
    }


def contents(directory: Path) -> dict[str, bytes]:
    """All files of a folder but the stamp's own."""
    files = [p for p in directory.rglob("*") if p.is_file() and p.name != "log.jsonl"]
    found = {p.relative_to(directory).as_posix(): p.read_bytes() for p in files}
    return {name: data for name, data in found.items() if name not in stamps.UNLISTED}


@pytest.fixture(scope="session")
def synth_maker() -> Callable[..., Path]:
    return make_synth


@pytest.fixture(scope="session")
def read_all() -> Callable[[Path], dict[str, bytes]]:
    return contents


@pytest.fixture(scope="session")
def synth_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_synth(tmp_path_factory.mktemp("synth") / "out")


@pytest.fixture(scope="session")
def shards(synth_output: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people in small shards, two identity images each. Not to be changed."""
    from unveilify.shards.config import ShardConfig
    from unveilify.shards.write import run

    out = tmp_path_factory.mktemp("shards") / "out"
    run(ShardConfig(samples_per_shard=4, identities=2), synth_output, out)
    return out
