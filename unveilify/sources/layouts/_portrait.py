"""The one portrait behind the sample: scikit-image's `astronaut` (NASA, public domain), cut out and mapped by hand.

All numbers here are pixels of that 512×512 picture, traced once by eye on an enlargement; left is the picture's left.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Outline = tuple[tuple[float, float], ...]

EYE_MIDDLE = (225.1, 102.1)
EYE_DISTANCE = 43.4
ROLL = 0.035
"""Origin, unit and tilt (radians) of the *face frame*: eyes near (∓0.5, 0), nose tip (0, 0.55), chin (0, 1.8)."""
WINDOW = (70, 0, 320, 320)
"""x, y, width, height of what is used of the picture: head, collar and shoulders, no flag, no shuttle."""
ZOOM = 2
"""The window is enlarged once, so that warping costs no further detail."""

_HAIR_RIM: Outline = (
    (171, 120), (166, 116), (160, 110), (157, 104), (155, 97), (154.5, 88), (154, 78), (153.3, 70), (155, 62),
    (158, 56), (163, 50), (170, 43), (178, 38), (186, 34), (191, 29), (198, 25), (206, 21), (214, 19), (222, 18),
    (228, 16), (234, 15.7), (241, 17), (250, 19.5), (257, 23), (263, 26), (270, 29), (277, 33), (284, 38), (289, 45),
    (293, 52), (296, 60), (298, 68), (300, 76), (301.5, 85), (300.5, 94), (298, 102), (294, 110), (289, 117),
    (283, 122), (278, 127), (279, 129),
)  # fmt: skip
_EAR_RIGHT: Outline = ((279, 129), (277, 133), (274, 136.3), (270, 137.3), (267.5, 136.7))
_JAW_RIGHT: Outline = ((267, 140), (265.5, 146), (262.5, 152), (259, 158), (257.5, 162), (257, 167), (255.8, 174))
_JAW_LEFT: Outline = ((185, 151), (184, 148), (182.5, 142), (182, 136), (181.5, 131.7))
_EAR_LEFT: Outline = ((178.5, 132), (175, 129), (172, 124), (170.5, 119.5))
_SUIT_RIGHT: Outline = (
    (262, 177), (270, 182), (280, 191), (290, 203), (297, 213), (301, 222), (304, 233), (318, 244), (328, 251),
    (337, 259), (343, 270), (353, 300), (362, 335), (362, 360),
)  # fmt: skip
_SUIT_LEFT: Outline = (
    (40, 360), (40, 258), (60, 247), (80, 230), (98, 216), (105, 210), (110, 206.5), (115, 205), (117, 202), (115, 197),
    (114, 188), (119, 187), (123, 187), (126, 178), (130, 170), (137, 162), (145, 156), (155, 151.5), (165, 149),
    (175, 148.3), (181, 149),
)  # fmt: skip
_HAIRLINE: Outline = (
    (175, 118), (179, 117), (180, 110), (181, 100), (183, 90), (185, 80), (187, 70), (189, 68), (193, 74), (198, 79),
    (205, 81.5), (215, 81), (225, 80), (232, 80.5), (240, 83), (248, 86), (256, 88.5), (263, 90.5), (266, 92),
    (268, 98), (269.5, 105), (270.5, 112), (271, 118), (270, 125), (269, 131),
)  # fmt: skip
_COLLAR: Outline = (
    (254.5, 180), (253, 185), (250, 187), (244, 189), (238, 190.5), (232, 190.5), (225, 190), (218, 188.5),
    (210, 186.5), (203, 185.5), (195, 185), (191, 182.5), (187, 178), (186, 170), (186, 160),
)  # fmt: skip
_CHIN: Outline = (
    (250, 166), (244.5, 170.5), (238, 175), (230, 178.3), (222, 178.7), (214, 177), (206, 172), (199, 165.5),
    (192, 158),
)  # fmt: skip
_BEARD: Outline = (
    (182, 126), (184, 146), (190, 156), *_CHIN[::-1], (250, 166), (260, 154), (266, 140), (268, 124), (263, 134),
    (252, 141), (246, 136), (236, 133), (225, 134.5), (214, 133), (204, 136), (198, 142), (188, 136),
)  # fmt: skip
_MOUTH_TOP: Outline = (
    (202, 139.3), (208, 138.8), (214, 139), (220, 140.2), (224, 140.4), (228, 140.2), (236, 139.6), (244, 139.8),
    (246.5, 141),
)  # fmt: skip
_MOUTH_BOTTOM: Outline = ((243, 145), (238, 150), (232, 153.5), (224, 155.3), (216, 154.3), (210, 150.5), (206, 145.5))
_TEETH: Outline = (
    (203, 140), (210, 141.6), (220, 143.2), (230, 143.4), (240, 142.2), (245, 141), (240, 145.5), (235, 148.3),
    (228, 149.8), (220, 149.8), (213, 149), (208, 146.2),
)  # fmt: skip
_EYES: tuple[Outline, Outline] = (
    ((192, 101), (196, 98), (202, 97), (207, 98.5), (210.5, 102.5), (207, 104), (202, 105), (196, 103.5)),
    ((236.5, 104.5), (241, 101), (247, 99.5), (253, 101), (257, 104), (252, 106.5), (246, 107.5), (241, 106.7)),
)
_IRISES = ((203.4, 100.9), (246.5, 103.4))
_BROWS: tuple[Outline, Outline] = (
    ((190, 90.7), (196, 88.7), (203, 89), (208, 90.5), (213, 93)),
    ((238, 93.5), (244, 92.2), (251, 91.8), (257, 93), (262, 96)),
)
_NOSE: Outline = ((221, 104), (230, 104), (232, 118), (238, 128), (234, 134), (224, 135), (215, 133), (212, 127))


@dataclass(frozen=True)
class Portrait:
    """The enlarged window. ``rgb`` and the soft masks are float32, 0…1; ``regions`` numbers the labelled parts.

    The colours at the cut-out's edge are those just inside it, so that nothing of the old background shines through.
    """

    rgb: Floats
    alpha: Floats
    skin: Floats
    hair: Floats
    lips: Floats
    beard: Floats
    brows: Floats
    iris: Floats
    suit: Floats
    regions: npt.NDArray[np.uint8]


@lru_cache(maxsize=1)
def portrait() -> Portrait:
    """Load and cut out the portrait (about 50 ms). Regions: 1 face, 2, 3 eyes, 4 nose, 5 mouth, 6, 7 ears."""
    from skimage.data import astronaut

    x, y, width, height = WINDOW
    whole: npt.NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    crop = np.ascontiguousarray(whole[y : y + height, x : x + width])
    rgb = floats(cv2.resize(crop, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_LANCZOS4)) / np.float32(255)
    skin_line = (*_HAIRLINE, *_EAR_RIGHT, *_JAW_RIGHT, *_COLLAR, *_JAW_LEFT, *_EAR_LEFT)
    head = (*_HAIR_RIM, *_EAR_RIGHT, *_JAW_RIGHT, *_SUIT_RIGHT, *_SUIT_LEFT, *_JAW_LEFT, *_EAR_LEFT)
    solid = _shrink(_fill(head), 2)
    alpha = _soft(solid, 1.6)
    teeth, eyes = _soft(_fill(_TEETH), 1), _soft(_fill(*_EYES), 1)
    mouth = _soft(_fill((*_MOUTH_TOP, *_MOUTH_BOTTOM)), 1.5)
    skin = _soft(_fill(skin_line), 1.8)
    above_collar = _soft(_fill(((0, 0), (400, 0), (400, 138), (268, 138), (180, 132), (0, 132))), 4)
    orange = np.clip((rgb[..., 0] - rgb[..., 2] - 0.2) / 0.2, 0, 1) * (1 - above_collar) * (1 - skin)
    return Portrait(
        rgb=_bleed(rgb, _shrink(solid, 2)),
        alpha=alpha,
        skin=skin * (1 - teeth) * (1 - 0.85 * eyes),
        hair=np.clip(above_collar - skin, 0, 1),
        lips=mouth * (1 - teeth),
        beard=_soft(_fill(_BEARD), 5) * (1 - mouth),
        brows=_soft(_lines(*_BROWS), 1.5),
        iris=_soft(_dots(_IRISES, 3.3), 1.2) * eyes,
        suit=floats(orange),
        regions=_regions(skin_line),
    )


def floats(values: npt.ArrayLike) -> Floats:
    """As float32."""
    return np.asarray(values, np.float32)


def soften(image: Floats, sigma: float) -> Floats:
    """Gaussian blur; ``sigma`` in pixels."""
    return floats(cv2.GaussianBlur(image, (0, 0), sigma))


def _points(outline: Outline) -> npt.NDArray[np.int32]:
    """To the enlarged window, in cv2's fixed point with 4 fractional bits."""
    moved = (np.array(outline) - WINDOW[:2] + 0.5) * ZOOM - 0.5
    return np.asarray(np.round(moved * 16), np.int32)


