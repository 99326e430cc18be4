"""Real photos, here of invented people: cut-outs of one portrait, found by a finder that takes pictures as crops."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from by_colour import ByColour
from numpy.typing import NDArray

from unveilify.core import pictures
from unveilify.core.batch import Batch
from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.core.pictures import encode_png
from unveilify.core.records import Face
from unveilify.core.sample import resize
from unveilify.evaluation import mask_finder, real, real_photos, still_masked
from unveilify.evaluation.config import EvaluateConfig, RealConfig
from unveilify.evaluation.evaluate import Bench, load_metrics
from unveilify.evaluation.samples import Samples
from unveilify.evaluation.systems import Trained, Truth, Untrained
from unveilify.faces.align import FaceCrop
from unveilify.faces.find import Finder
from unveilify.models import store
from unveilify.models.contract import Output, plugin
from unveilify.models.system import System
from unveilify.perception import recogniser
from unveilify.training import unpaired
from unveilify.training.config import CycleConfig

FACE = real_photos._face
SETTINGS = EvaluateConfig(metrics=("identity",), batch_size=4, timing_runs=1)


@pytest.fixture
def folder(memory_shards, tmp_path: Path) -> Path:
    """Three people with four unmasked and two masked photos, two masked photos of nobody, and a file that is none."""
    split = memory_shards.test
    root = tmp_path / "photos"
    for person in range(3):
        for number in range(4):
            triplet = split.read(4 * person + number)
            write(root / f"p{person}/unmasked/{number}.png", triplet.unmasked)
            if number < 2:
                write(root / f"p{person}/masked/{number}.png", triplet.masked)
    write(root / "street/a.png", split.read(17).masked)
    write(root / "b.png", split.read(18).masked)
    (root / "p0/masked/notes.txt").write_text("not a picture")
    return root


def write(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.encode_png(image))


@pytest.fixture(autouse=True)
def pictures_are_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is its own crop; in one called `none` there is no face."""

    def face(backend, path: Path, size_px: int, rejects: dict[str, int], *, masked: bool) -> object:
        if path.stem == "none":
            rejects["no_face"] = rejects.get("no_face", 0) + 1
            return None
        image = resize(pictures.read(path), size_px)
        number = float(masked) + int(path.stem) / 10 if path.stem.isdigit() else 0.5
        landmarks = Landmarks(np.full((5, 2), number * size_px, np.float32), "five")
        return FaceCrop(image, np.eye(2, 3), landmarks, 0.0)

    monkeypatch.setattr(real_photos, "_face", face)
    monkeypatch.setattr(recogniser, "for_measuring", lambda device="cpu": ByColour())


def found(folder: Path, **settings: object) -> real_photos.RealPhotos:
    return real_photos.find(RealConfig(folders=(folder,), **settings))


def test_masked_and_unmasked_photos_are_told_apart_by_their_folders(folder: Path) -> None:
    photos = found(folder)
    assert [(photo.key, photo.person) for photo in photos.masked] == [
        *((f"p{p}/masked/{n}.png", f"p{p}") for p in range(3) for n in range(2)),
        *(("b.png", ""), ("street/a.png", "")),
    ]
    assert {person: len(paths) for person, paths in photos.unmasked.items()} == {"p0": 4, "p1": 4, "p2": 4}


def test_a_list_of_people_leaves_the_others_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "people.tsv").write_text("# those for reports\nidentity\trole\np2\treport\n")
    photos = found(folder, people=tmp_path / "people.tsv")
    assert {photo.person for photo in photos.masked} == {"p2", ""}
    assert set(photos.unmasked) == {"p2"}


