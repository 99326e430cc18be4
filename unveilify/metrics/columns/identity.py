"""Likeness of the person: cosines by a face recogniser that no training uses, named in the column.

A cosine means something only beside the same cosine of the masked input (row ``copy``) and of the truth.
*To truth* rewards any pixel that was left alone; *to others*, photos of the person that the network was not
given, is the honest one; *to given* shows how much was copied out of the identity image and is no merit.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.metrics.contract import PICTURES, Column, Comparison
from unveilify.perception import recogniser

REMEMBERED = 50_000
"""Embeddings kept in memory: truth and photos of the person are the same for every network (about 2 kB each)."""

Vectors = npt.NDArray[np.float32]


class Metric:
    """Mean cosine of the output (raw, composited) to the truth, to others, to the given identity images."""

    def __init__(self, device: str = "cpu") -> None:
        self._judge: recogniser.Recogniser | None = None
        self._why: str | None = None
        self._known: dict[bytes, Vectors] = {}
        try:
            self._judge = recogniser.for_measuring(device)
        except UserError as error:
            self._why = str(error)
        by = f" ({self._judge.name})" if self._judge else ""
        self._columns = {
            (target, picture): Column(
                f"identity to {target}{by}", "neither" if target == "given" else "higher", "image", picture
            )
            for picture in PICTURES
            for target in ("truth", "others", "given")
        }

    def columns(self) -> list[Column]:
        """To truth, others, given; raw, then composited."""
        return list(self._columns.values())

    def unavailable(self) -> str | None:
        """Which recogniser is missing and how to get it."""
        return self._why

    @property
    def judge(self) -> str:
        """The recogniser's name; empty where there is none."""
        return self._judge.name if self._judge else ""

    def measure(self, batch: Sequence[Comparison]) -> list[dict[str, float]]:
        """-1…1; NaN where the person has no other photo, or none was given."""
        self.embed([p for c in batch for p in (c.truth, *c.others, *c.given, c.output, c.composited)])
        return [self._one(c) for c in batch]

    def embed(self, images: Sequence[Image]) -> Vectors:
        """(N, D) unit vectors of face crops; what was seen before is not computed again.

        Raises:
            UserError: no recogniser is at hand.
        """
        if self._judge is None:
            raise UserError(self._why or "No recogniser is at hand.")
        names = [_digest(image) for image in images]
        if len(self._known) > REMEMBERED:
            self._known.clear()
        new = {name: image for name, image in zip(names, images, strict=True) if name not in self._known}
        if new:
            self._known.update(zip(new, self._judge.embed(list(new.values())), strict=True))
        return np.stack([self._known[name] for name in names])

    def _one(self, c: Comparison) -> dict[str, float]:
        targets = {"truth": (c.truth,), "others": c.others, "given": c.given}
        found = {}
        for (target, picture), column in self._columns.items():
            photos = targets[target]
            value = float("nan")
            if photos:
                value = float((self.embed(photos) @ self.embed([c.picture(picture)])[0]).mean())
            found[column.key] = value
        return found


def _digest(image: Image) -> bytes:
    return blake2b(np.ascontiguousarray(image).tobytes() + repr(image.shape).encode(), digest_size=16).digest()