def _blank() -> npt.NDArray[np.uint8]:
    return np.zeros((WINDOW[3] * ZOOM, WINDOW[2] * ZOOM), np.uint8)


def _fill(*outlines: Outline) -> npt.NDArray[np.uint8]:
    canvas = _blank()
    for outline in outlines:
        cv2.fillPoly(canvas, [_points(outline)], 255, cv2.LINE_AA, shift=4)
    return canvas


def _lines(*outlines: Outline) -> npt.NDArray[np.uint8]:
    canvas = _blank()
    for outline in outlines:
        cv2.polylines(canvas, [_points(outline)], False, 255, 2 * ZOOM, cv2.LINE_AA, shift=4)
    return canvas


def _dots(centres: Outline, radius: float) -> npt.NDArray[np.uint8]:
    canvas = _blank()
    for point in _points(centres):
        cv2.circle(canvas, (int(point[0]), int(point[1])), round(radius * ZOOM * 16), 255, -1, cv2.LINE_AA, shift=4)
    return canvas


def _soft(mask: npt.NDArray[np.uint8], sigma: float) -> Floats:
    return soften(floats(mask) / np.float32(255), sigma)


def _shrink(mask: npt.NDArray[np.uint8], pixels: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=pixels), np.uint8)


def _bleed(rgb: Floats, inside: npt.NDArray[np.uint8]) -> Floats:
    """Carry the colours of the inside outwards: normalised convolution with a narrow and a wide kernel."""
    solid = (inside > 127).astype(np.float32)
    out = rgb * solid[..., None]
    for sigma in (2.0, 6.0, 20.0):
        weight = soften(solid, sigma)
        near = soften(rgb * solid[..., None], sigma) / np.maximum(weight, 1e-6)[..., None]
        empty = (solid == 0) & (out.sum(-1) == 0) & (weight > 1e-3)
        out[empty] = near[empty]
    return np.asarray(out, np.float32)


def _regions(skin_line: Outline) -> npt.NDArray[np.uint8]:
    face = (*_HAIRLINE[2:], (267, 138), *_JAW_RIGHT[:4], *_CHIN, *_JAW_LEFT)
    canvas = _blank()
    parts = (face, *_EYES, _NOSE, (*_MOUTH_TOP, *_MOUTH_BOTTOM), (*_EAR_LEFT, (175, 118), (180, 118), (181, 131)))
    for number, outline in enumerate((*parts, (*_EAR_RIGHT, (269, 131)))):
        cv2.fillPoly(canvas, [_points(outline)], number + 1, cv2.LINE_8, shift=4)
    return canvas
