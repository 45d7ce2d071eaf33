"""Snapshots of a training's state in the host's memory, and putting one back in place.

Kept are the parameters and the state of the optimizers, the buffers of all modules and the
parameters of models beside the trained one (an average, a target network), GradScalers, what
schedulers say of themselves, and the random number generators. Only weak references to the
script's objects are held. Everything here runs on the training thread between two steps.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lrmonitor.probe import randomness
from lrmonitor.probe.copies import (
    ABSENT,
    PLAIN,
    Held,
    Memory,
    Restoring,
    Unkept,
    anew,
    bytes_of,
    check,
    fits,
    held_in,
    is_tensor,
    put,
)
from lrmonitor.probe.frames import from_signal_handler
from lrmonitor.probe.holders import Holders, standing

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer

SCHEDULED = frozenset(
    (
        "params",
        "lr",
        "initial_lr",
        "max_lr",
        "min_lr",
        "swa_lr",
        "momentum",
        "betas",
        "base_momentum",
        "max_momentum",
        "weight_decay",
    )
)
"""Options of a group that are the script's or its scheduler's, which are not rewound; others, such
as the step count that some optimizers keep there, are the optimizer's state."""


class Mismatch(Exception):
    """The training is not made of what it was at the snapshot; the message says what differs."""


class Kept:
    """What is kept of one optimizer."""

    def __init__(self, known: Optimizer, actual: Any, memory: Memory, copies: dict[int, Held]):
        self.number = known.number
        self.name = known.name
        self.ref = weakref.ref(actual)
        self.groups = [[weakref.ref(p) for p in g["params"]] for g in actual.param_groups]
        self.values = [
            [_copy(p, memory, copies, self.name) for p in g["params"]] for g in actual.param_groups
        ]
        self.state: list[tuple[Any, Any]] = []
        """Where each key of the state is found again, and what stands under it."""
        seen: dict[int, Held] = {}
        try:
            for key, value in actual.state.items():
                found = weakref.ref(key) if is_tensor(key) else key
                self.state.append((found, memory.copy_all(value, seen)))
            self.options = [
                {k: memory.copy_all(v, seen) for k, v in g.items() if _is_state(k, v)}
                for g in actual.param_groups
            ]
        except Unkept as why:
            raise Unkept(f"the state of {self.name} cannot be kept: {why}") from None

    def held(self) -> Iterator[Held]:
        """All copies."""
        for group in self.values:
            yield from group
        yield from held_in([value for _, value in self.state])
        yield from held_in(self.options)

    def actual(self, others: Iterable[Optimizer]) -> Any:
        """The script's optimizer, if it still has what it had. Raises Mismatch."""
        found = self.ref()
        whose = f"optimizer {self.number} ({self.name})"
        if found is None or all(o.ref() is not found for o in others):
            raise Mismatch(f"{whose} was made anew since")
        groups = found.param_groups
        if len(groups) != len(self.groups):
            what = "added" if len(groups) > len(self.groups) else "removed"
            raise Mismatch(f"a parameter group was {what} since, in {whose}")
        for j, (group, refs, values) in enumerate(
            zip(groups, self.groups, self.values, strict=True)
        ):
            now, then = {id(p) for p in group["params"]}, {id(ref()) for ref in refs}
            if now - then:
                raise Mismatch(f"a parameter was added since, in group {j} of {whose}")
            if then - now or len(group["params"]) != len(refs):
                raise Mismatch(f"a parameter was removed since, from group {j} of {whose}")
            for ref, value in zip(refs, values, strict=True):
                if not fits(ref(), value):
                    told = f"{tuple(value.tensor.shape)} to {tuple(ref().shape)}"  # type: ignore[union-attr]
                    raise Mismatch(
                        f"a parameter in group {j} of {whose} was reshaped or moved since, from "
                        f"{told}"
                    )
        return found

    def restore(self, actual: Any, restoring: Restoring) -> None:
        """Put the state and the options back, all but the parameters."""
        groups = actual.param_groups
        kept: dict[Any, Any] = {}
        for where, value in self.state:
            key = where
            if isinstance(where, weakref.ref):
                key = where()
                if key is None:
                    continue
            kept[_Key(key)] = (key, value)
        state = actual.state
        for key in [key for key in state if _Key(key) not in kept]:
            del state[key]
        for key, value in kept.values():
            state[key] = restoring.back(state.get(key, ABSENT), value)
        for group, options in zip(groups, self.options, strict=False):
            for name, value in options.items():
                group[name] = restoring.back(group.get(name, ABSENT), value)


