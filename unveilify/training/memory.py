"""How much memory a training has needed so far."""

import sys

import torch


def peak_bytes(device: torch.device) -> int:
    """The most that was allocated on a GPU, or else the largest resident size of this process; 0 where unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has none
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
