"""The faces of a photo and their landmarks: `python examples/find_faces.py [PHOTO]`."""

import sys

from skimage.data import astronaut

import unveilify
from unveilify.core.landmarks import anchors

photo = sys.argv[1] if len(sys.argv) > 1 else astronaut()
for face in unveilify.find_faces(photo):
    x, y, width, height = (round(v) for v in face.box)
    print(f"a face at ({x}, {y}), {width} x {height} px, {len(face.landmarks.points)} landmarks")
    for name, point in anchors(face.landmarks).items():
        print(f"  {name}: {point.round(1)}")
