"""Copies of tensors, and of what optimizers hold beside them, in the host's memory; and putting
them back in place, to the bit.

What stands in the script's objects stays the same object wherever that is possible: compiled steps,
captured graphs and other parts of the script may hold on to it.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

PLAIN = (int, float, complex, bool, str, bytes, type(None))
ABSENT = object()
"""What stands nowhere."""


class Unkept(Exception):
    """This cannot be copied; the message says what it is."""


class Held:
    """A copy of a tensor, and the device that it belongs to."""

    __slots__ = ("device", "tensor")

    def __init__(self, tensor: Any, device: Any) -> None:
        self.tensor = tensor
        self.device = device

    @property
    def bytes(self) -> int:
        """The memory of the copy."""
        return int(self.tensor.numel() * self.tensor.element_size())


class Memory:
    """Makes copies, into the memory of copies that are not needed any more where some fit: new
    memory costs more than the copying."""

    def __init__(self, spare: Iterator[Held] | None = None) -> None:
        self._spare: dict[tuple[Any, ...], list[Any]] = {}
        for held in spare or ():
            self._spare.setdefault(_form(held.tensor), []).append(held.tensor)

    def copy(self, tensor: Any) -> Held:
        """A copy. Raises what torch raises where there is no memory."""
        found = tensor.detach()
        spare = self._spare.get(_form(found))
        if spare:
            return Held(spare.pop().copy_(found), tensor.device)
        made = found.clone() if found.is_cpu else found.to("cpu")
        return Held(made, tensor.device)

    def copy_all(self, value: Any, seen: dict[int, Held] | None = None) -> Any:
        """A copy of plain values and containers with all tensors in them; a tensor that is in there
        twice is one copy. Raises Unkept for what is of another kind."""
        seen = {} if seen is None else seen
        if isinstance(value, PLAIN):
            return value
        if is_tensor(value):
            if id(value) not in seen:
                check(value, "its state")
                seen[id(value)] = self.copy(value)
            return seen[id(value)]
        if isinstance(value, dict):
            return {key: self.copy_all(one, seen) for key, one in value.items()}
        if type(value) in (list, tuple, deque):
            return type(value)(self.copy_all(one, seen) for one in value)
        raise Unkept(f"it holds a {type(value).__name__}")


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of torch's."""
    return issubclass(type(value), sys.modules["torch"].Tensor)


def check(tensor: Any, what: str) -> None:
    """Raises Unkept where a tensor is of a kind that cannot be copied and put back."""
    torch = sys.modules["torch"]
    kinds = (torch.Tensor, torch.nn.Parameter, getattr(torch.nn, "Buffer", torch.Tensor))
    if type(tensor) not in kinds:
        raise Unkept(f"{what} holds a {type(tensor).__name__}, which is no ordinary tensor")
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type == "meta":
        raise Unkept(f"{what} holds a tensor that is sparse, quantized or without memory")
    if any(s == 0 and n > 1 for n, s in zip(tensor.shape, tensor.stride(), strict=True)):
        raise Unkept(f"{what} holds a tensor whose elements share memory")


def bytes_of(value: Any, seen: set[int] | None = None) -> int:
    """Bytes of the tensors in plain containers, each counted once."""
    seen = set() if seen is None else seen
    if is_tensor(value):
        if id(value) in seen:
            return 0
        seen.add(id(value))
        return int(value.numel() * value.element_size())
    if isinstance(value, dict):
        return sum(bytes_of(one, seen) for one in value.values())
    if isinstance(value, (list, tuple, deque)):
        return sum(bytes_of(one, seen) for one in value)
    return 0


def held_in(value: Any) -> Iterator[Held]:
    """The copies in plain containers."""
    if isinstance(value, Held):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from held_in(one)
    elif isinstance(value, (list, tuple, deque)):
        for one in value:
            yield from held_in(one)


def fits(live: Any, held: Held) -> bool:
    """Whether a copy can be put into that tensor."""
    return bool(
        live.shape == held.tensor.shape
        and live.dtype == held.tensor.dtype
        and live.device == held.device
    )


def put(live: Any, held: Held, quietly: bool = False) -> None:
    """Write a copy into a tensor that it fits. `quietly`: autograd is not told, since a graph that
    was made before may still be gone through, which it would refuse then."""
    torch = sys.modules["torch"]
    if live.is_inference():
        with torch.inference_mode():
            live.copy_(held.tensor)
        return
    with torch.autograd._unsafe_preserve_version_counter(live) if quietly else nullcontext():
        live.copy_(held.tensor)


def anew(held: Held) -> Any:
    """Another tensor with what was copied, on its device."""
    return held.tensor.clone() if held.device.type == "cpu" else held.tensor.to(held.device)


class Restoring:
    """Puts values back that `Memory.copy_all` has copied; one for all that is put back together."""

    def __init__(self) -> None:
        self._written: set[int] = set()
        self._made: dict[int, Any] = {}

    def back(self, live: Any, kept: Any) -> Any:
        """What is to stand where `live` stands now (ABSENT: nothing): the same object with what was
        kept in it, or another one where that cannot be."""
        if isinstance(kept, Held):
            return self._tensor(live, kept)
        if isinstance(kept, dict):
            into = live if isinstance(live, dict) else {}
            self.into(into, kept)
            return into
        if type(kept) in (list, tuple, deque):
            same = type(live) is type(kept) and len(live) == len(kept)
            beside = list(live) if same else [ABSENT] * len(kept)
            found = [self.back(a, b) for a, b in zip(beside, kept, strict=True)]
            if type(live) is type(kept) and type(kept) is not tuple:
                live.clear()
                live.extend(found)
                return live
            return type(kept)(found)
        return kept

    def into(self, live: dict[Any, Any], kept: dict[Any, Any]) -> None:
        """Make a dictionary say what was kept."""
        for key in [key for key in live if key not in kept]:
            del live[key]
        for key, value in kept.items():
            live[key] = self.back(live.get(key, ABSENT), value)

    def _tensor(self, live: Any, kept: Held) -> Any:
        if id(kept) in self._made:
            return self._made[id(kept)]
        if is_tensor(live) and fits(live, kept) and id(live) not in self._written:
            put(live, kept)
            found = live
        else:
            found = anew(kept)
        # One tensor may stand for two by now, or two for one: each copy is put back once.
        self._written.add(id(found))
        self._made[id(kept)] = found
        return found


def _form(tensor: Any) -> tuple[Any, ...]:
    return tensor.dtype, tuple(tensor.shape), tuple(tensor.stride())
