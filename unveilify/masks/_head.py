"""The mean head that masks are designed on, and how far the face stands out at each place of it.

Canonical space: origin between the eyes, x to the picture's right, y down, h out of the face towards the viewer;
the unit is the distance between the eye centres. The numbers are our own measurement: the mean of the landmark
backend's meshes on 176 frontal portraits (London set), made symmetric; under the chin, on the neck and beside the
ears, where no mesh reaches, they are drawn by hand.
"""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Height in hundredths; rows y = -0.6, -0.5 ... 2.3; columns x = 0, 0.1 ... 1.3; the other half is its mirror image.
_RELIEF = """
31 31 30 29 26 21 16 9 -2 -18 -40 -67 -95 -123
34 34 33 31 29 25 20 13 3 -13 -37 -66 -97 -126
35 35 34 33 30 27 22 16 7 -9 -34 -66 -98 -128
35 35 33 30 28 25 22 17 10 -5 -32 -67 -101 -131
33 32 28 22 19 18 16 13 8 -4 -31 -71 -105 -133
32 28 16 11 11 10 9 6 1 -8 -31 -72 -110 -137
36 28 10 5 7 7 4 -2 -8 -15 -32 -76 -118 -141
44 36 16 8 9 8 5 0 -8 -16 -27 -69 -119 -146
51 44 26 14 10 8 5 1 -5 -13 -23 -60 -114 -148
59 52 33 19 14 11 8 5 0 -8 -28 -79 -122 -151
66 62 43 23 17 15 12 8 4 -4 -29 -79 -122 -149
68 66 54 34 18 17 15 10 4 -4 -28 -72 -119 -145
66 62 47 34 16 16 15 11 4 -8 -43 -96 -123 -142
42 38 29 23 18 16 14 9 2 -9 -34 -82 -121 -143
36 36 32 26 20 15 11 7 0 -14 -59 -103 -127 -145
39 38 35 29 21 14 9 4 -2 -16 -54 -105 -130 -145
34 32 28 21 13 8 5 0 -10 -34 -69 -105 -129 -144
29 28 25 20 10 4 0 -6 -16 -44 -87 -111 -130 -145
31 31 26 18 10 3 -2 -10 -26 -54 -87 -112 -132 -147
24 23 20 14 8 1 -7 -17 -41 -75 -97 -117 -134 -149
19 19 17 13 7 -2 -12 -29 -56 -84 -105 -122 -138 -152
21 20 17 13 5 -6 -23 -43 -66 -89 -109 -125 -140 -154
20 20 17 12 1 -17 -35 -54 -73 -93 -110 -126 -141 -155
16 15 12 2 -13 -30 -45 -62 -79 -95 -111 -127 -141 -155
0 -2 -7 -14 -29 -44 -59 -71 -84 -98 -112 -127 -141 -155
-29 -29 -31 -36 -46 -57 -69 -78 -88 -100 -113 -127 -141 -154
-54 -52 -53 -57 -61 -66 -73 -81 -90 -100 -113 -126 -140 -153
-62 -62 -63 -65 -67 -71 -75 -82 -90 -100 -112 -125 -139 -152
-66 -67 -67 -69 -70 -73 -77 -83 -90 -100 -111 -125 -138 -151
-68 -68 -69 -70 -72 -74 -78 -84 -91 -100 -111 -124 -137 -150
"""
_TOP, _STEP, _REACH = -0.6, 0.1, 1.3
_FINER = 8

