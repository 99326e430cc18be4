"""MediaPipe's short-range detector and 468-point mesh: the default, found with no large download.

The detector sees 128 px, so a face must fill a tenth of what it is shown. Hence a cascade, which stops at the
first level where the mesh believes in a face: the whole picture; small pictures with a frame around them (faces
cut off by the border); then square tiles of 1, 1/2 and 1/4 of the short side. What is found gets a second mesh
pass on its own result.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from pydantic import Field

from unveilify import weights
from unveilify.core.config import Config as BaseConfig
from unveilify.core.records import Box, Face, Image
from unveilify.faces.backends._blazeface import Detection, detect
from unveilify.faces.backends._mesh import Floats, again, box_region, face_of, mesh
from unveilify.faces.backends._network import Engine, Network, read
from unveilify.faces.backends._upright import confirmed, set_right
from unveilify.faces.prominence import REPEAT, by_prominence, drop_repeats, shared
from unveilify.faces.windows import Window, framed, tiles, turned, turned_back

SMALL_PX = 400
"""Pictures with a long side up to this are tried with a frame around them."""
FRAME = 1.5
TILES = (1.0, 0.5, 0.25)
MIN_TILE_PX = 128
FINER, MIN_FINER_PX = 0.125, 256
"""Tiles that are searched as well where everyone is wanted, in photos so large that a face in them has 30 pixels."""
SURE_PRESENCE = 0.9
"""Mesh presence that a face in a tile needs where all tiles are searched: logos and letters came to 0.8."""
MASKED_SIZES = (0.8, 0.9, 1.0)
"""Under a mask the mesh wavers with the size of its square, so the mean over several steadies the eyes: measured on
LFW faces with flat masks, their 95th percentile of movement falls from 8 % to under 7 % of the interocular distance."""

MAIN_OPTION = "engine"


class Config(BaseConfig):
    """Settings of the backend 'mediapipe'; ``mediapipe:opencv`` names the engine."""

    min_score: float = Field(default=0.5, ge=0, le=1, description="detector score below which a box is no candidate")
    min_presence: float = Field(default=0.5, ge=0, le=1, description="mesh presence that ends the search for faces")
    masked_score: float = Field(default=0.4, ge=0, le=1, description="as min_score, for faces that wear masks")
    sure_score: float = Field(default=0.7, ge=0, le=1, description="masked: detector score that ends the search")
    passes: int = Field(default=2, ge=1, description="mesh passes; more than two sharpen the jaw line a little further")
    engine: Engine = Field(
        default="auto", description="what runs the networks: litert, opencv, or the first of these that is installed"
    )
    tiles: bool = Field(default=True, description="search tiles for small faces when none was found")


class Backend:
    """Finds faces; not to be shared between threads."""

    def __init__(self, config: Config) -> None:
        """Load both networks.

        Raises:
            weights.Missing: they are not here and cannot be fetched.
            UserError: the engine that is asked for is not here.
        """
        self.config = config
        self._detector = read(weights.fetch("face_detection_short_range"), config.engine)
        self._mesh = read(weights.fetch("face_landmark"), config.engine)

    def find(self, image: Image, *, masked: bool = False, everyone: bool = False, path: str = "") -> list[Face]:
        """Faces of an RGB picture (H, W, 3) in scheme 'mediapipe468', the most prominent first, any way round.

        The search ends at the first level of the cascade that has a believable face, so small faces beside a large
        one may be absent; with ``everyone`` it goes through all levels, down to smaller tiles. A mesh that lies the
        wrong way round on its face is set right, and where there is no face the picture is tried in its other three
        quarter turns. With ``masked`` the mesh's presence, which is often wrong on masks, is no gate: a good detector
        score is enough, and where nothing is believable the best-scored box is given back.
        """
        image = np.ascontiguousarray(image)
        sure, rest = self._cascade(image, masked, everyone)
        if not sure and not masked:
            sure = self._in_turns(image, everyone)
        best = sorted(rest, key=lambda face: -face.score)[: int(masked)]
        return by_prominence([self._refine(image, face, masked) for face in sure or best], image)

    def _cascade(self, image: Image, masked: bool, everyone: bool) -> tuple[list[Face], list[Face]]:
        """Believable faces, and those of the first level with any if none is believable."""
        sure: list[Face] = []
        rest: list[Face] = []
        for number, windows in enumerate(self._levels(image, masked, everyone)):

            def believable(face: Face, level: int = number) -> bool:
                return self._believable(face, masked, level, everyone)

            found = self._search(windows, image, masked, sure, believable)
            sure += [face for face in found if believable(face)]
            if sure and not everyone:
                break
            rest = rest or found
        return drop_repeats(sure), rest

    def _in_turns(self, image: Image, everyone: bool) -> list[Face]:
        """The faces of the quarter turn that shows the best; only such as the detector sees twice."""
        best: list[Face] = []
        for quarters in (2, 1, 3):
            sideways = turned(image, quarters)
            found, _ = self._cascade(sideways, False, everyone)
            found = [face for face in found if confirmed(self._detector, sideways, face)]
            if _most(found) > _most(best):
                best = [turned_back(face, quarters, image.shape) for face in found]
        return best

    def _believable(self, face: Face, masked: bool, level: int, everyone: bool) -> bool:
        if not masked:
            strict = everyone and level > 1
            return face.presence >= (
                max(SURE_PRESENCE, self.config.min_presence) if strict else self.config.min_presence
            )
        # Measured on real masked photos: in a tile, presence with a middling score is wrong in most cases.
        present = face.presence >= self.config.min_presence and face.score >= self.config.min_score
        return face.score >= self.config.sure_score or (level == 0 and present)

    def _levels(self, image: Image, masked: bool, everyone: bool) -> Iterator[list[Window]]:
        """The windows of each level, coarse to fine. For a masked face the framed picture is on the first level:
        where a tight crop of one scores at all, it scores much better with a frame."""
        height, width = image.shape[:2]
        whole: list[Window] = [(image, 0, 0)]
        wider = [framed(image, FRAME)] if everyone or max(height, width) <= SMALL_PX else []
        if masked:
            yield whole + wider
        else:
            yield whole
            yield wider
        if not self.config.tiles:
            return
        for share in TILES:
            side = round(min(height, width) * share)
            if side >= MIN_TILE_PX and side < max(height, width):
                yield tiles(image, side)
        side = round(min(height, width) * FINER)
        if everyone and side >= MIN_FINER_PX:
            yield tiles(image, side)

    def _search(
        self, windows: list[Window], image: Image, masked: bool, known: list[Face], believable: Callable[[Face], bool]
    ) -> list[Face]:
        """The faces of a level, the best-scored first, without what lies on faces already known or believed."""
        seen: list[Detection] = []
        for window, x, y in windows:
            shift = np.array([x, y], np.float32)
            for one in detect(self._detector, window, self.config.masked_score if masked else self.config.min_score):
                seen.append(Detection(one.box + np.tile(shift, 2), one.points + shift, one.score))
        found: list[Face] = []
        believed = list(known)
        for one in sorted(seen, key=lambda one: -one.score):
            if any(shared(_sides(one.box), face.box) > REPEAT for face in believed):
                continue  # windows overlap: most faces are seen in several, and one mesh will do
            face = self._first_mesh(image, one, masked)
            if face is not None:
                found.append(face)
                believed += [face] * believable(face)
        return found

    def _first_mesh(self, image: Image, found: Detection, masked: bool) -> Face | None:
        points, presence = mesh(self._mesh, image, box_region(found.box, found.points[0], found.points[1]))
        face = face_of(points, found.score, presence)
        return face if masked else set_right(self._detector, self._mesh, image, face)

    def _refine(self, image: Image, face: Face, masked: bool) -> Face:
        points, presence = face.landmarks.points, face.presence
        for _ in range(self.config.passes - 1):
            points, believed = again(self._mesh, image, points, MASKED_SIZES if masked else (1.0,))
            presence = max(presence, believed)
        return face_of(points, face.score, presence)


def look_again(image: Image, points: Floats) -> Floats:
    """The mesh (468, 3) in picture pixels of the face at the mesh ``points`` of an RGB picture (H, W, 3)."""
    found, _ = again(_mesh_net(), np.ascontiguousarray(image), points.astype(np.float32), MASKED_SIZES)
    return found


@lru_cache(maxsize=1)
def _mesh_net() -> Network:
    return read(weights.fetch("face_landmark"))


def _sides(box: Floats) -> Box:
    x0, y0, x1, y1 = (float(value) for value in box)
    return x0, y0, x1 - x0, y1 - y0


def _most(faces: list[Face]) -> float:
    return max((face.score * face.presence for face in faces), default=0.0)
