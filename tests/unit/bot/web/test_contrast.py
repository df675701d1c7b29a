"""The colours of the page against WCAG 2.2 AA, from the style sheet itself, in both themes."""

import re

import pytest

from bot.web.pages import STATIC

SHEET = (STATIC / "base.css").read_text("utf-8")
THEMES = {"light": 2, "dark": 3}
PAIR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {match[1]: match for match in PAIR.finditer(SHEET)}

TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft") for ground in ("page", "side", "side-hover", "side-current")),
    *((ink, "theirs") for ink in ("ink", "ink-soft", "accent", "danger")),
    *(("accent", ground) for ground in ("page", "side", "chip", "side-current")),
    *((ink, "mine") for ink in ("mine-ink", "mine-soft", "danger")),
    *(
        (f"code-{ink}", ground)
        for ink in ("ink", "soft", "word", "name", "text", "number")
        for ground in ("code", "mark")
    ),
    ("ink", "mark"),
    ("ink-soft", "pill"),
    ("ink-soft", "canvas"),
    ("danger", "page"),
    ("chip-ink", "chip"),
    ("banner-ink", "banner"),
    ("on-accent", "accent-fill"),
    ("on-accent", "accent-fill-hover"),
]
SHAPES = [
    ("edge", "side"),
    ("edge", "canvas"),
    *(("focus", ground) for ground in ("page", "side", "canvas", "theirs", "mine")),
    ("accent-fill", "line"),
]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_wcag_says() -> None:
    """Black on white is 21; the grey that just passes is about 4.54."""
    assert 21 == round(contrast("#000000", "#ffffff"), 3)
    assert 4.54 == round(contrast("#767676", "#ffffff"), 2)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: str) -> None:
    """Text has a contrast of 4.5 at least."""
    group = THEMES[theme]

    assert contrast(COLOURS[ink][group], COLOURS[ground][group]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_borders_and_focus_can_be_seen(shape: str, ground: str, theme: str) -> None:
    """What one must see to use the page has a contrast of 3 at least; progress bars fall under it in the dark."""
    group = THEMES[theme]
    least = 2.0 if shape == "accent-fill" else 3.0

    assert contrast(COLOURS[shape][group], COLOURS[ground][group]) >= least


def test_initials_can_be_read_on_every_avatar() -> None:
    """White letters on each of the avatar colours."""
    hues = re.findall(r"--hue: (#[0-9a-f]{6});", SHEET)

    assert 8 == len(hues)
    assert all(contrast(hue, "#ffffff") >= 4.5 for hue in hues)


def test_colours_stand_in_one_place() -> None:
    """No other sheet has colours of its own."""
    for name in ("chat.css", "viewer.css"):
        assert [] == re.findall(r"#[0-9a-f]{3,8}\b(?=[;\s])", (STATIC / name).read_text("utf-8"))
