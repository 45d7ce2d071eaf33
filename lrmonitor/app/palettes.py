"""The colours of the curves: sets that can be told apart whatever colours a person sees.

Each began as Okabe and Ito's colour-blind-safe set (jfly.uni-koeln.de/color) and was moved as
little as gave every pair of its colours a distance, for normal sight and for deuteranopia,
protanopia and tritanopia as simulated by Machado, Oliveira and Fernandes, "A Physiologically-based
Model for Simulation of Color Vision Deficiency" (2009), and every colour its contrast on the
plots' ground. The test of this module computes both; `DISTANCE` and `CONTRAST` are what it holds.
"""

from __future__ import annotations

__all__ = ["CONTRAST", "DISTANCE", "PALETTES", "STANDARD", "curves"]

STANDARD = "standard"

PALETTES: dict[str, dict[str, tuple[str, ...]]] = {
    STANDARD: {
        "light": (
            "#0072b2", "#ce5c00", "#456d43", "#a84e7e", "#b58c5f", "#4398d6", "#1e4755", "#484c04",
        ),
        "dark": (
            "#56b4e9", "#c76a12", "#0ea36d", "#fdc5c3", "#d9a533", "#0379c0", "#cdcbda", "#fcef61",
        ),
    },
    "contrast": {
        "light": ("#2273df", "#910200", "#276c51", "#7c6287", "#9f6a03", "#173661"),
        "dark": ("#999ff8", "#ff8500", "#5cc694", "#ce9db7", "#ffff91", "#c0dfff"),
    },
}  # fmt: skip
"""By name, then by theme. Curves beyond a set's length begin it again."""

DISTANCE = {STANDARD: 11.0, "contrast": 14.0}
"""The least distance (CIEDE2000) of two colours of a set. Okabe and Ito's own set has 10.9."""

CONTRAST = {(STANDARD, "light"): 3.0, (STANDARD, "dark"): 3.0} | {
    ("contrast", "light"): 4.5,
    ("contrast", "dark"): 7.0,
}
"""The least contrast with the ground: 3 is what WCAG 2.1 asks of graphics (1.4.11), 4.5 and 7 what
it asks of text (1.4.3, 1.4.6)."""


def curves(palette: str, theme: str) -> tuple[str, ...]:
    """The colours of a set in the theme "light" or "dark"; the standard set for an unknown name."""
    return PALETTES.get(palette, PALETTES[STANDARD])[theme]
