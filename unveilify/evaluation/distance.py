"""How far a set of outputs lies from the set of true pictures, in the features of the measuring recogniser.

It is neither FID nor KID, which are defined on Inception features; it says whether the faces as a whole look
like faces of these people do to the recogniser, not whether each is right.
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def kernel_distance(outputs: Vectors, truth: Vectors) -> float:
    """Squared maximum mean discrepancy of two (N, D) sets of unit vectors, ``outputs[n]`` made from ``truth[n]``.

    The kernel is (1 + cosine)³, cubic as in KID (Bińkowski et al. 2018, section 4), the estimator the unbiased
    one for sets of equal size (Gretton et al. 2012, equation 4): 0 for equal sets, near 0 or slightly below it
    for two samples of one distribution. NaN for fewer than two vectors.
    """
    count = len(outputs)
    if count < 2:
        return float("nan")
    a, b = outputs.astype(np.float64), truth.astype(np.float64)
    total = _kernel(a, a) + _kernel(b, b) - 2 * _kernel(a, b)
    np.fill_diagonal(total, 0)
    return float(total.sum() / (count * (count - 1)))


def _kernel(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((1 + a @ b.T) ** 3)
