"""Twelve tasks unlike the eighteen before: the seven of a third round's test, the five of a
fourth.

Graphs, triplets, a conditional flow field, a forecast by quantiles, experts behind a gate, many
labels at once, masked characters, a policy from logged choices (its loss is minus a reward), a
differential equation, distillation, alignment free transcription (flat for long at first), and a
density by coupled layers. Three can have negative losses; four are random or depend on which
samples share a batch.
"""

from __future__ import annotations

import calendar
import inspect
import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.diagnosis.task import TEST, THIRD, Data, Task, split

NODES = 10
ACTIONS = 5
MASKED = 97
"""The code of a hidden character."""


def _graphs() -> Data:
    """Graphs of ten nodes of four kinds: two communities, a ring, a hub, and chance. A row a node:
    its (normalised) neighbours, its degree, and two numbers that say nothing."""
    g = torch.Generator().manual_seed(21)
    count = 1456
    y = torch.randint(0, 4, (count,), generator=g)
    i = torch.arange(NODES)
    half = ((i[:, None] < 5) == (i[None] < 5)).float()
    gap = (i[:, None] - i[None]).abs()
    ring = ((gap == 1) | (gap == NODES - 1)).float()
    hub = ((i[:, None] == 0) ^ (i[None] == 0)).float()
    chance = torch.stack((0.03 + 0.75 * half, 0.1 + 0.9 * ring, 0.2 + 0.8 * hub, torch.full_like(
        half, 0.33)))  # fmt: skip
    drawn = (torch.rand(count, NODES, NODES, generator=g) < chance[y]).float().triu(1)
    order = torch.argsort(torch.rand(count, NODES, generator=g), 1)
    links = drawn + drawn.transpose(1, 2) + torch.eye(NODES)
    links = links.gather(1, order[:, :, None].expand(-1, -1, NODES))
    links = links.gather(2, order[:, None].expand(-1, NODES, -1))
    degree = links.sum(2, keepdim=True)
    other = torch.randn(count, NODES, 2, generator=g)
    return split(torch.cat((links / degree, degree / 5, other), 2), y)


def _clusters() -> Data:
    """Eight noisy clusters, bent."""
    g = torch.Generator().manual_seed(22)
    centre = torch.randn(8, 12, generator=g)
    y = torch.randint(0, 8, (2256,), generator=g)
    x = centre[y] + 0.7 * torch.randn(2256, 12, generator=g)
    return split(torch.cat((torch.sin(x), x**2 / 2), 1), y)


def _spirals() -> Data:
    """Three arms of a spiral in the plane, and which arm it is (three columns)."""
    g = torch.Generator().manual_seed(23)
    y = torch.randint(0, 3, (2256,), generator=g)
    radius = torch.rand(2256, generator=g)
    angle = 3 * radius + 2 * math.pi * y / 3
    x = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), 1) * 2
    x = x + 0.05 * torch.randn(2256, 2, generator=g)
    return split(torch.cat((x, F.one_hot(y, 3).float()), 1), y)


def _season() -> Data:
    """Pieces of 32 values of series with two periods and a wandering level; the next four."""
    g = torch.Generator().manual_seed(24)
    at = torch.arange(36)
    phase = 2 * math.pi * torch.rand(2256, 2, 1, generator=g)
    size = 0.5 + torch.rand(2256, 2, 1, generator=g)
    waves = size * torch.sin(2 * math.pi * at / torch.tensor([[7.0], [19.0]]) + phase)
    level = 0.1 * torch.randn(2256, 36, generator=g).cumsum(1)
    series = waves.sum(1) + level + 0.1 * torch.randn(2256, 36, generator=g)
    return split(series[:, :32], series[:, 32:])


