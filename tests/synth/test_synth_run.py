import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.landmarks import Landmarks
from unveilify.core.pictures import decode, encode_jpeg
from unveilify.core.records import Face
from unveilify.core.storage import read_json, write_json
from unveilify.faces.align import eyes
from unveilify.faces.config import QualityConfig
from unveilify.faces.find import Finder
from unveilify.synth.config import SynthConfig
from unveilify.synth.part import _under_mask
from unveilify.synth.run import run

RGB = NDArray[np.uint8]


def samples(folder: Path) -> dict[str, dict[str, bytes]]:
    """The members of every tar of a folder, by key and kind."""
    found: dict[str, dict[str, bytes]] = {}
    for path in sorted(folder.glob("part-*.tar")):
        with tarfile.open(path) as tar:
            for info in tar:
                key, _, kind = info.name.partition(".")
                file = tar.extractfile(info)
                assert file is not None
                found.setdefault(key, {})[kind] = file.read()
    return found


def test_pairs_are_equal_in_every_block_that_the_mask_does_not_touch(small_pairs: Path) -> None:
    checked = 0
    for members in samples(small_pairs).values():
        masked, unmasked = decode(members["masked.jpg"]), decode(members["unmasked.jpg"])
        alpha = cv2.imdecode(np.frombuffer(members["mask.png"], np.uint8), cv2.IMREAD_UNCHANGED)
        assert alpha.shape == masked.shape[:2]
        side = len(alpha) // 8
        touched = (alpha > 0).reshape(side, 8, side, 8).any(axis=(1, 3)).repeat(8, 0).repeat(8, 1)
        assert np.array_equal(masked[~touched], unmasked[~touched])
        assert (masked[touched] != unmasked[touched]).any()
        checked += 1
    assert checked == 40


def test_every_sample_says_where_it_is_from(small_pairs: Path, small_source: Path) -> None:
    rows = pd.read_parquet(small_pairs / "manifest.parquet").set_index("key")
    for key, members in samples(small_pairs).items():
        about = json.loads(members["json"])
        assert about["key"] == key
        assert (small_source / about["photo"]).is_file()
        assert not Path(about["photo"]).is_absolute()
        assert about["group"] == rows.loc[key, "group"]
        assert about["mask"]["style"] == rows.loc[key, "style"]
        assert about["landmarks"] == {"scheme": "mediapipe468"}
        assert np.array(about["crop"]["matrix"]).shape == (2, 3)


def test_keys_come_from_relative_paths(small_source: Path, small_pairs: Path, tmp_path: Path) -> None:
    """The same photos somewhere else are the same samples, byte for byte."""
    import shutil

    shutil.copytree(small_source, tmp_path / "elsewhere/else")
    run(SynthConfig(size_px=64, photos_per_part=11), tmp_path / "elsewhere/else", tmp_path / "out")
    assert samples(tmp_path / "out") == samples(small_pairs)


def test_identity_only_photos_carry_no_mask(tmp_path: Path, small_source: Path) -> None:
    config = SynthConfig(size_px=64, quality=QualityConfig(max_yaw=0.5))
    stamp = run(config, small_source, tmp_path / "out")
    assert stamp.counts["identity"] > 20
    rows = pd.read_parquet(tmp_path / "out/manifest.parquet")
    for row in rows[rows["status"] == "identity"].itertuples():
        assert row.reason == "profile"
        assert set(samples(tmp_path / "out")[row.key]) == {"unmasked.jpg", "landmarks.npy", "json"}
        break


def test_too_many_rejects_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "photos/a").mkdir(parents=True)
    for n in range(4):
        grey = np.full((100, 100, 3), 100 + n, np.uint8)
        (tmp_path / f"photos/a/{n}.jpg").write_bytes(encode_jpeg(grey, 90))
    config = SynthConfig(size_px=64, layout="folder")
    with pytest.raises(UserError, match="4 of 4 photos were rejected, most as 'no_face'"):
        run(config, tmp_path / "photos", tmp_path / "out")
    stamp = run(SynthConfig(size_px=64, layout="folder", max_rejects=1), tmp_path / "photos", tmp_path / "other")
    assert stamp.counts["rejected"] == stamp.counts["rejected.no_face"] == 4


