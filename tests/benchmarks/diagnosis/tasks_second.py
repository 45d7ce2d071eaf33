"""The eight tasks of the second round: reported on then, developed on since.

A tagger of sequences, a variational bound, a loss between pairs, a bound of mutual information, a
factorisation, a residual network, counts, and a denoiser. Four of them can have negative losses;
three have losses that depend on which samples share a batch, or on chance.
"""

from __future__ import annotations

import inspect
import io
import keyword
import math
import tokenize

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.diagnosis.task import SECOND, Data, Task, digits, split

TAGS = {
    tokenize.NUMBER: 2,
    tokenize.STRING: 3,
    tokenize.COMMENT: 4,
    tokenize.OP: 5,
}
"""What a character belongs to: 0 nothing, 1 a name, 6 a keyword, and these."""


def _tagged() -> Data:
    """Pieces of a Python module as characters, each to be told what kind of token it is in."""
    source = inspect.getsource(tokenize)[:16000]
    codes = torch.tensor([min(ord(c), 127) - 31 if c != "\n" else 0 for c in source]).clamp(0, 96)
    tags = torch.zeros(len(source), dtype=torch.int64)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = TAGS.get(token.type, 0)
            if token.type == tokenize.NAME:
                kind = 6 if keyword.iskeyword(token.string) else 1
            a = starts[token.start[0] - 1] + token.start[1]
            tags[a : starts[token.end[0] - 1] + token.end[1]] = kind
    except (tokenize.TokenError, IndexError):
        pass  # the piece of the module ends within something
    at = torch.arange(0, len(source) - 20, 6)
    rows = at[:, None] + torch.arange(20)
    return split(codes[rows], tags[rows])


def _digits_copied() -> Data:
    x, _ = digits()
    return split(x, x)


def _digits_images() -> Data:
    x, y = digits()
    return split(x.reshape(-1, 1, 8, 8), y)


def _pairs() -> Data:
    """Two variables that tell of each other: six numbers, and two functions of them."""
    g = torch.Generator().manual_seed(11)
    x = torch.randn(2256, 6, generator=g)
    w = torch.randn(6, 2, generator=g) / 2
    y = torch.tanh(1.5 * x @ w) + 0.2 * torch.randn(2256, 2, generator=g)
    return split(x, y)


def _ratings() -> Data:
    """Ratings from 1 to 5 of 80 things by 120 people: inner products and preferences."""
    g = torch.Generator().manual_seed(12)
    people, things = torch.randn(120, 4, generator=g), torch.randn(80, 4, generator=g)
    who = torch.randint(0, 120, (4352,), generator=g)
    what = torch.randint(0, 80, (4352,), generator=g)
    y = 3 + 0.6 * (people[who] * things[what]).sum(1) + 0.5 * people[who, 0]
    y = (y + 0.3 * torch.randn(4352, generator=g)).clamp(1, 5)
    return split(torch.stack((who, what), 1), y)


def _events() -> Data:
    """Counts whose mean is a power of ten inputs."""
    g = torch.Generator().manual_seed(13)
    x = torch.randn(2256, 10, generator=g)
    w = torch.randn(10, generator=g) / 3
    mean = torch.exp((x @ w + 0.5 * torch.sin(2 * x[:, 0])).clamp(-3, 3) + 0.5)
    return split(x, torch.poisson(mean, generator=g))


def _moons() -> Data:
    """Two crescents in the plane."""
    g = torch.Generator().manual_seed(14)
    y = torch.randint(0, 2, (2256,), generator=g)
    angle = math.pi * torch.rand(2256, generator=g)
    sign = 1.0 - 2.0 * y
    x = torch.stack((torch.cos(angle) + 0.5 * sign, sign * torch.sin(angle) + 0.2 * sign), 1)
    return split(x + 0.05 * torch.randn(2256, 2, generator=g), y)


class _Tagger(nn.Module):
    """A gated recurrent network that reads in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(97, 16)
        self.read = nn.GRU(16, 24, batch_first=True, bidirectional=True)
        self.out = nn.Linear(48, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.read(self.embed(x))[0])  # type: ignore[no-any-return]


class _Variational(nn.Module):
    """Images through six random numbers; mean, deviation, and the code's mean and log deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 40), nn.Tanh(), nn.Linear(40, 12))
        self.decode = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 128))

    def forward(self, x: Tensor) -> Tensor:
        code = self.encode(x)
        mean, log_sd = code.split(6, 1)
        drawn = mean + torch.exp(log_sd) * torch.randn_like(mean)
        return torch.cat((self.decode(drawn), code), 1)


