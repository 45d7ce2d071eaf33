"""Guards: what is a spike, what a step left out leaves alone, and what the record tells."""

from __future__ import annotations

import copy
import functools
import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.link.messages import CommandError, GuardCommand, parse_command
from lrmonitor.model.guards import Guards
from lrmonitor.model.journal import entry
from lrmonitor.probe import gradients, hiding
from lrmonitor.probe.usual import LEAST, MAD, WINDOW, Usual

torch = pytest.importorskip("torch")

FINITE = st.floats(-1e6, 1e6)


def usual(values: list[float]) -> Usual:
    """What has seen these values."""
    made = Usual()
    for value in values:
        made.add(value)
    return made


def plainly(values: list[float], noises: float, times: float) -> float:
    """The bound by its definition."""
    last = values[-WINDOW:]
    positive = all(value > 0 for value in values)
    axis = [math.log(value) for value in last] if positive else last
    noise = MAD * statistics.median(abs(b - a) for a, b in itertools.pairwise(axis))
    median, rise = statistics.median(axis), noises * noise / math.sqrt(2)
    if positive:
        return math.exp(median + max(rise, math.log(times)))
    rise = max(rise, (times - 1) * abs(median))
    return median + rise if rise > 0 else math.inf


@given(st.lists(FINITE | st.floats(1e-6, 10), min_size=LEAST, max_size=200))
def test_the_bound_is_what_it_is_said_to_be(values: list[float]) -> None:
    assert usual(values).bound(8, 1.5) == pytest.approx(plainly(values, 8, 1.5), rel=1e-6, abs=1e-9)


def test_too_few_values_tell_nothing_and_others_than_numbers_are_left_out() -> None:
    made = usual([1.0] * (LEAST - 1) + [math.nan, math.inf, -math.inf])
    assert made.bound(8, 1.5) == math.inf
    made.add(1.0)
    assert made.bound(8, 1.5) == pytest.approx(1.5)
    assert usual([0.0] * 20).bound(8, 1.5) == math.inf


def test_below_zero_a_spike_is_above_as_well() -> None:
    bound = usual([-10 + 0.1 * (i % 3) for i in range(64)]).bound(8, 1.5)
    assert -9 < bound < 0


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "SGD fused": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=True, weight_decay=0.1),
    "SGD maximizing": lambda p: torch.optim.SGD(p, lr=0.1, maximize=True, foreach=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1, amsgrad=True),
    "Adam foreach": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1, foreach=True),
    "Adam fused": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1, fused=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.1),
    "AdamW foreach": lambda p: torch.optim.AdamW(p, lr=0.1, foreach=True),
    "AdamW fused": lambda p: torch.optim.AdamW(p, lr=0.1, fused=True),
    "AdamW tensor": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.1)),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "RMSprop foreach": lambda p: torch.optim.RMSprop(p, lr=0.1, centered=True, foreach=True),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, weight_decay=0.1),
    "Adagrad foreach": lambda p: torch.optim.Adagrad(p, lr=0.1, foreach=True),
    "Adagrad fused": lambda p: torch.optim.Adagrad(p, lr=0.1, fused=True),
    **{
        name: functools.partial(getattr(torch.optim, name), lr=0.1)
        for name in ("NAdam", "RAdam", "Adamax", "Adadelta", "ASGD", "Rprop", "Adafactor")
        if hasattr(torch.optim, name)
    },
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_without_gradients_leaves_everything_as_it_is(name: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
    optimizer = OPTIMIZERS[name](model.parameters())
    assert hiding.problem(optimizer) is None

    def backward() -> None:
        optimizer.zero_grad()
        model(torch.randn(5, 3)).square().mean().backward()

    def numbers() -> Any:
        options = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        return copy.deepcopy([list(model.parameters()), list(optimizer.state.values()), options])

    for steps in (1, 2):  # without a state, and with one
        backward()
        before = numbers()
        found = [p.grad.clone() for p in model.parameters()]
        hidden: hiding.Hidden = []
        hiding.hide(optimizer, hidden)
        optimizer.step()
        hiding.reveal(hidden)
        after = numbers()
        torch.testing.assert_close(after, before, rtol=0, atol=0, equal_nan=True)
        assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), found, strict=True))
        optimizer.step()
        changed = any(
            not torch.equal(a, b) for a, b in zip(model.parameters(), before[0], strict=True)
        )
        assert changed, f"round {steps}: the gradients were not given back"


class Clipping(torch.optim.SGD):  # type: ignore[misc, name-defined]
    """Does something to gradients that must be there."""

    def step(self, closure: Any = None) -> Any:
        """Clip by hand."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad.clamp_(-1, 1)
        return super().step(closure)


class Counting(torch.optim.SGD):  # type: ignore[misc, name-defined]
    """Touches no gradients."""

    def step(self, closure: Any = None) -> Any:
        """One more."""
        return super().step(closure)


class Careful(Clipping):
    """Looks first."""

    def step(self, closure: Any = None) -> Any:
        """Only those that are there."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.clamp_(-1, 1)
        return super(Clipping, self).step(closure)


