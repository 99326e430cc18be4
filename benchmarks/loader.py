"""Triplets per second and core of the stream, against plain `webdataset` on the same shards in the same run.

    python benchmarks/loader.py                  # 256 px shards made from the portrait in scikit-image
    python benchmarks/loader.py data/shards      # your own

Beside it, where they are installed, `datasets` on the same tars and `litdata` on the same files in its own chunks.

    python benchmarks/loader.py --workers 0 1 2 4    # and with worker processes: wall time, whose cores are shared
    python benchmarks/loader.py --far                # the first batch at a position of a million and a hundred million

All give batches of 16 uint8 tensors (masked, unmasked, alpha, identity), shuffled, with no worker process and one
thread. Seconds are CPU seconds of this process, so that neighbours on the machine disturb little; the best of
the rounds counts, and the rounds take turns. Memory is this process's own, after the first and the last round.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
import webdataset
from skimage.data import astronaut

from unveilify.core import landmark_rows, stage, tars
from unveilify.core.pictures import encode_jpeg, encode_png
from unveilify.shards import synth_output
from unveilify.shards.config import ShardConfig
from unveilify.shards.reader import ShardSet, Split
from unveilify.shards.stream import Stream, StreamConfig
from unveilify.shards.write import run

BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="?", type=Path, help="output of `unveilify shard`, one identity image")
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="*", default=[])
    parser.add_argument("--far", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.shards or make_shards(Path(scratch))
        split = ShardSet.open(folder).split("train")
        size = sum(split.records["size"].sum(axis=1).tolist()) / len(split) / 1000
        print(f"{len(split)} triplets of {split.index.size_px} px, {size:.0f} kB each; batches of {BATCH}, 1 thread")
        urls = [str(path) for path in sorted(folder.glob("train-*.tar"))]
        loaders: dict[str, Callable[[], Iterator[object]]] = {
            "stream (ours)": lambda: iter(Stream(split, StreamConfig(), BATCH)),
            "(OpenCV's decoding alone)": lambda: decoding_alone(split),
            "webdataset, decode('torchrgb8')": lambda: plain(urls, "torchrgb8"),
            "webdataset, OpenCV": lambda: plain(urls, opencv),
        }
        loaders |= others(urls, split, Path(scratch))
        best = dict.fromkeys(loaders, 0.0)
        held = []
        for _ in range(arguments.rounds):
            for name, loader in loaders.items():
                batches = loader()
                next(batches)  # opening is not reading
                begin = time.process_time()
                count = sum(1 for _ in islice(batches, arguments.batches))
                best[name] = max(best[name], count * BATCH / (time.process_time() - begin))
            held.append(resident())
        ours = best["stream (ours)"]
        for name, rate in best.items():
            print(f"{name:32} {rate:7.0f} triplets/s/core   ours is {ours / rate:.2f} x")
        print(f"memory after the first round {held[0]:.0f} MB, after the last {held[-1]:.0f} MB")
        for workers in arguments.workers:
            print(f"{workers} workers: {by_the_clock(split, workers, arguments.batches):7.0f} triplets/s by the clock")
        if arguments.far:
            for seen in (0, 10**6, 10**8):
                begin = time.process_time()
                next(iter(Stream(split, StreamConfig(), BATCH, seen=seen)))
                print(f"first batch from position {seen:>11,}: {1000 * (time.process_time() - begin):.1f} ms")


def by_the_clock(split: Split, workers: int, batches: int) -> float:
    """Triplets per second of wall time, after the first batch."""
    loader = iter(Stream(split, StreamConfig(), BATCH, workers=workers))
    next(loader)
    begin = time.perf_counter()
    count = sum(1 for _ in islice(loader, batches))
    return count * BATCH / (time.perf_counter() - begin)


def resident() -> float:
    """Megabytes of memory that this process has now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def others(urls: list[str], split: Split, scratch: Path) -> dict[str, Callable[[], Iterator[object]]]:
    """Readers that are installed beside the project, on the same pictures."""
    found: dict[str, Callable[[], Iterator[object]]] = {}
    if find_spec("datasets"):
        found["datasets, streaming"] = lambda: by_datasets(urls)
    if find_spec("litdata"):
        chunks = scratch / "litdata"
        write_litdata(split, chunks)
        found["litdata"] = lambda: by_litdata(chunks)
    return found


def by_datasets(urls: list[str]) -> Iterator[object]:
    """Hugging Face `datasets` in its streaming form, pictures as Pillow decodes them."""
    import datasets

    data = datasets.load_dataset("webdataset", data_files={"train": urls}, split="train", streaming=True)
    names = ("masked.jpg", "unmasked.jpg", "mask.png", "identity.jpg")
    rows = iter(())
    while True:
        batch = []
        while len(batch) < BATCH:
            row = next(rows, None)
            if row is None:
                rows = iter(data.shuffle(seed=0, buffer_size=200))
                continue
            batch.append([torch.from_numpy(np.array(row[name])) for name in names])
        yield [torch.stack(column) for column in zip(*batch, strict=True)]


