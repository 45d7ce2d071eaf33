"""The ten tasks that thresholds were developed on.

The two digit tasks of different parts share their images, since no other images come with the
project; what is trained on them differs.
"""

from __future__ import annotations

import inspect
import itertools
import math
import textwrap

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.diagnosis.task import DEV, SEEN, Data, Task, digits, split


def _digits_flat() -> Data:
    return split(*digits())


def _digits_images() -> Data:
    x, y = digits()
    return split(x.reshape(-1, 1, 8, 8), y)


def _digits_copied() -> Data:
    x, _ = digits()
    return split(x, x)


def _text(source: str, length: int) -> Data:
    """Overlapping pieces of a text as characters; the target is the next character."""
    codes = torch.tensor([min(ord(c), 127) - 31 if c != "\n" else 0 for c in source]).clamp(0, 96)
    starts = torch.arange(0, len(codes) - length - 1, 7)
    x = torch.stack([codes[s : s + length] for s in starts.tolist()])
    y = torch.stack([codes[s + 1 : s + length + 1] for s in starts.tolist()])
    return split(x, y)


def _text_lstm() -> Data:
    return _text(inspect.getsource(textwrap), 10)


def _text_transformer() -> Data:
    return _text(inspect.getsource(inspect)[:20000], 16)


def _waves() -> Data:
    """A smooth function of eight inputs with a little noise."""
    g = torch.Generator().manual_seed(3)
    x = torch.randn(2256, 8, generator=g)
    w = torch.randn(8, 4, generator=g) / 2
    y = torch.sin(x @ w).sum(1, keepdim=True) + 0.05 * torch.randn(2256, 1, generator=g)
    return split(x, y)


def _rings() -> Data:
    """Points on noisy rings in the plane: a density to be learnt."""
    g = torch.Generator().manual_seed(4)
    radius = torch.randint(1, 4, (2256,), generator=g) / 10 + 0.005 * torch.randn(2256, generator=g)
    angle = 2 * math.pi * torch.rand(2256, generator=g)
    x = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), 1)
    return split(x[:, :1], x[:, 1:])


def _classes() -> Data:
    """Twenty noisy clusters in sixteen dimensions behind a rotation and a fold."""
    g = torch.Generator().manual_seed(5)
    centre = 1.5 * torch.randn(20, 16, generator=g)
    y = torch.randint(0, 20, (2256,), generator=g)
    x = centre[y] + torch.randn(2256, 16, generator=g)
    return split(torch.cat((x.abs(), torch.sin(2 * x)), 1), y)


class _Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(97, 24)
        self.lstm = nn.LSTM(24, 48, batch_first=True)
        self.out = nn.Linear(48, 97)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(self.embed(x))[0])  # type: ignore[no-any-return]


class _Transformer(nn.Module):
    """Two blocks of causal attention with one head and a small network, normalised before each."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(97, 32)
        self.place = nn.Parameter(0.02 * torch.randn(16, 32))
        self.mixed = nn.ModuleList(nn.Linear(32, 96) for _ in range(2))
        self.up = nn.ModuleList(nn.Linear(32, 64) for _ in range(2))
        self.down = nn.ModuleList(nn.Linear(64, 32) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(32) for _ in range(4))
        self.out = nn.Linear(32, 97)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.embed(x) + self.place
        for i, (mixed, up, down) in enumerate(zip(self.mixed, self.up, self.down, strict=True)):
            q, k, v = mixed(self.norms[2 * i](hidden)).split(32, -1)
            hidden = hidden + F.scaled_dot_product_attention(q, k, v, is_causal=True)
            hidden = hidden + down(F.gelu(up(self.norms[2 * i + 1](hidden))))
        return self.out(hidden)  # type: ignore[no-any-return]


def _dense(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])


def _convs(norm: bool) -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in ((1, 8), (8, 16)):
        layers.append(nn.Conv2d(a, b, 3, padding=1))
        if norm:
            layers.append(nn.BatchNorm2d(b))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 10))


def _cross_entropy(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out.reshape(-1, out.shape[-1]), y.reshape(-1))


def _gaussian(out: Tensor, y: Tensor) -> Tensor:
    """Negative log-likelihood of a normal distribution whose mean and log deviation are learnt."""
    mean, log_sd = out[:, :1], out[:, 1:]
    return (log_sd + 0.5 * ((y - mean) * torch.exp(-log_sd)) ** 2).mean()


def _mixture(out: Tensor, y: Tensor) -> Tensor:
    """Negative log-likelihood of a mixture of eight normal distributions."""
    logit, mean, log_sd = out.split(8, 1)
    z = (y - mean) * torch.exp(-log_sd)
    return -torch.logsumexp(logit.log_softmax(1) - log_sd - 0.5 * z**2, 1).mean()


def _summed(out: Tensor, y: Tensor) -> Tensor:
    return ((out - y) ** 2).sum() * 10


DEVELOPED = (
    Task("mlp", DEV, _digits_flat, lambda: _dense(64, 48, 48, 10), _cross_entropy),
    Task("cnn", DEV, _digits_images, lambda: _convs(False), _cross_entropy),
    Task("regression", DEV, _waves, lambda: _dense(8, 64, 64, 1, act=nn.Tanh), F.mse_loss),
    Task("gaussian", DEV, _waves, lambda: _dense(8, 64, 64, 2, act=nn.Tanh), _gaussian),
    Task("lstm", DEV, _text_lstm, _Lstm, _cross_entropy, 16),
    Task("cnn_norm", SEEN, _digits_images, lambda: _convs(True), _cross_entropy, 16),
    Task("autoencoder", SEEN, _digits_copied, lambda: _dense(64, 48, 12, 48, 64), _summed),
    Task("mixture", SEEN, _rings, lambda: _dense(1, 48, 48, 24, act=nn.SiLU), _mixture),
    Task(
        "deep",
        SEEN,
        _classes,
        lambda: _dense(32, 40, 40, 40, 40, 20, act=nn.GELU),
        _cross_entropy,
        16,
    ),
    Task("transformer", SEEN, _text_transformer, _Transformer, _cross_entropy, 12),
)
