import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify.core import pictures
from unveilify.core.pictures import PictureError, decode, encode_jpeg, encode_png

RGB = NDArray[np.uint8]


def saved(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_png_comes_back_exactly(astronaut: RGB) -> None:
    assert np.array_equal(decode(encode_png(astronaut)), astronaut)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "I;16"])
def test_any_colour_mode_becomes_rgb(astronaut: RGB, mode: str) -> None:
    small = Pillow.fromarray(astronaut).resize((64, 48))
    picture = Pillow.fromarray(np.full((48, 64), 40_000, np.uint16)) if mode == "I;16" else small.convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = decode(saved(picture, kind))
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8


def test_exif_orientation_is_followed(astronaut: RGB) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    image = decode(saved(Pillow.fromarray(astronaut[:256]), "JPEG", exif=exif))
    assert image.shape == (512, 256, 3)


def test_first_frame_of_an_animation(astronaut: RGB) -> None:
    frames = [Pillow.fromarray(astronaut), Pillow.fromarray(255 - astronaut)]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert decode(data).shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"I am a text file", "unreadable"),
        (b"\xff\xd8\xff\xe0garbage", "unreadable"),
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
    ],
)
def test_what_is_no_picture_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_picture_is_refused(astronaut: RGB, kind: str, share: float) -> None:
    data = saved(Pillow.fromarray(astronaut), kind)
    with pytest.raises(PictureError, match="unreadable"):
        decode(data[: int(share * len(data))])


def test_a_huge_picture_is_refused_from_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Pillow.new("L", (30_000, 5_000)), "PNG")

    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", never)
    with pytest.raises(PictureError, match="too_large"):
        decode(data)


def test_blocks_that_are_equal_decode_equal(astronaut: RGB) -> None:
    other = astronaut.copy()
    other[64:128, 64:128] = 0
    a, b = decode(encode_jpeg(astronaut, 95)), decode(encode_jpeg(other, 95))
    differs = (a != b).any(axis=2)
    differs[64:128, 64:128] = False
    assert not differs.any()
    assert pictures.MAX_PIXELS < 200_000_000
