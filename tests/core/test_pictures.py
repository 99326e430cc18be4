import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from unveilify.core import pictures
from unveilify.core.pictures import PictureError, decode, encode_as, encode_jpeg, encode_png, open_picture

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

    monkeypatch.setattr(Pillow.Image, "load", never)
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


KINDS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "AVIF": ".avif",
    "HEIF": ".heic",
}


@pytest.fixture(scope="module")
def heif() -> None:
    """Pillow with HEIF, as the package itself learns it when it first meets one."""
    pytest.importorskip("pillow_heif").register_heif_opener()


@pytest.mark.usefixtures("heif")
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_picture_is_read_whatever_follows_it(astronaut: RGB, kind: str) -> None:
    data = saved(Pillow.fromarray(astronaut), kind)
    film = b"\0\0\0\x18ftypmp42" + bytes(100_000)
    for whole in (data, data + film):
        image = decode(whole)
        assert np.abs(image.astype(int) - astronaut).mean() < 6


@pytest.mark.usefixtures("heif")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.99])
def test_every_kind_cut_short_is_refused(astronaut: RGB, kind: str, share: float) -> None:
    data = saved(Pillow.fromarray(astronaut), kind)
    with pytest.raises(PictureError, match="unreadable"):
        decode(data[: int(share * len(data))])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_photo_with_the_end_of_its_thumbnail_in_it_is_refused(astronaut: RGB, progressive: bool) -> None:
    thumbnail = saved(Pillow.fromarray(astronaut).resize((64, 64)), "JPEG")
    data = saved(Pillow.fromarray(astronaut), "JPEG", comment=thumbnail, progressive=progressive)
    cut = data[: data.index(b"\xff\xd9") + 3000]
    assert b"\xff\xd9" in cut[-4096:]
    with pytest.raises(PictureError, match="unreadable"):
        decode(cut)


def test_no_other_program_is_called_for_a_picture() -> None:
    with pytest.raises(PictureError, match="unreadable"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n")


@pytest.mark.usefixtures("heif")
@pytest.mark.parametrize("ending", KINDS.values())
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_a_picture_is_besides_its_pixels_is_kept(astronaut: RGB, ending: str, mode: str) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Pillow.fromarray(astronaut).convert(mode)
    options: dict[str, object] = {} if ending == ".bmp" else {"icc_profile": profile}
    like = open_picture(saved(picture, KIND_OF[ending], lossless=True, **options))
    assert like.grey == (mode == "L")
    assert like.one_channel == (mode == "L" and ending != ".webp")
    data, lost = encode_as(like, like.image, ending)
    again = open_picture(data)
    assert lost == ()
    assert (again.grey, again.one_channel) == (like.grey, like.one_channel)
    assert again.profile == like.profile
    assert (ending == ".bmp") or like.profile == profile


@pytest.mark.usefixtures("heif")
@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".avif", ".heic"])
def test_alpha_is_kept(astronaut: RGB, ending: str) -> None:
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[:, :256] = 0
    picture = Pillow.fromarray(astronaut)
    picture.putalpha(Pillow.fromarray(alpha))
    like = open_picture(saved(picture, KIND_OF[ending]))
    again = open_picture(encode_as(like, like.image, ending)[0])
    assert again.alpha is not None
    assert np.abs(again.alpha.astype(int) - alpha).max() <= 8
    assert "alpha" in encode_as(like, like.image, ".jpg")[1]


def test_what_cannot_be_kept_is_said(astronaut: RGB) -> None:
    small = Pillow.fromarray(astronaut).resize((64, 48))
    deep = cv2.imencode(".png", np.full((48, 64, 3), 40_000, np.uint16))[1].tobytes()
    assert open_picture(deep).lost == ("16_bit",)
    assert open_picture(saved(Pillow.fromarray(np.full((48, 64), 40_000, np.uint16)), "PNG")).lost == ("16_bit",)
    assert decode(deep)[0, 0, 0] == 40_000 >> 8
    assert open_picture(saved(small.convert("P"), "PNG")).lost == ("palette",)
    assert open_picture(saved(small.convert("CMYK"), "JPEG")).lost == ("colours",)
    frames = [small, small.transpose(Pillow.Transpose.ROTATE_180)]
    assert open_picture(saved(frames[0], "PNG", save_all=True, append_images=frames[1:])).lost == ("frames",)


def test_floating_point_is_refused_by_name(astronaut: RGB) -> None:
    with pytest.raises(PictureError, match="unsupported_depth"):
        decode(saved(Pillow.fromarray(astronaut).convert("F"), "TIFF"))


KIND_OF = {ending: kind for kind, ending in KINDS.items()}


@pytest.mark.parametrize("row", [0, 3, 50, 99])
def test_one_coloured_pixel_anywhere_is_seen(row: int) -> None:
    image = np.full((100, 40, 3), 90, np.uint8)
    assert open_picture(encode_png(image)).grey
    image[row, 7, 2] += 1
    assert not open_picture(encode_png(image)).grey
