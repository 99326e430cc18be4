from pathlib import Path
from typing import Any

import pytest

from unveilify import pipeline
from unveilify.core.errors import UserError

HOW = pipeline.How(workers=1, device="cpu", max_minutes=None)


def test_a_verbs_own_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("synth: {size_px: 128, seed: 3}\n")
    tree = pipeline.load(file, ["synth.seed=4"], "synth", {"layout": "lfw", "landmarks": None})
    assert (tree.synth.size_px, tree.synth.seed, tree.synth.layout) == (128, 4, "lfw")
    assert tree.synth.landmarks == "mediapipe"


def test_a_bad_option_of_a_verb_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"shard\.identities"):
        pipeline.load(None, None, "shard", {"identities": 99})


@pytest.mark.parametrize(
    ("tree", "first", "hint"),
    [
        (pipeline.Pipeline(), None, "names no source"),
        (pipeline.Pipeline(source=Path("x")), "photos", "--from takes one"),
    ],
)
def test_what_cannot_run_says_why(tree: pipeline.Pipeline, first: str | None, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        pipeline.run(tree, HOW, first=first)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"runs": {"a": {}, "b": {"network": {"wid": 1}}}}, "'width'"),
        ({"runs": {"a": {}, "b": {"model": "paste"}}}, "needs no training"),
    ],
)
def test_a_mistake_in_the_last_network_is_said_before_anything_is_made(
    changes: dict[str, Any], hint: str, small_source: Path, tmp_path: Path
) -> None:
    tree = pipeline.Pipeline.model_validate({"source": small_source, "out": tmp_path / "made", **changes})
    with pytest.raises(UserError, match=hint):
        pipeline.run(tree, HOW)
    assert not (tmp_path / "made").exists()


def test_describe_names_counts_settings_and_pictures(small_pairs: Path) -> None:
    told = pipeline.describe(small_pairs)
    assert "unveilify synth" in told
    assert "photos: 40" in told
    assert "photos_per_part: 500 -> 11" in told
    assert "preview.jpg" in told


def test_check_names_what_changed(small_pairs: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "synth"
    shutil.copytree(small_pairs, copy)
    assert pipeline.check(copy) == []
    tar = copy / "part-00001.tar"
    data = bytearray(tar.read_bytes())
    data[1000] ^= 1
    tar.write_bytes(data)
    (copy / "part-00002.tar").unlink()
    assert pipeline.check(copy) == ["part-00001.tar: changed since it was written", "part-00002.tar: missing"]