def _regions() -> Data:
    """A function that is linear in each of four parts of the space; some targets are far off."""
    g = torch.Generator().manual_seed(25)
    x = torch.randn(2256, 6, generator=g)
    part = 2 * (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    slopes = torch.randn(4, 6, generator=g)
    y = (x * slopes[part]).sum(1) + 0.1 * torch.randn(2256, generator=g)
    odd = torch.rand(2256, generator=g) < 0.03
    return split(x, torch.where(odd, 5 * y, y)[:, None])


def _marks() -> Data:
    """Twelve labels at once, some rare, by squares and products of thirty inputs."""
    g = torch.Generator().manual_seed(26)
    x = torch.randn(2256, 30, generator=g)
    a, b = torch.randn(2, 30, 12, generator=g) / 30**0.5
    score = x @ a + (x @ b) ** 2 - torch.linspace(0.5, 2.5, 12)
    return split(x, (score + 0.2 * torch.randn(2256, 12, generator=g) > 0).float())


def _hidden() -> Data:
    """Pieces of a Python module as characters, of which the network hides some."""
    source = inspect.getsource(calendar)[:14000]
    codes = torch.tensor([min(ord(c), 127) - 31 if c != "\n" else 0 for c in source]).clamp(0, 96)
    at = torch.arange(0, len(codes) - 16, 6)
    x = codes[at[:, None] + torch.arange(16)]
    return split(x, x)


def _choices() -> Data:
    """Situations, the choice of one in five that was made by chance, and its reward."""
    g = torch.Generator().manual_seed(27)
    x = torch.randn(4352, 8, generator=g)
    w = torch.randn(8, ACTIONS, generator=g) / 8**0.5
    taken = torch.randint(0, ACTIONS, (4352,), generator=g)
    mean = torch.tanh(1.5 * x @ w)
    reward = mean[torch.arange(4352), taken] + 0.3 * torch.randn(4352, generator=g)
    return split(x, torch.stack((taken.float(), reward), 1))


def _moments() -> Data:
    """Times, decays and frequencies, and what drives the equation then."""
    g = torch.Generator().manual_seed(28)
    x = torch.rand(2256, 3, generator=g) * torch.tensor([2.0, 1.5, 2.0])
    x = x + torch.tensor([0.0, 0.5, 1.0])
    return split(x, 2 * torch.cos(2 * x[:, 2] * x[:, 0]))


def _taught() -> Data:
    """The ten scores that a fixed random network gives to twenty inputs."""
    g = torch.Generator().manual_seed(29)
    x = torch.randn(2256, 20, generator=g)
    a, b = torch.randn(20, 40, generator=g) / 20**0.5, torch.randn(40, 10, generator=g) / 40**0.5
    return split(x, 6 * torch.tanh(1.5 * x @ a) @ b)


def _spoken() -> Data:
    """Twenty frames of six noisy numbers in which four of five symbols were said, each for three to
    seven frames; the symbols (from 1)."""
    g = torch.Generator().manual_seed(30)
    sound = torch.randn(6, 6, generator=g)
    x, y = [], []
    for _ in range(1256):
        said = [int(torch.randint(1, 6, (1,), generator=g))]
        while len(said) < 4:
            following = int(torch.randint(1, 6, (1,), generator=g))
            said += [following] if following != said[-1] else []
        frames: list[int] = []
        for symbol in said:
            frames += [symbol] * int(torch.randint(3, 8, (1,), generator=g))
        frames = (frames + [0] * 20)[:20]
        x.append(sound[frames] + 0.7 * torch.randn(20, 6, generator=g))
        y.append(torch.tensor(said))
    return split(torch.stack(x), torch.stack(y))


def _blades() -> Data:
    """Points on five bent blades in the plane."""
    g = torch.Generator().manual_seed(31)
    y = torch.randint(0, 5, (2256,), generator=g)
    radius = 0.1 + 0.3 * torch.rand(2256, generator=g)
    angle = 2 * math.pi * y / 5 + 2 * radius + 0.1 * torch.randn(2256, generator=g)
    return split(torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), 1), y)