def test_names_are_text_whatever_the_disk_calls_them(tmp_path: Path) -> None:
    """Bytes of no encoding, and either form of Unicode."""
    root = os.fsencode(tmp_path / "photos")
    for name in (b"\xff\xfe", "Zoe\u0308".encode(), b"a\nb"):
        os.makedirs(root + b"/" + name + b"/masked")
        for photo in (b"\xfe.png", b"1.png"):
            with open(root + b"/" + name + b"/masked/" + photo, "wb") as file:
                file.write(encode_png(np.zeros((32, 32, 3), np.uint8)))
    photos = found(tmp_path / "photos")
    assert len({photo.key for photo in photos.masked}) == len(photos.masked) == 6
    assert {photo.person for photo in photos.masked} == {"\\xff\\xfe", "Zo\u00eb", "a\nb"}
    for photo in photos.masked:
        assert (photo.key + photo.person).encode("utf-8")
        assert photo.path.is_file()
    (tmp_path / "people.txt").write_text("\ufeffZo\u00eb\n", encoding="utf-8")
    assert {photo.person for photo in found(tmp_path / "photos", people=tmp_path / "people.txt").masked} == {"Zo\u00eb"}
    listed = unpaired.listed(CycleConfig(photos=tmp_path / "photos", people=tmp_path / "people.txt"))
    assert [path.parts[-3] for path in listed] == ["Zoe\u0308"] * 2


def test_the_hash_follows_what_is_measured(folder: Path) -> None:
    before = found(folder).hash
    assert found(folder).hash == before
    (folder / "unused.txt").write_text("x")
    assert found(folder).hash == before
    write(folder / "p1/unmasked/0.png", np.zeros((32, 32, 3), np.uint8))
    assert found(folder).hash != before


def test_a_cap_counts_known_and_unknown_people_apart(folder: Path) -> None:
    photos = found(folder, photos=1)
    assert [bool(photo.person) for photo in photos.masked] == [True, False]


def test_no_photos_say_how_to_file_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PERSON/masked"):
        found(tmp_path)
    with pytest.raises(UserError, match="no folder"):
        found(tmp_path / "nowhere")


def test_what_is_given_is_never_compared_with(folder: Path) -> None:
    write(folder / "p0/masked/none.png", np.zeros((32, 32, 3), np.uint8))
    faces = real_photos.align(found(folder), RealConfig(given=2), 4, 32)
    assert faces.rejects == {"no_face": 1}
    assert faces.known == (True,) * 6 + (False,) * 2
    for sample, known in zip(faces.samples, faces.known, strict=True):
        assert (len(sample.identity), len(sample.others)) == ((2, 2) if known else (0, 0))
        assert not any(np.array_equal(a, b) for a in sample.identity for b in sample.others)
        assert sample.stranger is not None
        own = [*sample.identity, *sample.others]
        assert not any(np.array_equal(a, b) for a in sample.stranger.identity for b in own)
        assert not sample.alpha.any()
        assert (sample.landmarks[1] > (1 if known else 0.5)).all(), "found on the masked photo"
        assert [float(points[0, 0]) for points in sample.landmarks[2:]] == (
            [pytest.approx(n / 10 + 0.5 / 32) for n in range(2)] if known else []
        )
        assert [float(points[0, 0]) for points in sample.with_stranger().landmarks[2:]] == [
            pytest.approx(n / 10 + 0.5 / 32) for n in range(2)
        ]


