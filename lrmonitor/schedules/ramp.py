"""Ramps: from one rate to another in a number of steps."""

from __future__ import annotations

import math


def between(start: float, goal: float, step: int, steps: int) -> float:
    """The rate at step 0, 1, … of a ramp of `steps` steps from `start` to `goal`.

    With w = (step + 1) / steps it is start^(1 - w) · goal^w, equal factors a step; where either is
    0 or below, start + (goal - start) · w. Its first step has moved already, its last one is the
    goal, bit by bit. `goal` may be another one at each step (a schedule goes on under the ramp).
    """
    if step + 1 >= steps or start == goal:
        return goal
    share = (step + 1) / steps
    if start > 0 and goal > 0:
        # Two powers: each is of the size of its rate, where the power of their ratio may overflow.
        return float(math.pow(start, 1 - share) * math.pow(goal, share))
    return start + (goal - start) * share