# (x, y, h) of those vertices of the 468-point mesh that mouth and lids do not move.
MESH: dict[int, tuple[float, float, float]] = {
    1: (0, 0.611, 0.64),
    2: (0, 0.712, 0.389),
    4: (0, 0.503, 0.676),
    5: (0, 0.364, 0.64),
    6: (0, 0.031, 0.385),
    33: (-0.72, -0.012, -0.043),
    50: (-0.779, 0.507, 0.049),
    58: (-0.974, 1.054, -0.796),
    93: (-1.079, 0.539, -0.93),
    127: (-1.107, 0.071, -0.846),
    129: (-0.327, 0.565, 0.202),
    132: (-1.044, 0.793, -0.889),
    133: (-0.28, 0.012, 0.043),
    136: (-0.759, 1.411, -0.459),
    148: (-0.197, 1.768, 0),
    149: (-0.484, 1.635, -0.2),
    150: (-0.61, 1.543, -0.315),
    152: (0, 1.787, 0.029),
    168: (0, -0.085, 0.316),
    172: (-0.874, 1.261, -0.636),
    175: (0, 1.713, 0.147),
    176: (-0.351, 1.713, -0.08),
    187: (-0.857, 0.738, -0.058),
    195: (0, 0.25, 0.55),
    197: (0, 0.144, 0.463),
    199: (0, 1.603, 0.202),
    205: (-0.643, 0.639, 0.134),
    234: (-1.095, 0.304, -0.922),
    263: (0.72, -0.012, -0.043),
    280: (0.779, 0.507, 0.049),
    288: (0.974, 1.054, -0.796),
    323: (1.079, 0.539, -0.93),
    356: (1.107, 0.071, -0.846),
    358: (0.327, 0.565, 0.202),
    361: (1.044, 0.793, -0.889),
    362: (0.28, 0.012, 0.043),
    365: (0.759, 1.411, -0.459),
    377: (0.197, 1.768, 0),
    378: (0.484, 1.635, -0.2),
    379: (0.61, 1.543, -0.315),
    397: (0.874, 1.261, -0.636),
    400: (0.351, 1.713, -0.08),
    411: (0.857, 0.738, -0.058),
    425: (0.643, 0.639, 0.134),
    454: (1.095, 0.304, -0.922),
}

# (x, y, h) of the anchors that every landmark scheme yields.
ANCHORS: dict[str, tuple[float, float, float]] = {
    "eye_left": (-0.5, 0, 0.02),
    "eye_right": (0.5, 0, 0.02),
    "eye_left_outer": (-0.72, -0.012, -0.043),
    "eye_left_inner": (-0.28, 0.012, 0.043),
    "eye_right_inner": (0.28, 0.012, 0.043),
    "eye_right_outer": (0.72, -0.012, -0.043),
    "nose_bridge": (0, -0.085, 0.316),
    "nose_tip": (0, 0.503, 0.676),
    "mouth_left": (-0.422, 1.031, 0.061),
    "mouth_right": (0.422, 1.031, 0.061),
    "cheek_left": (-1.079, 0.539, -0.93),
    "cheek_right": (1.079, 0.539, -0.93),
    "jaw_left": (-0.874, 1.261, -0.636),
    "jaw_right": (0.874, 1.261, -0.636),
    "ear_left": (-1.095, 0.304, -0.922),
    "ear_right": (1.095, 0.304, -0.922),
    "chin": (0, 1.787, 0.029),
}


@lru_cache(maxsize=1)
def _relief() -> npt.NDArray[np.float32]:
    half = np.array([row.split() for row in _RELIEF.strip().splitlines()], np.float32) / 100
    whole = np.concatenate([half[:, :0:-1], half], axis=1)
    # remap only interpolates linearly at sub-pixel steps of 1/32, so a finer cubic table keeps the surface smooth
    rows, columns = whole.shape
    y, x = np.mgrid[0 : (rows - 1) * _FINER + 1, 0 : (columns - 1) * _FINER + 1].astype(np.float32) / _FINER
    fine = cv2.remap(whole, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine, np.float32)


def relief(x: Array, y: Array) -> Array:
    """Height h of the face at canonical (x, y), any shape; beyond the head it is the border's height."""
    table = _relief()
    scale = _FINER / _STEP
    column = np.clip((np.asarray(x) + _REACH) * scale, 0, table.shape[1] - 1)
    row = np.clip((np.asarray(y) - _TOP) * scale, 0, table.shape[0] - 1)
    flat = cv2.remap(
        table,
        column.reshape(1, -1).astype(np.float32),
        row.reshape(1, -1).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(flat, np.float64).reshape(np.shape(x))


# Half-width of the face outline seen from the front, by y.
_OUTLINE_Y = (-0.18, 0.07, 0.3, 0.54, 0.79, 1.05, 1.26, 1.41, 1.54, 1.635, 1.71, 1.77, 1.79)
_OUTLINE_X = (1.09, 1.107, 1.095, 1.079, 1.044, 0.974, 0.874, 0.759, 0.61, 0.484, 0.351, 0.197, 0.0)
CHIN_Y = _OUTLINE_Y[-1]


def half_width(y: Array) -> Array:
    """Half the width of the face at height y, seen from the front; 0 below the chin."""
    return np.interp(y, _OUTLINE_Y, _OUTLINE_X)
