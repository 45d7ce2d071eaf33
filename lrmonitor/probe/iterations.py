"""Where one iteration of the training ends: between the steps of the optimizers that it makes.

With several optimizers the main one's step is amid an iteration: what the others are about to step
with was computed by weights that putting a state back would take away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrmonitor.probe.control import Control
    from lrmonitor.probe.steps import Steps

PATIENCE = 16
"""Steps of the main optimizer after which it is not waited any more for the others to step."""


class Iterations:
    """Used by the training thread alone."""

    def __init__(self, control: Control, steps: Steps) -> None:
        self._control = control
        self._steps = steps
        self._stepped: int | None = None
        """The last optimizer but the main one that stepped since the main one did."""
        self._last: int | None = None
        """The one that is the last to step before the main one does again."""
        self._waited = 0

    @property
    def several(self) -> bool:
        """Whether there are more optimizers than the main one."""
        return sum(one.ref() is not None for one in self._steps.optimizers) > 1

    def main_stepped(self, wanted: bool = True) -> bool:
        """The main optimizer has stepped. Whether an iteration ends here; it is only told where it
        is `wanted`. Otherwise the steps of the others are to be told from now on."""
        if not self.several:
            return wanted
        self._last, self._stepped = self._stepped, None
        self._control.follows = True
        for one in self._steps.optimizers[1:]:
            one.attention = True  # so that their steps are told
        if not wanted:
            return False
        self._waited += 1
        return self._waited > PATIENCE

    def other_stepped(self, number: int) -> bool:
        """Another optimizer has stepped: whether the iteration ends here."""
        self._stepped = number
        if number != self._last:
            return False
        self._last = None
        return True

    def used(self) -> None:
        """What was to be done at the end of an iteration is done: the others' steps are not told
        any more, unless `main_stepped` is called again."""
        self._waited = 0
        self._control.follows = False
        self._last = self._stepped = None
