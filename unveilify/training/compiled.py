"""`torch.compile` of the generator, believed only after its gradients have been compared with the plain ones."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unveilify.models.contract import Batch, Output
from unveilify.training.losses import target

Forward = Callable[[Batch], Output]

TOLERANCE, TOLERANCE_BF16 = 5e-3, 5e-2
"""Most that all gradients together may differ, relative to their norm. Fused kernels round less often than
separate ones, which in bfloat16 (8 bits) alone makes a percent or two."""


def compile_checked(
    network: nn.Module, batch: Batch, *, bf16: bool, backend: str | Callable[..., object] = "inductor"
) -> tuple[Forward, str]:
    """The compiled network if it has the gradients of the plain one on ``batch``, else the plain one; and a sentence.

    Weights, buffers and gradients are left as they were. Any error of the compiler is a reason to go on without it.
    """
    buffers = [buffer.clone() for buffer in network.buffers()]
    limit = TOLERANCE_BF16 if bf16 else TOLERANCE
    try:
        # Its own random numbers would be others than the plain network's: nothing could be compared.
        options: dict[str, str | int | bool | Callable[..., object]] | None = (
            {"fallback_random": True} if backend == "inductor" else None
        )
        fast: Forward = torch.compile(network, backend=backend, options=options)
        plain, quick = (_gradient(network, forward, batch, bf16=bf16) for forward in (network, fast))
        apart = float((plain - quick).norm() / plain.norm().clamp(min=1e-12))
    except Exception as error:  # whatever a compiler raises
        why = (str(error).strip() or "no reason given").splitlines()[0][:160]
        return network, f"Not compiled ({type(error).__name__}: {why}): training goes on without."
    finally:
        with torch.no_grad():
            for buffer, old in zip(network.buffers(), buffers, strict=True):
                buffer.copy_(old)
        network.zero_grad(set_to_none=True)
    if not apart <= limit:
        return network, (
            f"Not compiled: the compiled gradients differ from the plain ones by {apart:.2g} of their norm "
            f"(allowed: {limit:g}), so training goes on without."
        )
    return (
        fast,
        f"Compiled: its gradients differ from the plain ones by {apart:.1g} of their norm (allowed: {limit:g}).",
    )


def _gradient(network: nn.Module, forward: Forward, batch: Batch, *, bf16: bool) -> Tensor:
    """All gradients of a smooth loss on everything the network gives, in one vector (squares have no kinks)."""
    torch.manual_seed(0)
    network.zero_grad(set_to_none=True)
    with torch.autocast(batch.masked.device.type, torch.bfloat16, enabled=bf16):
        output = forward(batch)
    loss = F.mse_loss(output.image.float(), target(batch))
    if output.alpha is not None:
        loss = loss + F.mse_loss(output.alpha.float(), batch.hole)
    for term in output.terms.values():
        loss = loss + term.float()
    loss.backward()  # type: ignore[no-untyped-call]
    return torch.cat([p.grad.flatten().double() for p in network.parameters() if p.grad is not None])
