"""The mirror image of a face's landmarks, with every point under its own number again.

A mirrored picture shows the left eye where the right one was: its points are mirrored, and each takes the number of
its partner on the other side. Points in the middle are their own partners.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from unveilify.core.landmarks import Points

_PAIRS = {
    5: "0-1 3-4",
    68: """
0-16 1-15 2-14 3-13 4-12 5-11 6-10 7-9 17-26 18-25 19-24 20-23 21-22 31-35 32-34 36-45 37-44 38-43 39-42 40-47 41-46
48-54 49-53 50-52 55-59 56-58 60-64 61-63 65-67
""",
    98: """
0-32 1-31 2-30 3-29 4-28 5-27 6-26 7-25 8-24 9-23 10-22 11-21 12-20 13-19 14-18 15-17 33-46 34-45 35-44 36-43 37-42
38-50 39-49 40-48 41-47 55-59 56-58 60-72 61-71 62-70 63-69 64-68 65-75 66-74 67-73 76-82 77-81 78-80 83-87 84-86
88-92 89-91 93-95 96-97
""",
    106: """
1-17 2-18 3-19 4-20 5-21 6-22 7-23 8-24 9-25 10-26 11-27 12-28 13-29 14-30 15-31 16-32 33-87 34-88 35-93 36-91 37-90
38-92 39-89 40-94 41-96 42-95 43-101 44-100 45-99 46-97 47-98 48-105 49-104 50-102 51-103 52-61 54-57 55-58 56-59
63-67 64-68 65-69 66-70 75-81 76-82 77-83 78-84 79-85
""",
}
# Read off 24 portraits and their mirror images: the mesh numbers the middle and one side first, the other side after
# them in the same order.
_MESH_MIDDLE = "0 1 2 4 5 6 8 9 10 11 12 13 14 15 16 17 18 19 94 151 152 164 168 175 195 197 199 200"
_MESH, _MESH_OTHER_SIDE = 468, 248


@cache
def partners(count: int) -> npt.NDArray[np.int64]:
    """Of the scheme with ``count`` points, each point's partner on the other side: (count,), its own inverse."""
    found = np.arange(count)
    if count == _MESH:
        left = np.setdiff1d(np.arange(_MESH_OTHER_SIDE), [int(i) for i in _MESH_MIDDLE.split()])
        right = np.arange(_MESH_OTHER_SIDE, _MESH)
    else:
        left, right = np.array([[int(i) for i in pair.split("-")] for pair in _PAIRS[count].split()]).T
    found[left], found[right] = right, left
    return found


def mirrored(shares: Points) -> Points:
    """Landmarks (…, N, 2 or 3) in shares of the picture's side, as they lie in the mirrored picture.

    A new array; N says the scheme. Unknown points (NaN) stay unknown.
    """
    found: Points = shares[..., partners(shares.shape[-2]), :]
    found[..., 0] = 1 - found[..., 0]
    return found
