import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from by_colour import ByColour

from unveilify.core import lock
from unveilify.core.batch import Batch
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png
from unveilify.evaluation import cache
from unveilify.evaluation.config import EvaluateConfig
from unveilify.evaluation.evaluate import Bench, evaluate, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Predictions, Trained, Truth, Untrained, training_batches
from unveilify.models import store
from unveilify.models.contract import Output, plugin
from unveilify.models.system import NetworkSystem, predict
from unveilify.perception import recogniser

CONFIG = EvaluateConfig(metrics=("psnr", "ssim", "noise"), batch_size=3, timing_runs=2)


@pytest.fixture
def bench(memory_shards) -> Bench:
    samples = Samples(memory_shards.test, CONFIG, None)
    return Bench(samples, memory_shards.hash, load_metrics(CONFIG, "cpu"), "cpu")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    module = plugin("unveilify")
    config = module.Config(size_px=32, width=0.1, depth=0.2)
    state = module.Network(config).state_dict()
    store.save(tmp_path / "runs/mine/best.safetensors", "unveilify", config, state, meta={"seen": 1})
    return tmp_path / "runs/mine"


def rival(name: str, memory_shards, bench: Bench) -> Untrained:
    return Untrained(name, bench.samples.size_px, "cpu", memory_shards, 10)


def test_the_truth_scores_what_theory_says(bench: Bench, tmp_path: Path) -> None:
    frame = evaluate(CONFIG, bench, [(Truth(), tmp_path)]).rows[0].frame
    assert (frame["psnr_image_raw"] == 100).all()
    assert (frame["psnr_hole_raw"] == 100).all()
    assert np.allclose(frame["ssim_hole_composited"], 1)
    assert (frame["specks_image_raw"] == 0).all()


def test_copy_scores_the_masked_input(memory_shards, bench: Bench, tmp_path: Path) -> None:
    frame = evaluate(CONFIG, bench, [(rival("copy", memory_shards, bench), tmp_path)]).rows[0].frame
    for n, sample in enumerate(bench.samples):
        error = (sample.unmasked.astype(float) - sample.masked) ** 2
        assert frame["psnr_image_raw"][n] == pytest.approx(10 * np.log10(255**2 / error.mean()), abs=1e-4)
        hole = error[sample.hole]
        assert frame["psnr_hole_raw"][n] == pytest.approx(10 * np.log10(255**2 / hole.mean()), abs=1e-4)
    # Nothing differs outside the hole, so that both differ by the hole's share alone.
    share = np.array([s.hole.mean() for s in bench.samples])
    assert np.allclose(frame["psnr_image_raw"] - frame["psnr_hole_raw"], -10 * np.log10(share), atol=1e-6)
    assert (frame["psnr_image_raw"] == frame["psnr_image_composited"]).all()


def test_mean_looks_at_the_training_split_and_beats_copy(memory_shards, bench: Bench, tmp_path: Path) -> None:
    copy, mean = evaluate(
        CONFIG, bench, [(rival(name, memory_shards, bench), tmp_path) for name in ("copy", "mean")]
    ).rows
    assert memory_shards.train.reads
    assert mean.frame["psnr_hole_raw"].mean() > copy.frame["psnr_hole_raw"].mean()


