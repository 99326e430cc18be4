"""The embedded sample: complete, repeatable, labelled, and nobody."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from unveilify.core.errors import UserError
from unveilify.sources.layouts import aihub, sample
from unveilify.sources.layouts._people import MOVES, invent, pose
from unveilify.sources.layouts._portrait import portrait
from unveilify.sources.layouts._render import _maps, paint, photograph
from unveilify.sources.listing import find_layout

SMALL = {"people": 5, "size_px": 128, "workers": 1}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "aihub"
    assert sample.make_sample(root, **SMALL) == 5 * sample.VIEWS
    return root


def _bytes(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_tree_reads_as_aihub(tree: Path) -> None:
    assert find_layout(tree) is sample
    listing = sample.photos(tree, sample.Config())
    assert listing == aihub.photos(tree, aihub.Config())
    assert Counter(photo.identity for photo in listing.photos) == dict.fromkeys(
        ["F0001_M", "F0001_S", "F0002_F", "F0002_M", "F0002_D"], sample.VIEWS
    )
    assert Counter(listing.skipped.values()) == {"label": 5 * sample.VIEWS, "stamp": 2, "not_a_picture": 1}
    assert all(photo.meta["label"] == "ok" for photo in listing.photos)


def test_at_least_sixty_people_in_thirty_families() -> None:
    members = sample._members(60)
    assert len(members) == len({(m.family, m.role) for m in members}) == 60
    assert len({m.family for m in members}) >= 30
    assert all(aihub.read_name(m.stem(30, 1)) for m in members)


def test_everything_says_that_it_is_nobody(tree: Path) -> None:
    assert "no real person" in (tree / sample.MARKER).read_text()
    for path in tree.rglob("*.json"):
        if not path.name.startswith("_"):
            assert "no real person" in json.loads(path.read_text())["note"]
    for path in tree.rglob("*.jpg"):
        data = path.read_bytes()
        assert b"no real person" in data[:200]
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (128, 128, 3)


def test_the_box_holds_the_face(tree: Path) -> None:
    for photo in sample.photos(tree, sample.Config()).photos:
        x, y, width, height = photo.boxes[0]
        assert 35 < width < 75
        assert 45 < height < 90
        assert x + width <= 128
        assert y + height <= 128


def test_the_same_again_is_nothing_to_do(tree: Path) -> None:
    before = _bytes(tree)
    assert sample.make_sample(tree, **SMALL) == 0
    assert _bytes(tree) == before


def test_what_is_missing_is_made_again_the_same(tree: Path, tmp_path: Path) -> None:
    root = tmp_path / "again"
    sample.make_sample(root, people=5, size_px=128, workers=2)
    assert _bytes(root) == _bytes(tree)
    (root / "_stamp.json").unlink()
    victim = next(root.rglob("F0002_*.jpg"))
    victim.rename(root / ".unveilify-x.tmp")  # as a killed writer leaves it
    assert sample.make_sample(root, **SMALL) == 4, "the photos of one person"
    assert _bytes(root) == _bytes(tree)


def test_another_seed_is_other_people(tree: Path, tmp_path: Path) -> None:
    sample.make_sample(tmp_path / "b", people=1, seed=1, size_px=128, workers=1)
    ours = {p.read_bytes() for p in tree.rglob("*.jpg")}
    assert not ours & {p.read_bytes() for p in (tmp_path / "b").rglob("*.jpg")}


def test_foreign_folders_and_other_settings_are_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/cat.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="not empty"):
        sample.make_sample(tmp_path / "mine")
    with pytest.raises(UserError, match="people: 5 -> 6"):
        sample.make_sample(tree, people=6, size_px=128)
    with pytest.raises(UserError, match="is a file"):
        sample.make_sample(tmp_path / "mine/cat.jpg")
    with pytest.raises(UserError, match="seed"):
        sample.make_sample(tmp_path / "new", seed=-1)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("number", range(12))
def test_no_warp_folds_over(number: int) -> None:
    """Neighbouring pixels of the photo look at the portrait in the same order, so no feature appears twice."""
    person = invent(np.random.default_rng([5, number]), male=number % 2 == 0, age=40)
    look_x, look_y, _ = _maps(person, pose(np.random.default_rng([6, number])), 256)
    dx_dx, dx_dy = np.diff(look_x, axis=1)[:-1], np.diff(look_x, axis=0)[:, :-1]
    dy_dx, dy_dy = np.diff(look_y, axis=1)[:-1], np.diff(look_y, axis=0)[:, :-1]
    assert (dx_dx * dy_dy - dx_dy * dy_dx).min() > 0


def test_people_differ_more_than_views() -> None:
    """The shapes of two people lie farther apart than nothing; the same draw is the same person."""
    one, other = (invent(np.random.default_rng(i), male=False, age=30) for i in (0, 1))
    assert np.abs(one.shape - other.shape).mean() > 0.3
    assert len(one.shape) == len(MOVES)
    source = portrait()
    first, second = (
        photograph(source, paint(source, one), one, pose(np.random.default_rng(9)), 128)[0] for _ in range(2)
    )
    assert np.array_equal(first, second)