class _Graph(nn.Module):
    """Two rounds of messages between neighbours; the mean and the largest over the nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 24), nn.Linear(24, 24)
        self.out = nn.Linear(48, 4)

    def forward(self, x: Tensor) -> Tensor:
        links, hidden = x[:, :, :NODES], x[:, :, NODES:]
        hidden = F.relu(links @ self.first(hidden))
        hidden = F.relu(links @ self.second(hidden))
        pooled = torch.cat((hidden.mean(1), hidden.amax(1)), 1)
        return self.out(pooled)  # type: ignore[no-any-return]


class _Flow(nn.Module):
    """The direction from noise to a point of a known arm, at a random moment between (Lipman et
    al. 2023); gives the difference from the true one."""

    def __init__(self) -> None:
        super().__init__()
        self.guess = nn.Sequential(
            nn.Linear(6, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        moment, noise = torch.rand(len(x), 1), torch.randn(len(x), 2)
        point = x[:, :2]
        mixed = (1 - moment) * noise + moment * point
        told = self.guess(torch.cat((mixed, x[:, 2:], moment), 1))
        return point - noise - told  # type: ignore[no-any-return]


class _Forecast(nn.Module):
    """Convolutions over time that reach ever further back; three quantiles of four values."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 12, 3)
        self.deeper = nn.ModuleList(nn.Conv1d(12, 12, 3, dilation=d) for d in (2, 4))
        self.out = nn.Linear(12 * 18, 12)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.first(x[:, None]))
        for layer in self.deeper:
            hidden = F.relu(layer(hidden))
        return self.out(hidden.flatten(1))  # type: ignore[no-any-return]


class _Experts(nn.Module):
    """Four small networks, weighed by a gate that sees the input; their sum, and the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.gate = nn.Linear(6, 4 * 16), nn.Linear(6, 4)
        self.last = nn.Parameter(0.25 * torch.randn(4, 16))

    def forward(self, x: Tensor) -> Tensor:
        told = (F.relu(self.hidden(x)).unflatten(1, (4, 16)) * self.last).sum(2)
        weight = self.gate(x).softmax(1)
        return torch.cat(((weight * told).sum(1, keepdim=True), weight), 1)


class _Masked(nn.Module):
    """A block of attention in both directions over characters of which a quarter is hidden; scores
    for each, and (last column) whether it was hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(98, 32)
        self.place = nn.Parameter(0.02 * torch.randn(16, 32))
        self.mixed, self.joined = nn.Linear(32, 96), nn.Linear(32, 32)
        self.up, self.down = nn.Linear(32, 64), nn.Linear(64, 32)
        self.norms = nn.ModuleList(nn.LayerNorm(32) for _ in range(2))
        self.out = nn.Linear(32, 97)

    def forward(self, x: Tensor) -> Tensor:
        hide = torch.rand(x.shape) < 0.25
        hidden = self.embed(x.masked_fill(hide, MASKED)) + self.place
        q, k, v = (
            part.unflatten(2, (2, 16)).transpose(1, 2) for part in self.mixed(hidden).split(32, 2)
        )
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        hidden = self.norms[0](hidden + self.joined(seen))
        hidden = self.norms[1](hidden + self.down(F.relu(self.up(hidden))))
        return torch.cat((self.out(hidden), hide[:, :, None].float()), 2)


class _Equation(nn.Module):
    """A function of time that is 1 at 0, for each decay and frequency; its derivative by time goes
    through the layers beside it. Gives u' + decay × u."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList((nn.Linear(3, 32), nn.Linear(32, 32)))
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden, slope = x, torch.tensor([1.0, 0.0, 0.0]).expand(len(x), 3)
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            hidden = torch.tanh(layer(hidden))
            slope = (1 - hidden**2) * (slope @ layer.weight.T)
        time, told = x[:, :1], self.out(hidden)
        u = 1 + time * told
        rate = told + time * (slope @ self.out.weight.T)
        return (rate + x[:, 1:2] * u)[:, 0]  # type: ignore[no-any-return]


class _Spoken(nn.Module):
    """A score for silence and each symbol, a frame, from five frames around it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.around = nn.Linear(6, 24), nn.Conv1d(24, 24, 5, padding=2)
        self.out = nn.Linear(24, 6)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.first(x)).transpose(1, 2)
        hidden = F.relu(self.around(hidden)).transpose(1, 2)
        return self.out(hidden).log_softmax(2)  # type: ignore[no-any-return]


