"""The pipeline files that the repository offers, and pipeline files with several trainings."""

from pathlib import Path

import pytest

from unveilify import pipeline
from unveilify.core.errors import UserError
from unveilify.models.contract import Learns, plugin

FILES = sorted((Path(__file__).parents[1] / "pipelines").glob("*.yaml"))
HOW = pipeline.How(workers=1, device="cpu", max_minutes=None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_pipeline_file_opens_with_its_command_and_names_networks_that_exist(file: Path) -> None:
    head = file.read_text(encoding="utf-8").split("\nsource:")[0]
    assert f"unveilify run pipelines/{file.name}" in head
    tree = pipeline.load(file)
    assert tree.source is not None
    for name, config in pipeline.trainings(tree).items():
        module = plugin(config.model)
        assert module.TRAINS or issubclass(module.Network, Learns), name
        module.Config(**({"size_px": config.size_px} if config.size_px else {}), **config.network)


def test_the_ablations_change_one_thing_each() -> None:
    there = pipeline.trainings(pipeline.load(next(f for f in FILES if f.stem == "ablations")))
    full = there.pop("unveilify").model_dump()
    for config in there.values():
        changed = {name for name, value in config.model_dump().items() if value != full[name]}
        assert changed in ({"network"}, {"model"})
    assert {str(config.network) for config in there.values()} >= {"{'unet': False}", "{'identity': False}"}


def written(folder: Path, text: str) -> Path:
    file = folder / "x.yaml"
    file.write_text(text)
    return file


RUNS = """
source: photos
train: {size_px: 64, samples: 8, network: {width: 0.25}}
runs:
  a: {}
  b: {model: dmfn, network: {identity: true}, samples: 16}
"""


def test_a_run_overrides_the_common_settings_leaf_by_leaf(tmp_path: Path) -> None:
    tree = pipeline.load(written(tmp_path, RUNS), ["runs.a.seed=3", "train.batch=2"])
    a, b = pipeline.trainings(tree).values()
    assert (a.model, a.network, a.samples, a.seed, a.batch) == ("unveilify", {"width": 0.25}, 8, 3, 2)
    assert (b.model, b.network, b.samples, b.seed, b.batch) == ("dmfn", {"width": 0.25, "identity": True}, 16, 0, 2)


def test_without_runs_there_is_one_training_called_as_its_model() -> None:
    assert list(pipeline.trainings(pipeline.load(None, ["train.model=plus"]))) == ["plus"]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("  c: {sampels: 3}", r"Run 'c': There is no setting 'sampels'; the nearest known one is 'samples'"),
        ("  ../c: {}", r"cannot be called '\.\./c'"),
        ("  c: 7", r"runs\.c"),
    ],
)
def test_a_mistake_in_a_run_is_told_at_once(tmp_path: Path, change: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        pipeline.load(written(tmp_path, RUNS + change))


def test_the_plan_names_every_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = pipeline.load(written(tmp_path, RUNS), [f"out={tmp_path}"])
    pipeline.run(tree, HOW, dry_run=True)
    said = capsys.readouterr().out
    assert f"train  {tmp_path}/runs/a would be made" in said
    assert f"train  {tmp_path}/runs/b would be made" in said
    assert "model: 'unveilify' -> 'dmfn'" in said


def test_every_training_of_a_file_is_trained_in_turn_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages themselves have tests of their own, so that here they only write down that they were called."""
    calls: list[tuple[str, str]] = []
    for room in ("synth.run", "shards.write", "training.loop"):
        monkeypatch.setattr(f"unveilify.{room}.run", lambda *a, room=room, **k: calls.append((room, Path(a[2]).name)))
    for name in ("say_synth", "say_shares"):
        monkeypatch.setattr(pipeline, name, lambda *a: None)
    monkeypatch.setattr(pipeline, "report", lambda tree, inputs, out, *a, **k: calls.append(("report", out.name)))
    (tmp_path / "photos").mkdir()
    pipeline.run(pipeline.load(written(tmp_path, RUNS), [f"out={tmp_path}", f"source={tmp_path / 'photos'}"]), HOW)
    trained = [("training.loop", "a"), ("training.loop", "b")]
    assert calls == [("synth.run", "synth"), ("shards.write", "shards"), *trained, ("report", "reports")]
