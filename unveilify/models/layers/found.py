"""What finding a mask means: which alpha is wanted for a drawn mask, and how far a found one agrees with it."""

from torch import Tensor

from unveilify.core.found import WORN_SHARE, place


def wanted(hole: Tensor) -> Tensor:
    """The alpha to be found for a drawn mask's own, both in 0…1: below a soft rim or a shadow all must be painted."""
    return (2.5 * hole).clamp(max=1)


def overlap(alpha: Tensor, hole: Tensor) -> Tensor:
    """Intersection over union, (B,), of a found alpha and a drawn mask (B, 1, S, S); 1 where neither shows any."""
    found, truth = alpha > 0.5, wanted(hole) > 0.5
    both, either = ((found & truth).sum((1, 2, 3)), (found | truth).sum((1, 2, 3)))
    return both.float().div(either.clamp(min=1)).masked_fill(either == 0, 1.0)


def worn(alpha: Tensor) -> Tensor:
    """Whether a mask is worn, (B, 1, 1, 1), from found alphas (B, 1, S, S), as `core.found.worn` says."""
    rows, columns = place(alpha.shape[-1])
    return (alpha[..., rows, columns] > 0.5).float().mean((1, 2, 3), keepdim=True) >= WORN_SHARE
