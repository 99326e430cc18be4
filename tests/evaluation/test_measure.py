"""What several systems make of the same triplets: read once, judged once, kept by parts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unveilify.evaluation import measure as module
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.evaluate import Bench, evaluate, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Truth, Untrained
from unveilify.metrics.columns import ssim

CONFIG = EvaluateConfig(metrics=("psnr", "ssim"), batch_size=2, timing_runs=2)


@pytest.fixture
def bench(memory_shards) -> Bench:
    samples = Samples(memory_shards.test, CONFIG, None)
    return Bench(samples, memory_shards.hash, load_metrics(CONFIG, "cpu"), "cpu")


def rows(memory_shards, bench: Bench, folder: Path) -> list[tuple[object, Path]]:
    rivals = [Untrained(name, bench.samples.size_px, "cpu", memory_shards, 10) for name in ("copy", "telea")]
    return [(system, folder) for system in (Truth(), *rivals)]


def test_triplets_are_read_and_truths_judged_once_for_all_systems(
    memory_shards, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    judged: list[int] = []
    get, statistics = Samples.__getitem__, ssim.statistics
    monkeypatch.setattr(Samples, "__getitem__", lambda self, n: read.append(n) or get(self, n))
    truths = {sample.unmasked.tobytes() for sample in bench.samples}
    monkeypatch.setattr(ssim, "statistics", lambda image: judged.append(image.tobytes() in truths) or statistics(image))
    read.clear()
    evaluate(CONFIG, bench, rows(memory_shards, bench, tmp_path))
    count = len(bench.samples)
    assert len(read) - 3 <= 2 * count, "once to be measured, once to say what each is; one is timed with"
    # The row of the truth shows its pictures again, as outputs.
    assert sum(judged) <= 2 * count


def test_what_an_interrupted_report_kept_is_not_measured_again(
    memory_shards, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", 2)
    assert len(bench.samples) > 4, "there are three parts at least"
    whole = evaluate(CONFIG, bench, rows(memory_shards, bench, tmp_path / "whole"))
    assert not list((tmp_path / "whole").glob("*-*-*")), "parts go when their row is there"

    predict, seen = module.predict, []

    def killed(system: object, batch: list[object]) -> object:
        seen.append(system)
        if len(seen) > 4:
            raise KeyboardInterrupt
        return predict(system, batch)

    monkeypatch.setattr(module, "predict", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(CONFIG, bench, rows(memory_shards, bench, tmp_path / "killed"))
    again: list[object] = []
    monkeypatch.setattr(module, "predict", lambda s, b: again.append(s) or predict(s, b))
    found = evaluate(CONFIG, bench, rows(memory_shards, bench, tmp_path / "killed"))
    batches = -(-len(bench.samples) // 2)
    assert len(again) == 3 * (batches - 1), "the first part of all three was kept"
    for one, other in zip(whole.rows, found.rows, strict=True):
        pd.testing.assert_frame_equal(one.frame, other.frame)
        assert np.array_equal(one.vectors, other.vectors)
    assert not list((tmp_path / "killed").glob("*-*-*"))