def test_an_optimizer_that_may_fail_without_gradients_is_seen() -> None:
    def problem(kind: Any) -> str | None:
        return hiding.problem(kind([torch.zeros(2, requires_grad=True)], lr=0.1))

    assert problem(Counting) is None
    assert problem(Careful) is None
    assert "Clipping does not look" in str(problem(Clipping))
    assert "LBFGS" in str(problem(torch.optim.LBFGS))
    written: dict[str, Any] = {"base": torch.optim.SGD}
    exec("class Typed(base):\n    def step(self):\n        super().step()", written)
    assert "the source of Typed cannot be read" in str(problem(written["Typed"]))


def test_the_norm_and_whether_gradients_are_finite() -> None:
    a, b = (torch.zeros(2, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([a, b], lr=0.1)
    assert gradients.norm(optimizer) == (0.0, True)
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert gradients.norm(optimizer) == (5.0, True)
    a.grad = torch.tensor([3e30, 0.0])  # its square is more than float32 holds
    norm, finite = gradients.norm(optimizer)
    assert finite
    assert norm == pytest.approx(3e30)
    b.grad = torch.tensor([0.0, math.inf])
    assert not gradients.norm(optimizer)[1]
    b.grad = torch.sparse_coo_tensor([[1, 1]], [math.nan, 1.0], (2,), check_invariants=True)
    assert not gradients.norm(optimizer)[1]
    c = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
    c.grad = torch.tensor([3 + 4j, 0])
    assert gradients.norm(torch.optim.SGD([c], lr=0.1)) == (5.0, True)
    d = torch.zeros(2, dtype=torch.float16, requires_grad=True)
    d.grad = torch.tensor([6e4, 6e4], dtype=torch.float16)
    norm, finite = gradients.norm(torch.optim.SGD([d, a], lr=0.1))
    assert finite
    assert norm == pytest.approx(3e30)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "on must be one of"),
        ({"on": "nan"}, "on must be one of non-finite, spike, gradient"),
        ({"on": "spike", "then": "stop"}, "then must be one of skip, pause, rewind, or off"),
        ({"on": "non-finite", "bound": 3}, "has no bound"),
        ({"on": "spike", "bound": -1}, "bound must be a number from 0"),
        ({"on": "spike", "bound": math.nan}, "bound must be a number"),
        ({"on": "spike", "times": 0.5}, "times must be a number from 1"),
        ({"on": "spike", "bound": 0, "times": 1}, "every second step"),
        ({"on": "spike", "at_most": 0}, "at_most must be 1 or more"),
        ({"on": "spike", "at_most": 2.5}, "at_most must be a whole number"),
        ({"on": "spike", "scale": 0.5}, "scale goes with rewind"),
        ({"on": "spike", "then": "rewind", "scale": -1.0}, "below 0"),
        ({"on": "spike", "then": "off", "bound": 3}, "off takes no bound"),
        ({"on": "spike", "sync": "yes"}, "sync must be true or false"),
    ],
)
def test_what_cannot_be_meant_is_refused(args: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        GuardCommand(**args)


def test_the_command_goes_over_the_wire() -> None:
    sent = GuardCommand(on="spike", then="rewind", bound=9, scale=0.5, at_most=3)
    assert parse_command({k: v for k, v in sent.to_json().items() if k != "type"}) == sent


def test_what_the_record_tells() -> None:
    guards = Guards()
    spike = {
        "on": "spike",
        "then": "rewind",
        "bound": 8.0,
        "times": 1.5,
        "at_most": 2,
        "scale": 0.5,
    }
    on = {"event": "guards", "time": 1.0, "step": 5, "on": [{**spike, "acted": 0}]}
    acted = {
        "event": "guard",
        "time": 2.0,
        "step": 9,
        "on": "spike",
        "then": "rewind",
        "optimizer": 1,
        "what": "loss",
        "value": 7.5,
        "bound": 2.0,
        "acted": 1,
        "at_most": 2,
    }
    broken: dict[str, Any] = {"event": "guards", "on": [{"on": "spike"}]}
    for event in (on, acted, broken, {"event": "guard"}):
        guards.take(event)
    assert list(guards.on) == ["spike"]
    assert guards.counts["spike"] == 1
    assert guards.last is not None
    assert (guards.last.step, guards.last.value) == (9, 7.5)
    found = [entry("rank 0", e) for e in (on, acted)]
    assert [one.text if one else "" for one in found] == [
        "Guards: at a spike of the loss (above 8 × noise and 1.5 ×) rewind with the rate ×0.5, "
        "2 times at most",
        "Guard: loss 7.5, above 2 of optimizer 1; rewound, step left out (1 of 2)",
    ]
    nan = entry("rank 0", {**acted, "value": "nan", "instead": "no snapshot is kept"})
    assert nan is not None
    assert "loss is not finite" in nan.text
    assert nan.text.endswith("step left out, not rewound: no snapshot is kept (1 of 2)")
    guards.take({"event": "ended"})
    assert guards.on == {}