class _Key:
    """A key by what it is: tensors compare element by element otherwise."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key):
            return NotImplemented
        if is_tensor(self.key) or is_tensor(other.key):
            return self.key is other.key
        return bool(self.key == other.key)


class Snapshot:
    """The state after a step. Nothing of it changes once it is made, but `left`."""

    def __init__(
        self,
        number: int,
        step: int,
        why: str,
        optimizers: list[Optimizer],
        holders: Holders,
        memory: Memory,
        last: Snapshot | None = None,
    ) -> None:
        """Copy all. Raises Unkept for state of a kind that cannot be kept, and what torch raises
        where there is no memory. `last` is a snapshot whose copies of parameters beside the trained
        ones are used again where they have not changed."""
        torch = sys.modules["torch"]
        begun = time.perf_counter()
        check_threads(optimizers, step)
        self.number = number
        self.step = step
        self.time = time.time()
        self.why = why
        self.left = False
        """Whether a rewind went back to before it: its steps are not those of the run any more."""
        self.warnings: list[str] = []
        if holders.hidden:
            self.warnings.append(
                "the modules are hidden (by gc.freeze, perhaps): their buffers are not kept"
            )
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            self._make(optimizers, holders, memory, last)
        check_threads(optimizers, step)
        self.rng = randomness.states()
        self.schedulers = [_told(s) for s in holders.schedulers()]
        others = {id(h): h for slot, h in self.slots if h is not None and slot[1] == "_parameters"}
        self.shared = list(others.values())
        """Copies that other snapshots may hold as well."""
        self.bytes = sum(held.bytes for held in self.held())
        """Memory of all its copies."""
        self.alone = self.bytes - sum(held.bytes for held in self.shared)
        self.seconds = time.perf_counter() - begun

    def held(self) -> Iterator[Held]:
        """All copies, each once."""
        seen = set()
        inner = (one for kept in self.optimizers for one in kept.held())
        for part in (
            inner,
            (held for _, held in self.slots),
            held_in([s for _, s in self.scalers]),
        ):
            for held in part:
                if held is not None and id(held) not in seen:
                    seen.add(id(held))
                    yield held

    def by_tensor(self) -> dict[int, Held]:
        """The copies by the ids of the tensors that stand in the script's objects now."""
        found: dict[int, Held] = {}
        for kept in self.optimizers:
            for refs, values in zip(kept.groups, kept.values, strict=True):
                found.update((id(ref()), value) for ref, value in zip(refs, values, strict=True))
        for (module_ref, where, name), held in self.slots:
            module = module_ref()
            if module is not None and held is not None:
                found[id(standing(module, where, name))] = held
        return found

    def restore(self, optimizers: list[Optimizer], rng: bool = False) -> BaseException | None:
        """Put all back, in place; `rng`: the random number generators as well.

        Gives back what a signal handler of the script raised meanwhile, to be raised once that it
        is done. Raises Mismatch, and then nothing was touched.
        """
        alive = [o for o in optimizers if o.ref() is not None]
        more = [o for o in alive if all(o.ref() is not k.ref() for k in self.optimizers)]
        actuals = [kept.actual(alive) for kept in self.optimizers]
        if more:
            raise Mismatch(f"optimizer {more[0].number} ({more[0].name}) has come since")
        return self.in_whole(lambda: self._restore(actuals), rng)

    def in_whole(self, put_back: Callable[[], None], rng: bool) -> BaseException | None:
        """Do that, and put the random number generators back as well if `rng`. Gives back what a
        signal handler of the script raised meanwhile: it must not leave half of it undone."""
        torch = sys.modules["torch"]
        interrupted: BaseException | None = None
        for _ in range(3):
            try:
                with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                    put_back()
                break
            except BaseException as error:
                if isinstance(error, Exception) and not from_signal_handler(error):
                    raise
                interrupted = error
        if rng:
            randomness.put_back(self.rng)
        return interrupted

    def _make(
        self, optimizers: list[Optimizer], holders: Holders, memory: Memory, last: Snapshot | None
    ) -> None:
        copies: dict[int, Held] = {}
        self.optimizers: list[Kept] = []
        for known in optimizers:
            actual = known.ref()
            if actual is not None:
                self.optimizers.append(Kept(known, actual, memory, copies))
        trained = set(copies)
        before = {} if last is None else {_slot(s): held for s, held in last.slots}
        self.slots: list[tuple[tuple[weakref.ref[Any], str, str], Held | None]] = []
        for (module, where, name), tensor in holders.slots(trained):
            slot = (weakref.ref(module), where, name)
            if tensor is None:
                self.slots.append((slot, None))
                continue
            try:
                if id(tensor) in copies:
                    held = copies[id(tensor)]
                else:
                    check(tensor, type(module).__name__)
                    old = before.get((id(module), where, name)) if where == "_parameters" else None
                    if old is not None and fits(tensor, old) and _same(tensor, old):
                        held = old
                    else:
                        held = memory.copy(tensor)
                    copies[id(tensor)] = held
                self.slots.append((slot, held))
            except Unkept as why:
                self.warnings.append(f"not kept: {why}")
        self.scalers = [
            (weakref.ref(s), {k: memory.copy_all(vars(s).get(k)) for k in _SCALER})
            for s in holders.scalers()
        ]

    def _restore(self, actuals: list[Any]) -> None:
        main = {id(p) for g in actuals[0].param_groups for p in g["params"]} if actuals else set()
        done: set[int] = set()
        for kept in self.optimizers:
            for refs, values in zip(kept.groups, kept.values, strict=True):
                for ref, value in zip(refs, values, strict=True):
                    live = ref()
                    if live is not None and id(live) not in done:
                        done.add(id(live))
                        # Of what has just been stepped, autograd knows that it has changed.
                        put(live, value, quietly=id(live) not in main)
        for (module_ref, where, name), held in self.slots:
            module = module_ref()
            if module is not None:
                fill_slot(module, where, name, held, done)
        restoring = Restoring()
        for kept, actual in zip(self.optimizers, actuals, strict=True):
            kept.restore(actual, restoring)
        for scaler_ref, numbers in self.scalers:
            scaler = scaler_ref()
            if scaler is not None:
                restore_scaler(scaler, numbers, restoring)
        # Gradients that other optimizers have not used yet are of weights that are gone.
        for actual in actuals[1:]:
            for group in actual.param_groups:
                for p in group["params"]:
                    if p.grad is not None and id(p) not in main:
                        p.grad.zero_()