def test_again_measures_nothing(memory_shards, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systems = [(Truth(), tmp_path), (rival("telea", memory_shards, bench), tmp_path)]
    first = evaluate(CONFIG, bench, systems)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    monkeypatch.setattr(Untrained, "predict", lambda *a: pytest.fail("painted again"))
    again = evaluate(CONFIG, bench, systems)
    for a, b in zip(first.rows, again.rows, strict=True):
        pd.testing.assert_frame_equal(a.frame, b.frame)
        assert a.about == b.about
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_a_damaged_kept_row_is_measured_again(bench: Bench, tmp_path: Path) -> None:
    first = evaluate(CONFIG, bench, [(Truth(), tmp_path)])
    next(tmp_path.glob("*.parquet")).write_bytes(b"PAR1 cut short")
    again = evaluate(CONFIG, bench, [(Truth(), tmp_path)])
    pd.testing.assert_frame_equal(first.rows[0].frame, again.rows[0].frame)


def test_other_data_weights_or_settings_are_measured_anew(bench: Bench, tmp_path: Path, run_dir: Path) -> None:
    def kept() -> int:
        return len(list(tmp_path.glob("*.parquet")))

    evaluate(CONFIG, bench, [(Truth(), tmp_path)])
    evaluate(CONFIG, dataclasses.replace(bench, data="other"), [(Truth(), tmp_path)])
    assert kept() == 2
    evaluate(CONFIG.model_copy(update={"others": 2}), bench, [(Truth(), tmp_path)])
    assert kept() == 3
    evaluate(CONFIG.model_copy(update={"replicates": 100}), bench, [(Truth(), tmp_path)])
    assert kept() == 3, "the intervals are computed when the table is made"
    evaluate(CONFIG, bench, [(Trained("mine", run_dir, "cpu"), tmp_path)])
    stored = store.load(run_dir / "best.safetensors")
    state = {name: tensor + 0.01 for name, tensor in stored.network.state_dict().items()}
    store.save(run_dir / "best.safetensors", "unveilify", stored.config, state)
    evaluate(CONFIG, bench, [(Trained("mine", run_dir, "cpu"), tmp_path)])
    assert kept() == 5


def test_batches_do_not_change_the_values(bench: Bench, run_dir: Path, tmp_path: Path) -> None:
    small = evaluate(CONFIG, bench, [(Trained("mine", run_dir, "cpu"), tmp_path / "a")]).rows[0].frame
    large = CONFIG.model_copy(update={"batch_size": 20})
    at_once = evaluate(large, bench, [(Trained("mine", run_dir, "cpu"), tmp_path / "b")]).rows[0].frame
    pd.testing.assert_frame_equal(small, at_once, atol=1e-2)


def test_a_trained_row_tells_its_cost(bench: Bench, run_dir: Path, tmp_path: Path) -> None:
    about = evaluate(CONFIG, bench, [(Trained("mine", run_dir, "cpu"), tmp_path)]).rows[0].about
    network = store.load(run_dir / "best.safetensors").network
    assert about["cost"]["parameters"] == pytest.approx(sum(p.numel() for p in network.parameters()) / 1e6)
    assert about["cost"]["milliseconds"] > 0
    assert about["cost"]["gmac"] > 0
    assert about["cost"]["device"]
    assert about["model"] == "unveilify"


def test_facts_tell_hole_style_and_pose(bench: Bench, tmp_path: Path) -> None:
    facts = evaluate(CONFIG, bench, [(Truth(), tmp_path)]).facts
    assert facts["hole_share"].tolist() == pytest.approx([12 * 20 / 1024] * 20)
    assert set(facts["style"]) == {"kf94", "surgical"}
    assert facts["yaw"].tolist() == list(range(20))


def test_the_recogniser_verifies_the_truth_better_than_the_masked_input(
    memory_shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "for_measuring", lambda device="cpu": ByColour())
    config = CONFIG.model_copy(update={"metrics": ("identity",)})
    bench = Bench(Samples(memory_shards.test, config, None), "x", load_metrics(config, "cpu"), "cpu")
    copy = Untrained("copy", 32, "cpu", memory_shards, 10)
    found = evaluate(config, bench, [(Truth(), tmp_path), (copy, tmp_path)])
    assert found.rows[0].vectors.shape == (20, 3)
    truth, masked = found.verification["truth"], found.verification["copy"]
    # Twenty outputs, two photos each that were not given; twenty distinct photos, sixteen of them of others.
    assert (truth.genuine, truth.impostor) == (40, 320)
    assert truth.auc >= masked.auc > 0.5
    assert found.rows[0].frame["identity_to_truth_fake_image_raw"].mean() == pytest.approx(1)


class Spy(torch.nn.Module):
    """Answers with more than the range holds, and remembers what it was shown."""

    def forward(self, batch: Batch) -> Output:
        self.batch = batch
        return Output(image=torch.full_like(batch.masked, 1.02))


def test_outputs_are_clamped_and_rounded_not_wrapped(bench: Bench) -> None:
    (painted,) = predict(NetworkSystem(Spy(), 32, told=True), [bench.samples[0]]).pictures
    assert (painted == 255).all()


def test_a_network_that_must_find_the_mask_is_not_told_the_hole(bench: Bench) -> None:
    spy = Spy()
    predict(NetworkSystem(spy, 32, told=False), [bench.samples[0]])
    assert not spy.batch.hole.any()
    assert spy.batch.unmasked is None
    predict(NetworkSystem(spy, 32, told=True), [bench.samples[0]])
    assert spy.batch.hole.mean() == pytest.approx(bench.samples[0].hole.mean())


def test_a_smaller_network_is_scaled_up_to_the_comparison(bench: Bench) -> None:
    spy = Spy()
    (painted,) = predict(NetworkSystem(spy, 16, told=True), [bench.samples[0]]).pictures
    assert spy.batch.masked.shape[-1] == 16
    assert painted.shape == (32, 32, 3)


def test_no_identity_image_is_said_so(bench: Bench) -> None:
    batch = Batch.of([bench.samples[0].given(0), bench.samples[1]])
    assert batch.real.tolist() == [0, 1]
    assert not batch.identity[0].any()


def test_predictions_of_others_score_like_the_same_outputs(memory_shards, bench: Bench, tmp_path: Path) -> None:
    copy = rival("copy", memory_shards, bench)
    folder = tmp_path / "theirs"
    folder.mkdir()
    samples = list(bench.samples)
    for sample, output in zip(samples, predict(copy, samples).pictures, strict=True):
        (folder / f"{sample.key}.png").write_bytes(encode_png(output))
    theirs = Predictions(folder)
    ours, same = evaluate(CONFIG, bench, [(copy, tmp_path), (theirs, tmp_path)]).rows
    pd.testing.assert_frame_equal(ours.frame, same.frame)
    assert same.label == "theirs"

    (folder / f"{samples[3].key}.png").unlink()
    with pytest.raises(UserError, match=samples[3].key):
        predict(theirs, samples)
    (folder / f"{samples[3].key}.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="cannot be read"):
        predict(theirs, samples)
    (folder / f"{samples[3].key}.png").write_bytes(encode_png(np.zeros((8, 9, 3), np.uint8)))
    with pytest.raises(UserError, match="square"):
        predict(theirs, samples)


def test_a_model_that_has_to_be_trained_is_no_rival(memory_shards, bench: Bench) -> None:
    with pytest.raises(UserError, match="unveilify train --model unveilify"):
        _ = rival("unveilify", memory_shards, bench).network


def test_a_run_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unveilify train"):
        _ = Trained("mine", tmp_path, "cpu").identity


def test_batches_carry_the_landmarks_of_their_pictures(memory_shards) -> None:
    samples = Samples(memory_shards.test, CONFIG, None)
    unknown = dataclasses.replace(samples[3], landmarks=(None, None, None))
    batch = Batch.of([samples[1], samples[2].given(0), unknown])
    assert batch.landmarks is not None
    assert batch.identity_landmarks is not None
    assert batch.landmarks[:2, 0, 0].tolist() == pytest.approx([2 / 32, 3 / 32])
    assert batch.identity_landmarks[0].unique().tolist() == pytest.approx([2.5 / 32])
    assert batch.landmarks[2].isnan().all()
    assert batch.identity_landmarks[1:].isnan().all()
    none = Batch.of([unknown])
    assert none.landmarks is none.identity_landmarks is None


def test_what_a_rival_learns_from_has_landmarks_and_their_truth(memory_shards) -> None:
    (batch,) = training_batches(memory_shards.train, 16, 4)
    assert batch.landmarks is not None
    assert batch.unmasked_landmarks is not None
    assert batch.identity_landmarks is not None
    assert batch.identity_landmarks.shape == (4, 2, 5, 2)
    torch.testing.assert_close(batch.landmarks - batch.unmasked_landmarks, torch.full((4, 5, 2), 0.5 / 32))


def test_times_are_kept_by_device_and_threads_and_scores_are_not(
    bench: Bench, run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unveilify.evaluation import evaluate as module

    measured: list[str] = []
    monkeypatch.setattr(module.timing, "photo_to_photo", lambda *_, **__: {})
    plain = module.timing.measure
    monkeypatch.setattr(module.timing, "measure", lambda *a, **k: measured.append("time") or plain(*a, **k))
    scored: list[str] = []
    score = module.measure

    def counted(*given: object, **words: object) -> object:
        scored.extend(["score"] * len(given[3]))
        return score(*given, **words)

    monkeypatch.setattr(module, "measure", counted)
    systems = [(Trained("mine", run_dir, "cpu"), tmp_path)]

    def once() -> dict[str, object]:
        return dict(evaluate(CONFIG, bench, systems).rows[0].about["cost"])

    first = once()
    assert once() == first
    assert (len(measured), len(scored)) == (1, 1)
    monkeypatch.setattr(module.timing, "device_name", lambda device: "another machine")
    assert once()["device"] == "another machine"
    assert (len(measured), len(scored)) == (2, 1)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert once()["threads"] == before + 1
    finally:
        torch.set_num_threads(before)
    assert (len(measured), len(scored)) == (3, 1)


@pytest.mark.parametrize("ending", ["json", "npy", "parquet"])
def test_a_kept_row_with_other_bytes_is_not_taken(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"key": ["a", "b"], "identity": ["p", "q"], "psnr": [20.0, 30.0]})
    row = cache.Row("copy", "rival", frame, {"label": "copy", "triplets": 2}, np.ones((2, 4), np.float32))
    cache.save(tmp_path, "name", row)
    path = tmp_path / f"name.{ending}"
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 50)):
        data = bytearray(whole)
        data[place] ^= 4
        path.write_bytes(data)
        assert cache.load(tmp_path, "name", "copy", "rival") is None, place
    path.write_bytes(whole)
    kept = cache.load(tmp_path, "name", "copy", "rival")
    assert kept is not None
    pd.testing.assert_frame_equal(kept.frame, frame)
    assert (kept.about, kept.vectors.tolist()) == (row.about, row.vectors.tolist())


def test_what_killed_writers_left_is_swept_but_not_from_under_others(tmp_path: Path) -> None:
    left = tmp_path / ".unveilify-left.tmp"
    left.touch()
    cache.tidy(tmp_path)
    assert left.exists(), "nobody died here holding the folder: it may be read only"
    (tmp_path / lock.OWNER).write_text("of one that was killed")
    cache.tidy(tmp_path)
    assert not left.exists()
    assert not (tmp_path / lock.OWNER).exists()
    left.touch()
    cache.save_facts(tmp_path, "a", {"b": 1})
    assert not left.exists()
    assert cache.load_facts(tmp_path, "a") == {"b": 1}