def test_only_so_many_people_are_taken(tmp_path: Path, small_source: Path) -> None:
    stamp = run(SynthConfig(size_px=64, max_people=3), small_source, tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out/manifest.parquet")
    assert rows["identity"].nunique() == 3
    assert stamp.counts["photos"] == 12


def test_there_is_a_sheet_to_look_at(small_pairs: Path) -> None:
    sheets = sorted(small_pairs.glob("part-*.preview.jpg"))
    assert len(sheets) == len(list(small_pairs.glob("part-*.tar"))) == 4
    assert decode(io.BytesIO(sheets[0].read_bytes()).getvalue()).shape[1] == 12 * 128


def test_landmarks_are_those_of_the_bare_and_of_the_masked_crop(small_pairs: Path) -> None:
    apart = []
    for members in samples(small_pairs).values():
        rows = np.load(io.BytesIO(members["landmarks.npy"]), allow_pickle=False)
        assert rows.shape == (2, 468, 3)
        assert rows.dtype == np.float32
        assert np.array_equal(rows[0] * 16, np.round(rows[0] * 16))
        if np.isfinite(rows[1]).all():
            assert np.array_equal(rows[1] * 16, np.round(rows[1] * 16))
            apart.append(np.linalg.norm(rows[1] - rows[0], axis=1).mean())
    assert len(apart) >= 35, "a face of 64 px is found under nearly every mask"
    assert 0.1 < np.median(apart) < 4, "found again on the masked crop: near the truth, and not it"


def test_landmarks_under_the_mask_are_what_the_finder_says_of_the_masked_crop(
    tmp_path: Path, small_source: Path
) -> None:
    run(SynthConfig(size_px=128, max_people=1), small_source, tmp_path / "out")
    finder = Finder()
    for members in samples(tmp_path / "out").values():
        rows = np.load(io.BytesIO(members["landmarks.npy"]), allow_pickle=False)
        face = finder.find(decode(members["masked.jpg"]), masked=True)[0]
        # The picture was compressed since, which moves the mesh a little.
        assert np.linalg.norm(face.landmarks.points - rows[1], axis=1).mean() < 1.0


class Elsewhere:
    """A backend that sees the true face of a bare picture, and another one, or points of another scheme, beside it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def find(self, image: RGB, *, masked: bool = False, path: str = "") -> list[Face]:
        truth = Landmarks(eyes(64)[[0, 1, 0, 0, 1]].astype(np.float32), "five")
        if self.kind == "far":
            truth = Landmarks(truth.points + 20, "five")
        if self.kind == "other":
            truth = Landmarks(np.zeros((68, 2), np.float32) + 20, "ibug68")
        return [] if self.kind == "none" else [Face(truth, (0, 0, 64, 64), 1, 1)]


@pytest.mark.parametrize(("kind", "known"), [("near", True), ("far", False), ("other", False), ("none", False)])
def test_no_face_under_the_mask_is_unknown(kind: str, known: bool) -> None:
    true = Landmarks(np.zeros((5, 2), np.float32), "five")
    rows = _under_mask(Elsewhere(kind), np.zeros((64, 64, 3), np.uint8), true)
    assert rows.shape == (5, 2)
    assert np.isfinite(rows).all() == known
    assert np.isnan(rows).all() != known


def test_output_of_before_the_landmarks_is_named_as_old(small_source: Path, tmp_path: Path) -> None:
    config = SynthConfig(size_px=64, max_people=1)
    run(config, small_source, tmp_path / "out")
    for name in ("_stamp.json", "_begun.json"):
        plan = read_json(tmp_path / "out" / name)
        del plan["version"]
        write_json(tmp_path / "out" / name, plan)
    with pytest.raises(UserError, match=r"an older version \(1, not 2\): run `unveilify synth` again with --force"):
        run(config, small_source, tmp_path / "out")


def test_landmarks_are_the_same_for_any_number_of_workers(
    small_source: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    config = SynthConfig(size_px=64, max_people=2, photos_per_part=3)
    for workers in (1, 2):
        run(config, small_source, tmp_path / str(workers), workers=workers)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


def test_every_sample_has_the_same_names_and_types(small_pairs: Path) -> None:
    """Readers such as `datasets` give each column one type, and fail on a second one."""
    types: dict[str, set[str]] = {}
    for part in sorted(small_pairs.glob("part-*.tar")):
        with tarfile.open(part) as tar:
            for info in tar:
                if info.name.endswith(".json"):
                    about = json.load(tar.extractfile(info))  # type: ignore[arg-type]
                    if about["role"] == "target":
                        for name, kind in flattened(about):
                            types.setdefault(name, set()).add(kind)
    assert "mask.params" in types
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def flattened(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from flattened(inner, f"{name}[]")
    else:
        yield name, type(value).__name__