class _Coupled(nn.Module):
    """Three layers that each shift and scale one coordinate by the other (Dinh et al. 2017); the
    point in the simple space, and the logarithm of the volume's change."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleList(nn.Linear(1, 24) for _ in range(3))
        self.outer = nn.ModuleList(nn.Linear(24, 2) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        a, b = x[:, :1], x[:, 1:]
        volume = torch.zeros_like(a)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            shift, scale = outer(F.silu(inner(a))).split(1, 1)
            scale = 2 * torch.tanh(scale)
            a, b, volume = b * torch.exp(scale) + shift, a, volume + scale
        return torch.cat((a, b, volume), 1)


def _triplets(out: Tensor, y: Tensor) -> Tensor:
    """Over all triplets of a batch: nearer to the same than to another, by 1 (Schroff et al.
    2015)."""
    apart = torch.sqrt((out[:, None] - out[None]).pow(2).sum(2) + 1e-6)
    same = y[:, None] == y[None]
    alike = same & ~torch.eye(len(y), dtype=torch.bool)
    valid = (alike[:, :, None] & ~same[:, None, :]).float()
    loss = F.relu(apart[:, :, None] - apart[:, None, :] + 1)
    return (valid * loss).sum() / valid.sum().clamp(min=1)


def _squared(out: Tensor, y: Tensor) -> Tensor:
    return out.pow(2).sum(1).mean()


def _quantiles(out: Tensor, y: Tensor) -> Tensor:
    """The pinball loss of the quantiles 0.1, 0.5 and 0.9."""
    off = y[:, :, None] - out.unflatten(1, (4, 3))
    at = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(at * off, (at - 1) * off).mean()


def _gated(out: Tensor, y: Tensor) -> Tensor:
    """Huber's loss, and a little for experts that are used unevenly."""
    uneven = (4 * out[:, 1:].mean(0) - 1).pow(2).mean()
    return F.huber_loss(out[:, :1], y) + 0.02 * uneven


def _restored(out: Tensor, y: Tensor) -> Tensor:
    """The cross-entropy of the hidden characters."""
    hide = out[:, :, -1]
    each = F.cross_entropy(out[:, :, :-1].transpose(1, 2), y, reduction="none")
    return (hide * each).sum() / hide.sum().clamp(min=1)


def _policy(out: Tensor, y: Tensor) -> Tensor:
    """Minus the reward that the policy would have had, by the choices that chance made, and a
    little for being undecided."""
    chance = out.softmax(1)
    taken = chance.gather(1, y[:, :1].long())[:, 0]
    undecided = -(chance * out.log_softmax(1)).sum(1).mean()
    return -(ACTIONS * taken * y[:, 1]).mean() - 0.02 * undecided


def _as_taught(out: Tensor, y: Tensor) -> Tensor:
    """The divergence from the teacher's scores at temperature 2 (Hinton et al. 2015)."""
    told, taught = (out / 2).log_softmax(1), (y / 2).log_softmax(1)
    return 4 * F.kl_div(told, taught, reduction="batchmean", log_target=True)


def _transcribed(out: Tensor, y: Tensor) -> Tensor:
    n = len(out)
    return F.ctc_loss(out.transpose(0, 1), y, torch.full((n,), 20), torch.full((n,), 4))


def _coupling(out: Tensor, y: Tensor) -> Tensor:
    return (0.5 * out[:, :2].pow(2).sum(1) - out[:, 2]).mean()


def _layers(*widths: int, act: type[nn.Module], drop: float = 0.0) -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), act(), nn.Dropout(drop)]
    return nn.Sequential(*layers[:-2])


TESTED = (
    Task("graph", THIRD, _graphs, _Graph, F.cross_entropy, 24),
    Task("bandit", THIRD, _choices, lambda: _layers(8, 32, 5, act=nn.ReLU), _policy, 64),
    Task("equation", THIRD, _moments, _Equation, F.mse_loss, 32),
    Task("triplet", THIRD, _clusters, lambda: _layers(24, 32, 6, act=nn.ReLU), _triplets, 24,
         in_batches=True),
    Task("forecast", THIRD, _season, _Forecast, _quantiles, 24),
    Task("transcribed", THIRD, _spoken, _Spoken, _transcribed, 12),
    Task("labels", THIRD, _marks, lambda: _layers(30, 48, 12, act=nn.Mish, drop=0.1),
         F.binary_cross_entropy_with_logits, 24),
    Task("coupled", TEST, _blades, _Coupled, _coupling, 48),
    Task("experts", TEST, _regions, _Experts, _gated, 32, in_batches=True),
    Task("distilled", TEST, _taught, lambda: _layers(20, 24, 24, 10, act=nn.Hardswish), _as_taught,
         20),
    Task("flow", TEST, _spirals, _Flow, _squared, 48, in_batches=True),
    Task("masked", TEST, _hidden, _Masked, _restored, 8, in_batches=True),
)  # fmt: skip
