"""The state that a test puts back: whatever becomes of the training meanwhile, all of it that is
still there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.copies import Memory, Restoring, fits, put
from lrmonitor.probe.snapshots import Kept, Snapshot, fill_slot, restore_scaler

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer


class Aside(Snapshot):
    """A snapshot that takes in what comes later, and refuses nothing."""

    def adopt(self, known: Optimizer, actual: Any) -> None:
        """An optimizer, or groups of one, that make their first step now: keep what they are about
        to change. Raises what `Snapshot` does."""
        torch = sys.modules["torch"]
        kept = next((one for one in self.optimizers if one.ref() is actual), None)
        copies = self.by_tensor()
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            fresh = Kept(known, actual, Memory(), copies)
        if kept is None:
            self.optimizers.append(fresh)
            return
        there = len(kept.groups)
        kept.groups += fresh.groups[there:]
        kept.values += fresh.values[there:]
        kept.options += fresh.options[there:]

    def put_back(self, rng: bool) -> tuple[list[str], BaseException | None]:
        """Put all back, in place; `rng`: the random number generators as well. What could not be
        put back, in sentences, and what a signal handler of the script's raised meanwhile."""
        warnings: list[str] = []
        interrupted = self.in_whole(lambda: self._put_all(warnings), rng)
        return list(dict.fromkeys(warnings)), interrupted

    def _put_all(self, warnings: list[str]) -> None:
        first = self.optimizers[0].ref() if self.optimizers else None
        main = set() if first is None else {id(p) for g in first.param_groups for p in g["params"]}
        done: set[int] = set()
        for kept in self.optimizers:
            for refs, values in zip(kept.groups, kept.values, strict=True):
                for ref, value in zip(refs, values, strict=True):
                    live = ref()
                    if live is None or id(live) in done:
                        continue
                    done.add(id(live))
                    if fits(live, value):
                        put(live, value, quietly=id(live) not in main)
                    else:
                        warnings.append(
                            f"a parameter of optimizer {kept.number} ({kept.name}) was reshaped or "
                            "moved during the test and is not put back"
                        )
        for (module_ref, where, name), held in self.slots:
            module = module_ref()
            if module is not None:
                fill_slot(module, where, name, held, done)
        restoring = Restoring()
        for kept in self.optimizers:
            actual = kept.ref()
            if actual is None:
                warnings.append(
                    f"optimizer {kept.number} ({kept.name}) was made anew during the test: its "
                    "state is not put back"
                )
                continue
            kept.restore(actual, restoring)
            if any(id(p) not in done for g in actual.param_groups for p in g["params"]):
                warnings.append(
                    f"a parameter was added to a group of optimizer {kept.number} ({kept.name}) "
                    "during the test and keeps what that made of it"
                )
            if kept is not self.optimizers[0]:
                for group in actual.param_groups:
                    for p in group["params"]:
                        if p.grad is not None and id(p) not in main:
                            p.grad.zero_()
        for scaler_ref, numbers in self.scalers:
            scaler = scaler_ref()
            if scaler is not None:
                restore_scaler(scaler, numbers, restoring)