def fill_slot(module: Any, where: str, name: str, held: Held | None, done: set[int]) -> None:
    """Put back what stood in a module; a buffer that was assigned anew since is filled as well."""
    live = standing(module, where, name)
    if held is None:
        if live is not None:
            getattr(module, where)[name] = None
    elif live is not None and fits(live, held):
        if id(live) not in done:
            done.add(id(live))
            put(live, held, quietly=True)
    elif where == "_buffers":
        getattr(module, where)[name] = anew(held)


_SCALER = ("_scale", "_growth_tracker")


def restore_scaler(scaler: Any, values: dict[str, Any], restoring: Restoring) -> None:
    """Put the numbers of a GradScaler back."""
    own = vars(scaler)
    for name, start in zip(_SCALER, ("_init_scale", "_init_growth_tracker"), strict=True):
        kept, live = values[name], own.get(name)
        if kept is not None:
            own[name] = restoring.back(live, kept)
        elif is_tensor(live):
            live.fill_(own.get(start, 0))  # it had not scaled anything yet


def check_threads(optimizers: Iterable[Optimizer], step: int) -> None:
    """Raises Unkept where no moment lies between two steps: a copy would be of weights that another
    thread is changing, and what is put back would be written over. `step` is the run's."""
    for one in optimizers:
        if one.together(step) and one.ref() is not None:
            raise Unkept(
                f"several threads step optimizer {one.number} ({one.name}) at the same time"
            )


def needed(optimizers: list[Optimizer], holders: Holders | None) -> int:
    """Bytes that a snapshot of the present state would take."""
    seen: set[int] = set()
    total = 0
    for known in optimizers:
        actual = known.ref()
        if actual is not None:
            total += sum(bytes_of(list(g["params"]), seen) for g in actual.param_groups)
            total += bytes_of(list(actual.state.values()), seen)
    if holders is not None:
        trained = {id(p) for p in trained_by(optimizers)}
        total += sum(bytes_of(t, seen) for _, t in holders.slots(trained) if t is not None)
    return total


def trained_by(optimizers: Iterable[Optimizer]) -> list[Any]:
    """The parameters of all optimizers."""
    found = []
    for known in optimizers:
        actual = known.ref()
        if actual is not None:
            found += [p for g in actual.param_groups for p in g["params"]]
    return found


def _copy(parameter: Any, memory: Memory, copies: dict[int, Held], name: str) -> Held:
    if id(parameter) not in copies:
        check(parameter, name)
        copies[id(parameter)] = memory.copy(parameter)
    return copies[id(parameter)]


def _is_state(name: str, value: Any) -> bool:
    """Whether an option of a group is the optimizer's state, and no setting of the script's."""
    if name in SCHEDULED:
        return False
    if isinstance(value, PLAIN) or is_tensor(value):
        return True
    return type(value) in (list, tuple, dict) and all(
        isinstance(one, PLAIN) or is_tensor(one)
        for one in (value.values() if isinstance(value, dict) else value)
    )


def _slot(slot: tuple[weakref.ref[Any], str, str]) -> tuple[int, str, str]:
    return id(slot[0]()), slot[1], slot[2]


def _same(tensor: Any, held: Held) -> bool:
    torch = sys.modules["torch"]
    return held.device.type == "cpu" and bool(torch.equal(tensor.detach(), held.tensor))


def _told(scheduler: Any) -> dict[str, Any]:
    """What a scheduler says of itself, as far as that is plain; kept for checkpoints alone."""
    told: dict[str, Any] = {"class": type(scheduler).__name__}
    with suppress(Exception):
        for name, value in scheduler.state_dict().items():
            if isinstance(value, PLAIN) or (
                type(value) in (list, tuple) and all(isinstance(one, PLAIN) for one in value)
            ):
                told[name] = value
    return told