def test_landmarks_of_a_real_photo_lie_in_its_crop(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    """As `remove` finds them: with masked=True on the masked photo, and where the crop has its eyes."""
    asked = []

    class Watched(Finder):
        def find(self, image: NDArray[np.uint8], *, masked: bool = False, path: str = "") -> list[Face]:
            asked.append(masked)
            return super().find(image, masked=masked, path=path)

    write(tmp_path / "a.png", astronaut)
    for masked in (True, False):
        face = FACE(Watched(), tmp_path / "a.png", 128, {}, masked=masked)
        assert face is not None
        middle = (face.shares[[33, 263], :2].mean(0) + face.shares[[133, 362], :2].mean(0)) / 2
        np.testing.assert_allclose(middle, [0.5, 0.4], atol=0.01)
    assert asked == [True, False]


def test_the_judge_of_masks_tells_new_people_apart_by_shape_alone(memory_shards) -> None:
    judge = still_masked.fit(memory_shards.train, 32)
    triplets = [memory_shards.test.read(i) for i in range(20)]
    worn, bare = (judge.score(images) for images in ([t.masked for t in triplets], [t.unmasked for t in triplets]))
    assert (worn > 0).all()
    assert (bare < 0).all()
    assert np.allclose(worn, judge.score([255 - t.masked for t in triplets]), atol=0.1), "a negative has the same shape"
    assert np.array_equal(judge.weights, still_masked.fit(memory_shards.train, 32).weights)


def bench(memory_shards, folder: Path, **settings: object) -> real.RealBench:
    config = RealConfig(folders=(folder,), **settings)
    inner = Bench(Samples(memory_shards.test, SETTINGS, 32), "data", load_metrics(SETTINGS, "cpu"), "cpu")
    return real.RealBench(config, SETTINGS, real_photos.find(config), inner, memory_shards)


def rivals(memory_shards, *names: str) -> list[System]:
    return [Truth(), *(Untrained(name, 32, "cpu", memory_shards, 8) for name in names)]


def network(folder: Path) -> Trained:
    torch.manual_seed(0)
    module = plugin("plus")
    config = module.Config(size_px=32, width=0.2)
    store.save(folder / "best.safetensors", "plus", config, module.Network(config).state_dict(), meta={})
    return Trained("mine", folder, "cpu")


def test_copy_scores_the_masked_input_and_people_alone_have_no_identity(
    memory_shards, folder: Path, tmp_path: Path
) -> None:
    systems = [(system, tmp_path / "kept") for system in rivals(memory_shards, "copy")]
    result = real.evaluate(bench(memory_shards, folder), systems)
    copy, given = (row.frame for row in result.rows)
    judge = ByColour()
    for sample, value in zip(result.faces.samples[:6], copy[real.OTHERS], strict=False):
        expected = (judge.embed(sample.others) @ judge.embed([sample.masked])[0]).mean()
        assert value == pytest.approx(float(expected), abs=1e-6)
    assert copy[real.OTHERS].isna().tolist() == [False] * 6 + [True] * 2
    assert (copy[real.MASKED] > 0).all()
    assert (given[real.MASKED][:6] < 0).all()
    assert given[real.MASKED].isna().tolist() == [False] * 6 + [True] * 2


def test_the_finder_tells_the_others_and_rows_are_kept(
    memory_shards, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    predict = Untrained.predict

    def spy(self: Untrained, batch: Batch) -> Output:
        if self.label == "telea":
            seen.extend((batch.hole > 0).float().mean((1, 2, 3)).tolist())
        return predict(self, batch)

    monkeypatch.setattr(Untrained, "predict", spy)
    monkeypatch.setattr(mask_finder, "_widened", lambda alpha, side: np.pad(np.full((8, 8), 255, np.uint8), 12))
    systems = [(s, tmp_path / "kept") for s in [*rivals(memory_shards, "copy", "telea"), network(tmp_path / "run")]]
    result = real.evaluate(bench(memory_shards, folder, finder="mine"), systems)
    assert [row.label for row in result.rows] == ["copy", "identity image", "telea", "mine"]
    assert (result.finder.label, result.told) == ("mine", ("telea",))
    assert seen == [1 / 16] * 8

    monkeypatch.setattr(Untrained, "predict", lambda *a: pytest.fail("painted again"))
    again = real.evaluate(bench(memory_shards, folder, finder="mine"), systems)
    assert all(a.frame.equals(b.frame) for a, b in zip(result.rows, again.rows, strict=True))


def test_the_finder_in_the_package_tells_unless_a_row_is_named(memory_shards, folder: Path, tmp_path: Path) -> None:
    systems = [(s, tmp_path / "kept") for s in [*rivals(memory_shards, "copy", "telea"), network(tmp_path / "run")]]
    result = real.evaluate(bench(memory_shards, folder), systems)
    assert (result.finder.label, result.told, result.left_out) == ("find", ("telea",), {})
    assert result.finder.stored.model == "find"
    assert result.recogniser == "Fake"
    assert (result.caught, result.mistaken, result.bare) == (1, 0, 12)


def test_a_finder_that_cannot_say_is_named(memory_shards, folder: Path, tmp_path: Path) -> None:
    systems = [(system, tmp_path / "kept") for system in rivals(memory_shards, "copy")]
    with pytest.raises(UserError, match="'copy' cannot say"):
        real.evaluate(bench(memory_shards, folder, finder="copy"), systems)


def test_a_found_mask_is_cut_at_one_half_and_widened() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[20:40, 20:40], alpha[30, 50] = 0.6, 0.4
    hole = mask_finder._widened(alpha, 64)
    assert set(np.unique(hole)) == {0, 255}
    assert hole[19, 30] == 255
    assert hole[18, 30] == 0
    assert hole[30, 50] == 0
