"""The gradient norm, and how much a step changes the weights, sampled so that they stay cheap.

The gradient norm is the Euclidean norm of all gradients of an optimizer as `step` finds them; where
the script clips it with `clip_grad_norm_`, the norm before clipping. The update ratio is |Δw| / |w|
of one step, from at most `ELEMENTS` weights spread evenly over all. Only tensors are read: what the
training computes is the same to the bit.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from lrmonitor.probe.sizes import Sizes
from lrmonitor.probe.values import Arriving, Deferred, Values
from lrmonitor.record.writer import RankWriter, SeriesWriter

SHARE = 0.005
"""The part of the time that sampling may take: after a sample that took t seconds the next one
comes no earlier than t / SHARE later (half of the 1 % that was promised)."""

ELEMENTS = 2**20
"""Weights that are compared before and after a step, at most."""

TOLERANCE = 1e-3
"""Relative difference of squared norms that float32 sums in another order explain."""


class Clip:
    """What `clip_grad_norm_` was called with before a step, and what it found."""

    __slots__ = ("bound", "norm")

    def __init__(self, norm: float | Arriving | None, bound: float) -> None:
        self.norm = norm
        """None where it was not read: no sample was due."""
        self.bound = bound
        """The norm that was allowed; nan where that is another norm than the Euclidean."""


class Norms:
    """Of one optimizer. `look` runs on the writer's thread, the rest on the training thread."""

    def __init__(self, number: int, writer: RankWriter, values: Values, deferred: Deferred) -> None:
        self.wanted = False
        """Whether the next step is to be sampled."""
        self.seconds = 0.0
        """Time that sampling took so far."""
        self.sizes = Sizes(number, writer)
        self._number = number
        self._writer = writer
        self._values = values
        self._deferred = deferred
        self._due = 0.0
        self._given_up = False
        self._took = 0.0
        self._weights: Any = None
        self._gradient: float | Arriving | None = None
        self._series: dict[str, SeriesWriter] = {}

    def look(self) -> bool:
        """Whether a sample is due now."""
        self.sizes.look()
        self.wanted = self.wanted or (not self._given_up and time.perf_counter() >= self._due)
        return self.wanted

    def give_up(self) -> None:
        """No more samples: one has failed."""
        self._given_up, self.wanted = True, False

    def before(self, actual: Any, clips: list[Clip] | None, closure: bool) -> bool:
        """At the begin of a step that is to be sampled: whether it is."""
        if clips is not None and any(clip.norm is None for clip in clips):
            return False  # the gradients are clipped already, and from what was not noted
        self.wanted = False
        self._weights = self._gradient = None
        begun = time.perf_counter()
        tensors = _parameters(actual)
        if not tensors:
            self._given_up = True
            return False
        self._weights = _sample(tensors)
        if not closure:
            self.gradient(actual)
        self._took = time.perf_counter() - begun
        return True

    def gradient(self, actual: Any) -> None:
        """Note the norm of the gradients as they are now."""
        torch = sys.modules["torch"]
        found = [p.grad for p in _parameters(actual) if p.grad is not None]
        if not found or any(type(g) is not torch.Tensor for g in found):
            return
        with torch.no_grad():
            parts = [_norm(torch, g) for g in found]
            norm = torch.linalg.vector_norm(torch.stack(parts))
            scale = getattr(actual, "grad_scale", None)
            if scale is not None:  # a fused optimizer divides by it in its step
                norm = norm / scale.to(norm.device)
            self._gradient = self._values.read(norm)

    def after(self, actual: Any, clips: list[Clip] | None, step: int, now: float) -> None:
        """At the end of that step: write what was found."""
        torch = sys.modules["torch"]
        begun = time.perf_counter()
        weights, self._weights = self._weights, None
        ratio: float | Arriving | None = None
        tensors = _parameters(actual)
        current = _sample(tensors)
        if current.shape == weights.shape:  # no group was added meanwhile
            with torch.no_grad():
                size = torch.linalg.vector_norm(weights)
                change = torch.linalg.vector_norm(current - weights)
                ratio = self._values.read(change / size)
        if ratio is not None:
            add = self._into("update_ratio").add
            self._deferred.add([ratio], lambda found: add(step, now, found[0]))
        norms = [clip.norm for clip in clips or () if clip.norm is not None]
        if self._gradient is not None and len(norms) == len(clips or ()):
            bounds = [clip.bound for clip in clips or ()]
            into = self._into("grad_norm")

            def write(found: list[float]) -> None:
                norm = unclipped(found[0], list(zip(found[1:], bounds, strict=True)))
                if norm is not None:
                    into.add(step, now, norm)

            self._deferred.add([self._gradient, *norms], write)
        self._took += time.perf_counter() - begun
        self.seconds += self._took
        if ratio is not None and self.sizes.due():
            begun = time.perf_counter()  # it has a budget of its own
            self.sizes.take(actual, tensors, weights, current, step, now)
            self.seconds += time.perf_counter() - begun
        self._due = time.perf_counter() + self._took / SHARE

    def _into(self, kind: str) -> SeriesWriter:
        found = self._series.get(kind)
        if found is None:
            name = kind if self._number == 0 else f"{kind}[{self._number}]"
            found = self._writer.series(name, kind, self._number, None, "samples")
            self._series[kind] = found
        return found


