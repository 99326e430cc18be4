"""Is a mask still there? A judge of pictures that have no truth: one line through gradients of the lower face.

A mask hides the nose and the mouth, whatever its colour. So the judge sees neither colours nor the rest of the
picture: histograms of oriented gradients (Dalal and Triggs 2005) of the lower face, and a line through them that is
fitted by ridge regression on masked and unmasked training pictures of the shards, whose answer is known. It takes
no pretrained network and none that is measured. A lower face without the shape of nose and mouth, such as a
smear, counts as masked.

On drawn masks it is right more often than on real ones: how often, a report measures on real masked and unmasked
photos, and prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import hog

from unveilify.core.records import Image
from unveilify.core.sample import resize
from unveilify.evaluation.samples import Split, spread

Floats = npt.NDArray[np.float64]

ROWS, COLUMNS = (0.42, 0.86), (0.28, 0.72)
"""The lower face, as shares of a face crop's side."""
SIDE_PX, CELL_PX, DIRECTIONS = 32, 8, 9
RIDGE = 0.03
"""Weight of the penalty, per picture. It and the measures above are the best of a few dozen tried on real photos of
people that no report of ours shows."""
PAIRS = 600


@dataclass(frozen=True)
class Judge:
    """``weights`` (F + 1,) over the features and a constant."""

    weights: Floats

    def score(self, crops: Sequence[Image]) -> Floats:
        """About 1 for a masked face and -1 for a bare one: above 0 a mask is still there. (N,) for N face crops."""
        return _features(crops) @ self.weights


def fit(train: Split, size_px: int, pairs: int = PAIRS) -> Judge:
    """The judge, from at most so many triplets of the training split, spread evenly over it, and their mirror images.

    They are seen at ``size_px``, as the pictures that will be judged. Equal shards give equal weights.
    """
    triplets = [train.read(i) for i in spread(len(train), pairs)]
    worn, bare = (
        _both_ways([resize(image, size_px) for image in images])
        for images in zip(*((t.masked, t.unmasked) for t in triplets), strict=True)
    )
    features = np.concatenate([_features(worn), _features(bare)])
    answers = np.repeat([1.0, -1.0], [len(worn), len(bare)])
    penalty = RIDGE * len(answers) * np.eye(features.shape[1])
    return Judge(np.linalg.solve(features.T @ features + penalty, features.T @ answers))


def _both_ways(images: Sequence[Image]) -> list[Image]:
    return [view for image in images for view in (image, image[:, ::-1])]


def _features(crops: Sequence[Image]) -> Floats:
    """(N, F + 1): gradient histograms of the lower faces and a constant."""
    return np.array([[*_histograms(crop), 1.0] for crop in crops])


def _histograms(crop: Image) -> Floats:
    side = crop.shape[0]
    top, bottom, left, right = (round(side * share) for share in (*ROWS, *COLUMNS))
    lower = cv2.resize(crop[top:bottom, left:right], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(lower, cv2.COLOR_RGB2GRAY)
    return np.asarray(hog(grey, DIRECTIONS, (CELL_PX, CELL_PX), (2, 2)), np.float64)