def write_litdata(split: Split, folder: Path) -> None:
    """The same JPEG and PNG bytes in litdata's chunks."""
    from litdata.streaming.writer import BinaryWriter

    folder.mkdir()
    writer = BinaryWriter(str(folder), chunk_bytes="16MB")
    for i in range(len(split)):
        members = {
            name.replace(".", "_"): data for name, data in split.members(i).items() if name[-3:] in ("jpg", "png")
        }
        writer.add_item(i, members)
    writer.done()
    writer.merge()


def by_litdata(folder: Path) -> Iterator[object]:
    """`litdata`, shuffled, with OpenCV's decoding, as the stream has it."""
    from litdata import StreamingDataset

    data = StreamingDataset(str(folder), shuffle=True)
    while True:
        batch: list[list[torch.Tensor]] = []
        for row in data:
            names = ("masked_jpg", "unmasked_jpg", "mask_png", "identity_jpg")
            pictures = [opencv(name.replace("_", "."), row[name]) for name in names]
            batch.append([one for one in pictures if one is not None])
            if len(batch) == BATCH:
                yield [torch.stack(column) for column in zip(*batch, strict=True)]
                batch = []


def plain(urls: list[str], decoder: object) -> Iterator[object]:
    """What a reader of the tars writes who has only `webdataset`."""
    data = webdataset.WebDataset(urls, shardshuffle=len(urls)).repeat().shuffle(200).decode(decoder)
    return iter(data.to_tuple("masked.jpg", "unmasked.jpg", "mask.png", "identity.jpg").batched(BATCH))


def decoding_alone(split: Split) -> Iterator[object]:
    """The ceiling: the pictures of every sample decoded from memory, nothing read, checked, mirrored or stacked."""
    flags = {"jpg": cv2.IMREAD_COLOR, "png": cv2.IMREAD_GRAYSCALE}
    samples = [split.members(i) for i in range(min(len(split), 256))]
    pictures = [
        [(np.frombuffer(data, np.uint8), flags[name[-3:]]) for name, data in members.items() if name[-3:] in flags]
        for members in samples
    ]
    turn = cycle(pictures)
    while True:
        yield [cv2.imdecode(data, flag) for _ in range(BATCH) for data, flag in next(turn)]


def opencv(name: str, data: bytes) -> torch.Tensor | None:
    """A decoder for `webdataset` that uses OpenCV, as the stream does."""
    if not name.endswith(("jpg", "png")):
        return None
    flags = cv2.IMREAD_COLOR if name.endswith("jpg") else cv2.IMREAD_GRAYSCALE
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image.ndim == 3:
        image = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1))
    return torch.from_numpy(image)


def make_shards(folder: Path, people: int = 60, photos: int = 10, size_px: int = 256) -> Path:
    """Shards of plain crops out of one portrait: right in size and content for a JPEG decoder, nothing more."""
    rng = np.random.default_rng(0)
    portrait = astronaut()
    source = folder / "synth"
    with stage.opened(source, "synth", ShardConfig(), "portrait", version=synth_output.VERSION) as out:
        rows = []
        with out.file("part-00000.tar") as path, tars.begun(path) as tar:
            for number in range(people * photos):
                scale, x, y = rng.uniform(0.8, 1.2), rng.uniform(-140, -60), rng.uniform(0, 40)
                crop = cv2.warpAffine(portrait, np.array([[scale, 0, x], [0, scale, y]]), (size_px, size_px))
                alpha = np.zeros((size_px, size_px), np.uint8)
                cv2.ellipse(alpha, (size_px // 2, int(size_px * 0.7)), (70, 60), 0, 0, 360, 255, -1)
                alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)
                masked = np.where(alpha[..., None] > 0, np.uint8(200), crop)
                key, person = f"k{number:06d}", f"person{number // photos}"
                points = rng.uniform(0, size_px, (468, 3)).astype(np.float32)
                meta = {"key": key, "identity": person, "group": person, "crop": {"size_px": size_px}}
                members = {
                    "unmasked.jpg": encode_jpeg(crop, 95),
                    "masked.jpg": encode_jpeg(masked, 95),
                    "mask.png": encode_png(alpha),
                    "json": json.dumps(meta | {"landmarks": {"scheme": "mediapipe468"}}).encode(),
                    landmark_rows.MEMBER: landmark_rows.encode([points, points + 1]),
                }
                tars.add(tar, key, members)
                row = {"photo": f"{number}.jpg", "key": key, "identity": person, "group": person}
                rows.append(row | {"status": "target", "reason": None, "sha256": key})
        with out.file("manifest.parquet") as path:
            pd.DataFrame(rows).to_parquet(path)
        out.commit({})
    run(ShardConfig(samples_per_shard=100), source, folder / "shards")
    return folder / "shards"


if __name__ == "__main__":
    main()