def unclipped(norm: float, clips: list[tuple[float, float]]) -> float | None:
    """The norm before clipping, of gradients whose norm is `norm` after it.

    `clips` are (norm found, bound) of what was clipped: all of the gradients, or disjoint parts of
    them, whose squares add up. None where the two do not go together: others were clipped.
    """
    if not clips:
        return norm
    if any(math.isnan(bound) for _, bound in clips):
        return None
    # torch multiplies the gradients by bound / (found + 1e-6) where that is below 1.
    after = [found * min(1.0, bound / (found + 1e-6)) for found, bound in clips]
    left = norm * norm - sum(part * part for part in after)
    before = sum(found * found for found, _ in clips)
    if not math.isfinite(before) or abs(left) <= TOLERANCE * norm * norm:
        return clips[0][0] if len(clips) == 1 else math.sqrt(before)
    return math.sqrt(before + left) if left > 0 else None


def _parameters(actual: Any) -> list[Any]:
    """The parameters, if all are ordinary dense tensors on one device: reading another kind may
    talk to other processes (a distributed tensor) or wait for them."""
    torch = sys.modules["torch"]
    found = [p for group in actual.param_groups for p in group["params"]]
    plain = (torch.Tensor, torch.nn.Parameter)
    if any(type(p) not in plain or p.layout is not torch.strided for p in found):
        return []
    devices = {p.device for p in found}
    if len(devices) != 1:
        return []
    device = devices.pop()
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        return []
    return found if device.type in ("cpu", "cuda") else []


def _sample(parameters: list[Any]) -> Any:
    """A copy of at most about `ELEMENTS` of the weights, as one float vector."""
    torch = sys.modules["torch"]
    every = -(-sum(p.numel() for p in parameters) // ELEMENTS) or 1
    with torch.no_grad():
        flat = [p.detach() for p in parameters]
        flat = [torch.view_as_real(one) if one.is_complex() else one for one in flat]
        found = torch.cat([one.reshape(-1)[::every] for one in flat])
        return found if found.dtype in (torch.float32, torch.float64) else found.float()


def _norm(torch: Any, gradient: Any) -> Any:
    if gradient.layout is not torch.strided:
        gradient = gradient.coalesce()._values()
    dtype = None if gradient.dtype == torch.float64 else torch.float32
    if gradient.is_complex():
        gradient = torch.view_as_real(gradient)
    return torch.linalg.vector_norm(gradient, dtype=dtype)
