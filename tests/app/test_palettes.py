"""The curves' colours can be told apart, whatever colours a person sees."""

from __future__ import annotations

import pytest

from lrmonitor.app.palettes import CONTRAST, DISTANCE, PALETTES, STANDARD, curves
from lrmonitor.app.theme import DARK, LIGHT
from tests.helpers.colours import SIGHT, contrast, distance, distances, lab

GROUNDS = {"light": LIGHT.base, "dark": DARK.base}
SETS = [(name, theme) for name in PALETTES for theme in GROUNDS]


@pytest.mark.parametrize(("name", "theme"), SETS)
def test_every_pair_can_be_told_apart(name: str, theme: str) -> None:
    least = min(distances(PALETTES[name][theme]))
    assert least[0] >= DISTANCE[name], least


@pytest.mark.parametrize(("name", "theme"), SETS)
def test_every_colour_can_be_seen(name: str, theme: str) -> None:
    for colour in PALETTES[name][theme]:
        assert contrast(colour, GROUNDS[theme]) >= CONTRAST[name, theme], colour


def test_the_measure_finds_what_cannot_be_told_apart() -> None:
    # Red and green of equal lightness: far apart, but not with deuteranopia.
    by_sight = {sight: far for far, sight, _, _ in distances(("#c05000", "#6f7a00"))}
    assert by_sight["normal"] > 30
    assert by_sight["deuteranopia"] < 7
    assert set(by_sight) == set(SIGHT)


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [  # Sharma, Wu and Dalal (2005), table 1: pairs 1, 7, 9, 17, 25
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_measure_is_ciede2000(
    one: tuple[float, float, float], other: tuple[float, float, float], far: float
) -> None:
    assert distance(one, other) == pytest.approx(far, abs=5e-5)


def test_the_measure_starts_from_what_a_screen_shows() -> None:
    assert lab("#ffffff") == pytest.approx((100.0, 0.0, 0.0), abs=0.01)
    assert lab("#ff0000") == pytest.approx((53.24, 80.09, 67.20), abs=0.02)
    for sight in SIGHT:  # greys stay greys
        assert lab("#777777", sight)[1:] == pytest.approx((0.0, 0.0), abs=0.1)


def test_an_unknown_set_is_the_standard_one() -> None:
    assert curves("rainbow", "light") == PALETTES[STANDARD]["light"] == LIGHT.curves
