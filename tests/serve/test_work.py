"""What the page does with photos, without the page."""

from pathlib import Path

import numpy as np
import pytest

import unveilify
from unveilify.core.errors import UserError
from unveilify.core.pictures import encode_png, read
from unveilify.serve.work import MOST_PHOTOS, SCREEN_PX, put_on, take_off

RGB = np.ndarray


@pytest.fixture(scope="module")
def unmasker() -> unveilify.Unmasker:
    return unveilify.Unmasker.load(device="cpu")


@pytest.fixture(scope="module")
def me(astronaut: RGB, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "me.png"
    path.write_bytes(encode_png(astronaut))
    return path


@pytest.fixture(scope="module")
def masked(me: Path, astronaut: RGB) -> Path:
    path = me.with_name("masked.png")
    path.write_bytes(encode_png(unveilify.draw_mask(astronaut, style="surgical").image))
    return path


def test_a_mask_is_taken_off_as_by_the_api(
    unmasker: unveilify.Unmasker, masked: Path, me: Path, tmp_path: Path
) -> None:
    shown = take_off(unmasker, masked, [me], tmp_path)
    assert shown.file == tmp_path / "masked-unmasked.png"
    removal = unmasker.remove(masked, identity=[me])
    assert np.array_equal(read(shown.file), removal.image)
    assert b"compositeWithTrainedAlgorithmicMedia" in shown.file.read_bytes()
    before = read(masked)
    assert np.array_equal(removal.image[removal.hole == 0], before[removal.hole == 0])
    assert not np.array_equal(shown.before, shown.after)
    assert "altered" in shown.words
    told = [words for _, words in shown.found]
    assert told == ["where the mask was found", "what was laid there", "photo 1: used", "the whole photo"]


def test_without_a_photo_of_the_person_it_says_so(unmasker: unveilify.Unmasker, masked: Path, tmp_path: Path) -> None:
    shown = take_off(unmasker, masked, [], tmp_path)
    assert "Nobody told" in shown.words
    assert "nobody’s face" in shown.found[1][1]


def test_a_masked_photo_of_the_person_is_named(unmasker: unveilify.Unmasker, masked: Path, tmp_path: Path) -> None:
    shown = take_off(unmasker, masked, [masked], tmp_path)
    assert shown.found[2][1] == "photo 1: not used (wears a mask)"


def test_a_bare_face_stays_and_nothing_is_to_be_kept(unmasker: unveilify.Unmasker, me: Path, tmp_path: Path) -> None:
    shown = take_off(unmasker, me, [], tmp_path)
    assert shown.file is None
    assert "No mask was found" in shown.words
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_done_is_a_sentence_without_folders(
    unmasker: unveilify.Unmasker, me: Path, tmp_path: Path
) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"Cannot use the picture no\.png"):
        take_off(unmasker, tmp_path / "no.png", [], tmp_path)
    with pytest.raises(UserError, match=f"at most {MOST_PHOTOS}"):
        take_off(unmasker, me, [me] * (MOST_PHOTOS + 1), tmp_path)
    (tmp_path / "huge.png").write_bytes(encode_png(np.zeros((6400, 6400, 3), np.uint8)))
    with pytest.raises(UserError, match="41 million pixels"):
        put_on(tmp_path / "huge.png", tmp_path, style=None, wear="proper", color=None, seed=0)


def test_a_mask_is_drawn_as_by_the_api(me: Path, tmp_path: Path) -> None:
    shown = put_on(me, tmp_path, style="cloth", wear="loose", color="#aa3344", seed=3)
    wanted = unveilify.draw_mask(me, "cloth", wear="loose", color="#aa3344", seed=3)
    assert shown.file is not None
    assert np.array_equal(read(shown.file), wanted.image)
    assert "drawn: cloth" in shown.words


def test_large_photos_are_shown_small_and_kept_large(me: Path, tmp_path: Path) -> None:
    large = np.repeat(np.repeat(read(me), 4, 0), 4, 1)
    (tmp_path / "large.png").write_bytes(encode_png(large))
    shown = put_on(tmp_path / "large.png", tmp_path, style="surgical", wear="proper", color=None, seed=0)
    assert shown.file is not None
    assert read(shown.file).shape == large.shape
    assert max(max(picture.shape) for picture in (shown.after, *(p for p, _ in shown.found))) <= SCREEN_PX
