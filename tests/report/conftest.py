"""Real shards of invented people (tinted cut-outs of one portrait), a run directory, and one report."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from unveilify.core import stage, tars
from unveilify.core.config import Config, build
from unveilify.core.landmark_rows import encode
from unveilify.core.pictures import encode_jpeg, encode_png
from unveilify.evaluation.config import EvaluateConfig
from unveilify.models import store
from unveilify.models.contract import plugin
from unveilify.report.config import Inputs, ReportConfig
from unveilify.report.run import run
from unveilify.shards.config import ShardConfig
from unveilify.shards.write import run as shard

SIZE, PEOPLE, PHOTOS = 32, 20, 4

CONFIG = ReportConfig(
    evaluate=EvaluateConfig(metrics=("psnr", "ssim", "noise"), timing_runs=2, fit_triplets=20, replicates=200),
    figures=2,
    extremes=1,
)


class Nothing(Config):
    pass


def members(portrait: NDArray[np.uint8], person: int, number: int) -> dict[str, bytes]:
    x, y = 170 + 3 * number, 40 + 2 * number
    crop = portrait[y : y + 4 * SIZE : 4, x : x + 4 * SIZE : 4]
    truth = np.clip(crop * np.random.default_rng(person).uniform(0.5, 1.2, 3), 0, 255).astype(np.uint8)
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    alpha[16 : 26 + number, 6:-6] = 255
    masked = np.where(alpha[..., None] > 0, np.uint8(210), truth)
    key = hashlib.sha256(f"{person}/{number}".encode()).hexdigest()[:20]
    meta = {
        "key": key,
        "identity": f"p{person}",
        "group": f"p{person}",
        "photo": f"{person}/{number}.jpg",
        "photo_sha256": hashlib.sha256(f"{person}{number}".encode()).hexdigest(),
        "crop": {"size_px": SIZE},
        "role": "target",
        "mask": {"style": ("kf94", "surgical")[number % 2], "wear": "proper"},
        "pose": {"yaw": 12.0 * number},
        "meta": {},
    }
    return {
        "unmasked.jpg": encode_jpeg(truth, 95),
        "masked.jpg": encode_jpeg(masked, 95),
        "mask.png": encode_png(alpha),
        "landmarks.npy": encode([np.full((5, 2), SIZE / 2, np.float32)] * 2),
        "json": json.dumps(meta).encode(),
    }


@pytest.fixture(scope="session")
def report_shards(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    root = tmp_path_factory.mktemp("report-data")
    pairs, rows = root / "synth", []
    with stage.opened(pairs, "synth", Nothing(), "photos", version=2) as out:
        with out.file("part-00000.tar") as path, tars.begun(path) as tar:
            for person in range(PEOPLE):
                for number in range(PHOTOS):
                    made = members(astronaut, person, number)
                    meta = json.loads(made["json"])
                    tars.add(tar, meta["key"], made)
                    rows.append(
                        {k: meta[k] for k in ("photo", "key", "identity", "group")}
                        | {"face": 0, "status": "target", "reason": None, "sha256": meta["photo_sha256"]}
                    )
        with out.file("manifest.parquet") as path:
            pd.DataFrame(rows).to_parquet(path, index=False)
        out.commit({"photos": len(rows)})
    shard(ShardConfig(shares=(0.6, 0.1, 0.3)), pairs, root / "shards")
    return root / "shards"


def make_run(folder: Path, *, seed: int = 0, identity: bool = True) -> Path:
    torch.manual_seed(seed)
    module = plugin("unveilify")
    config = build(module.Config, {"size_px": SIZE, "width": 0.1, "depth": 0.2, "identity": identity})
    losses = {"l1": "live", "lpips": "not live: no <trunk>", "adversarial": "off"}
    state = module.Network(config).state_dict()
    store.save(folder / "best.safetensors", "unveilify", config, state, meta={"losses": losses})
    (folder / "config.yaml").write_text("model: unveilify\nsize_px: 32\n")
    log = [
        {"step": s, "seen": 8 * s, "l1": 1 / s, **({"val_psnr": 20.0 + s} if s % 5 == 0 else {})} for s in range(1, 31)
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log) + '{"step": 31, "l1"')
    return folder


@pytest.fixture
def run_maker() -> Callable[..., Path]:
    """Writes a run directory with an untrained network."""
    return make_run


@pytest.fixture
def faceless_run(tmp_path: Path) -> Path:
    """An untrained network that sees no identity image."""
    return make_run(tmp_path / "faceless", identity=False)


@pytest.fixture(scope="session")
def small_report(report_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A finished report over the four rivals and one untrained network."""
    root = tmp_path_factory.mktemp("report")
    run_dir = make_run(root / "runs/mine")
    inputs = Inputs(report_shards, (run_dir,), commands=("unveilify report --out <here>",))
    stamp = run(CONFIG, inputs, root / "out")
    return SimpleNamespace(config=CONFIG, inputs=inputs, out=root / "out", stamp=stamp, run_dir=run_dir)
