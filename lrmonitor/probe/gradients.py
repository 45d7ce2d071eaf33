"""The gradients of a step that is about to be made: whether all are finite, and their norm."""

from __future__ import annotations

import math
import sys
from typing import Any


def found_infinite(actual: Any) -> bool:
    """Whether a GradScaler has told an optimizer that steps by itself (a fused one) that gradients
    are not finite: it leaves the step out then."""
    told = getattr(actual, "found_inf", None)
    return told is not None and bool(told.item())


def norm(actual: Any) -> tuple[float, bool]:
    """The Euclidean norm of all gradients, and whether all of them are finite.

    float32 may not hold the square of a norm: then they are looked at one by one, in float64. A
    fused optimizer divides by the GradScaler's scale in its step, and so does this.
    """
    torch = sys.modules["torch"]
    found = [p.grad for group in actual.param_groups for p in group["params"] if p.grad is not None]
    if not found:
        return 0.0, True
    with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
        dense = [_dense(torch, one) for one in found]
        total = _norm(torch, dense)
        finite = math.isfinite(total)
        if not finite and all(bool(torch.isfinite(one).all()) for one in dense):
            finite = True
            total = _norm(torch, [one.double() for one in dense])
    scale = getattr(actual, "grad_scale", None)
    return (total / float(scale.item()) if scale is not None else total), finite


def _norm(torch: Any, dense: list[Any]) -> float:
    parts = torch._foreach_norm(dense)
    first = parts[0]
    if any(p.device != first.device or p.dtype != first.dtype for p in parts):
        parts = [p.to(first.device, torch.float64) for p in parts]
    return float(torch.linalg.vector_norm(torch.stack(tuple(parts))).item())


def _dense(torch: Any, gradient: Any) -> Any:
    """Its numbers, in a tensor that is no complex or sparse one."""
    if gradient.layout is not torch.strided:
        gradient = gradient.coalesce()._values()
    return torch.view_as_real(gradient) if gradient.is_complex() else gradient