class _Factors(nn.Module):
    """Each person and each thing as eight numbers; a layer weighs their products."""

    def __init__(self) -> None:
        super().__init__()
        self.people, self.things = nn.Embedding(120, 8), nn.Embedding(80, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        product = self.people(x[:, 0]) * self.things(x[:, 1])
        return self.out(product)[:, 0]  # type: ignore[no-any-return]


class _Residual(nn.Module):
    """Two blocks around which their input goes, batch normalisation and dropout in them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.Conv2d(8, 8, 3, padding=1),
                nn.Dropout2d(0.1),
                nn.Conv2d(8, 8, 3, padding=1),
            )
            for _ in range(2)
        )
        self.out = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.out(F.adaptive_avg_pool2d(hidden, 2).flatten(1))  # type: ignore[no-any-return]


class _Denoiser(nn.Module):
    """Adds noise of a random strength to points; the difference of the noise and its guess."""

    def __init__(self) -> None:
        super().__init__()
        self.guess = nn.Sequential(
            nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        turn = 0.5 * math.pi * torch.rand(len(x), 1)
        noise = torch.randn_like(x)
        mixed = torch.cos(turn) * x + torch.sin(turn) * noise
        return noise - self.guess(  # type: ignore[no-any-return]
            torch.cat((mixed, torch.cos(turn), torch.sin(turn)), 1)
        )


def _pair_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.LeakyReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.LeakyReLU(),
        nn.Flatten(),
        nn.Linear(64, 8),
    )


def _three_layers(inputs: int, outputs: int, act: type[nn.Module]) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, 48), act(), nn.Linear(48, 48), act(), nn.Linear(48, outputs)
    )


def _tagging(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out.reshape(-1, 7), y.reshape(-1))


def _bound(out: Tensor, y: Tensor) -> Tensor:
    """The negative evidence lower bound a pixel (Kingma and Welling 2013), from below zero on."""
    mean, spread, code, log_sd = out.split((64, 64, 6, 6), 1)
    sd = 0.05 + F.softplus(spread)
    told = (torch.log(sd) + 0.5 * ((y - mean) / sd).pow(2)).mean()
    far = 0.5 * (code.pow(2) + torch.exp(2 * log_sd) - 1 - 2 * log_sd).sum(1).mean()
    bound: Tensor = told + far / 64
    return bound


def _siamese(out: Tensor, y: Tensor) -> Tensor:
    """Pairs of the same digit near each other, others two apart (Hadsell et al. 2006)."""
    apart = (out[:, None] - out[None]).pow(2).sum(2)
    same = (y[:, None] == y[None]).float()
    alike = same - torch.eye(len(y))
    gap = F.relu(2 - torch.sqrt(apart + 1e-6)) ** 2
    near = (alike * apart).sum() / alike.sum().clamp(min=1)
    return near + ((1 - same) * gap).sum() / (1 - same).sum().clamp(min=1)


def _waves_of(y: Tensor) -> Tensor:
    """Sixteen fixed waves over the plane."""
    angle = torch.arange(16) * 2.4
    along = torch.stack((torch.cos(angle), torch.sin(angle))) * (0.5 + torch.arange(16) / 4)
    waves: Tensor = torch.cos(y @ along + torch.arange(16))
    return waves


def _information(out: Tensor, y: Tensor) -> Tensor:
    """Minus Donsker and Varadhan's bound of the mutual information: pairs against mixed pairs."""
    score = out @ _waves_of(y).T
    n = len(score)
    mixed = score.masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)
    return torch.logsumexp(mixed.flatten(), 0) - math.log(n * (n - 1)) - score.diagonal().mean()


def _counts(out: Tensor, y: Tensor) -> Tensor:
    """Negative log-likelihood of counts, the logarithm of whose mean is learnt."""
    return (torch.exp(out[:, 0]) - y * out[:, 0]).mean()


def _left(out: Tensor, y: Tensor) -> Tensor:
    return out.pow(2).sum(1).mean()


SECONDS = (
    Task("elbo", SECOND, _digits_copied, _Variational, _bound, 32, in_batches=True),
    Task("siamese", SECOND, _digits_images, _pair_network, _siamese, 32, in_batches=True),
    Task("information", SECOND, _pairs, lambda: _three_layers(6, 16, nn.ELU), _information, 48,
         in_batches=True),
    Task("factors", SECOND, _ratings, _Factors, F.mse_loss, 64, in_batches=True),
    Task("residual", SECOND, _digits_images, _Residual, F.cross_entropy, 12, in_batches=True),
    Task("counts", SECOND, _events, lambda: _three_layers(10, 1, nn.ReLU), _counts, 32,
         in_batches=True),
    Task("denoiser", SECOND, _moons, _Denoiser, _left, 64, in_batches=True),
    Task("tagger", SECOND, _tagged, _Tagger, _tagging, 16, in_batches=True),
)  # fmt: skip
