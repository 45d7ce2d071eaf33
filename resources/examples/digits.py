"""Teach a small convolutional network to read handwritten digits.

An ordinary PyTorch script: nothing in it knows of lrmonitor. The data, beside this file, are the
1,797 digits of 8 x 8 pixels of the test set of "Optical Recognition of Handwritten Digits" by
E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49,
licensed under CC BY 4.0.

Every epoch shows each training digit in VIEWS variants, a little turned, scaled, moved and noisy,
so that there is always something left to learn. On one core the defaults take about four minutes.
The same seed prints the same numbers.
"""

import argparse
import gzip
import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

DATA = Path(__file__).with_name("digits.csv.gz")
VALIDATION = 360  # the last digits of the file, written by people who wrote few of the others
BATCH = 32
VIEWS = 8


def load_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Return images (1797, 1, 8, 8), float from 0 to 1, and labels (1797,), int64."""
    with gzip.open(DATA, "rt", encoding="ascii") as lines:
        rows = torch.tensor([[int(cell) for cell in line.split(",")] for line in lines])
    return rows[:, :-1].float().reshape(-1, 1, 8, 8) / 16.0, rows[:, -1]


def vary(images: torch.Tensor) -> torch.Tensor:
    """Turn, scale and move each image (N, 1, 8, 8) by its own small amount, and add noise."""
    n = len(images)
    angle = (torch.rand(n) - 0.5) * math.radians(60)
    scale = 1 + (torch.rand(n) - 0.5) * 0.3
    shift = (torch.rand(n, 2) - 0.5) * 0.5  # an image is 2 wide, so this is up to one pixel
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        (torch.stack((cos, -sin, shift[:, 0]), 1), torch.stack((sin, cos, shift[:, 1]), 1)), 1
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, align_corners=False)
    return moved + 0.25 * torch.randn_like(moved)


def make_model() -> nn.Module:
    """A network of two convolutions and two linear layers, from (N, 1, 8, 8) to (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


@torch.no_grad()
def validate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Return the mean loss and the fraction read correctly."""
    model.eval()
    scores = model(images)
    model.train()
    loss = F.cross_entropy(scores, labels).item()
    return loss, (scores.argmax(1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--lr", type=float, default=0.01, help="learning rate at the start (0.01)")
    parser.add_argument("--epochs", type=int, default=200, help="passes over the data (200)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and noise (0)")
    args = parser.parse_args()

    torch.set_num_threads(1)  # for so small a network more threads only cost
    torch.manual_seed(args.seed)
    images, labels = load_digits()
    train_x, train_y = images[:-VALIDATION], labels[:-VALIDATION]
    val_x, val_y = images[-VALIDATION:], labels[-VALIDATION:]

    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    steps = args.epochs * math.ceil(len(train_x) * VIEWS / BATCH)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(steps, 1))
    print(f"{len(train_x)} digits to learn from, {len(val_x)} to check with, {steps} steps")

    for epoch in range(1, args.epochs + 1):
        total = 0.0
        order = torch.cat([torch.randperm(len(train_x)) for _ in range(VIEWS)])
        for batch in order.split(BATCH):
            loss = F.cross_entropy(model(vary(train_x[batch])), train_y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(batch)
        val_loss, accuracy = validate(model, val_x, val_y)
        print(
            f"epoch {epoch:3d}  loss {total / len(order):.4f}  "
            f"validation loss {val_loss:.4f}  accuracy {accuracy:.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
