"""The backends around foreign libraries work with what those libraries give, also where no network can be had."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unveilify.core.errors import UserError
from unveilify.core.landmarks import anchors
from unveilify.faces.backends import face_alignment, insightface
from unveilify.weights import Missing


@pytest.fixture
def development_weights(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", str(weights))
    return weights


def test_a_pack_is_a_folder_of_networks(
    development_weights: Path, tmp_path: Path, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = development_weights / "scrfd_2.5g_bnkps.onnx"
    pack = tmp_path / "pack"
    pack.mkdir()
    shutil.copy(detector, pack)
    (face,) = insightface.Backend(insightface.Config(model=str(pack))).find(astronaut)
    (same,) = insightface.Backend(insightface.Config(model=str(detector))).find(astronaut)
    assert face.landmarks.scheme == "five"
    np.testing.assert_array_equal(face.landmarks.points, same.landmarks.points)

    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        archive.write(detector, "deep/../scrfd.onnx")
        archive.writestr("readme.txt", "not a network")
    monkeypatch.setattr(insightface.weights, "fetch", lambda name: tmp_path / "small.zip")
    for _ in range(2):
        assert insightface.Backend(insightface.Config(model="small")).find(astronaut)
    assert [p.name for p in (tmp_path / "cache").rglob("*")] == ["small", "scrfd.onnx"]


def test_points_of_a_pack_become_the_106_scheme() -> None:
    class Found(dict[str, Any]):
        bbox = np.array([1.0, 2, 31, 42])
        kps = np.zeros((5, 2))
        det_score = np.float32(1.01)

    face = insightface._of_pack(Found(landmark_2d_106=np.ones((106, 2))))
    assert face.landmarks.scheme == "insightface106"
    assert face.box == (1, 2, 30, 40)
    assert face.score == 1
    assert "chin" in anchors(face.landmarks)
    assert insightface._of_pack(Found()).landmarks.scheme == "five"


def test_what_is_no_detector_is_told(development_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no InsightFace detector with five points"):
        insightface.Backend(insightface.Config(model=str(development_weights / "edgeface_xs.onnx")))
    with pytest.raises(UserError, match="holds no InsightFace detection model"):
        insightface.Backend(insightface.Config(model=str(tmp_path)))
    with pytest.raises(UserError, match="There is no file"):
        insightface.Backend(insightface.Config(model=str(tmp_path / "none.onnx")))
    with pytest.raises(Missing, match="weights pull"):
        insightface.Backend(insightface.Config())


def test_real_masked_faces_are_found(development_weights: Path, photos: Path) -> None:
    import cv2

    backend = insightface.Backend(insightface.Config(model="scrfd_2.5g_bnkps"))
    files = sorted((photos / "real_masked_wild" / "plain").iterdir())[:6]
    found = [backend.find(np.ascontiguousarray(cv2.imread(str(file))[..., ::-1]), masked=True) for file in files]
    assert all(found)


def test_face_alignment_without_networks_says_which_it_wants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNVEILIFY_WEIGHTS", "")
    monkeypatch.setenv("UNVEILIFY_CACHE", str(tmp_path))
    with pytest.raises(Missing, match="unveilify weights pull s3fd"):
        face_alignment.Backend(face_alignment.Config())


@pytest.mark.long
def test_face_alignment_reads_our_files_and_gives_68_points(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    """With untrained networks: that files, devices and shapes fit, not where the points lie."""
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN

    torch.manual_seed(0)
    torch.save(s3fd().state_dict(), tmp_path / "s3fd")
    torch.save(FAN(4).state_dict(), tmp_path / "2dfan4")
    monkeypatch.setattr(face_alignment.weights, "fetch", lambda name: tmp_path / name)
    backend = face_alignment.Backend(face_alignment.Config(device="cpu", flip=False))
    boxes = [np.array([170.0, 60, 270, 190, 0.98]), np.array([10.0, 10, 60, 60, 0.6])]
    monkeypatch.setattr(backend._fan.face_detector, "detect_from_image", lambda image: boxes)
    first, second = backend.find(astronaut)
    assert first.landmarks.scheme == second.landmarks.scheme == "ibug68"
    assert first.landmarks.points.shape == (68, 2)
    assert first.box == (170, 60, 100, 130)
    assert first.score == pytest.approx(0.98)
    monkeypatch.setattr(backend._fan.face_detector, "detect_from_image", lambda image: [])
    assert backend.find(astronaut) == []
