"""Contrast of both themes, by the rules of WCAG 2.2: text of the usual size wants 4.5 to 1."""

import re
import tomllib
from pathlib import Path

import pytest

import dashboards

FOLDER = Path(dashboards.__file__).parent
AA = 4.5
STYLE = (FOLDER / "widgets" / "shell" / "shell.css").read_text("utf-8")
THEME = tomllib.loads((FOLDER / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
THEMES = {"light": THEME, "dark": THEME["dark"]}
SURFACES = ("backgroundColor", "secondaryBackgroundColor")


def channels(color: str) -> list[float]:
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def mixed(color: str, share: float, under: str) -> str:
    parts = zip(channels(color), channels(under), strict=True)
    return "#" + "".join(f"{round(255 * (share * a + (1 - share) * b)):02x}" for a, b in parts)


def luminance(color: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#3bc9db") < 2


def on_primary() -> dict[str, str]:
    """What shell.css writes on buttons of the primary colour."""
    light, dark = re.search(r"stBaseButton-primary.*light-dark\((#\w{6}), (#\w{6})\)", STYLE).groups()
    return {"light": light, "dark": dark}


@pytest.mark.parametrize("name", THEMES)
def test_text_on_the_primary_color(name: str):
    primary = THEMES[name]["primaryColor"]
    assert contrast(on_primary()[name], primary) >= AA
    assert contrast(THEMES[name]["backgroundColor"], primary) >= AA, "what the components write on it"


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", THEMES)
def test_text_and_captions_on_every_surface(name: str, surface: str):
    theme = THEMES[name]
    fading = float(re.search(r"stCaptionContainer.*opacity: ([\d.]+)", STYLE)[1])
    assert contrast(theme["textColor"], theme[surface]) >= AA
    assert contrast(mixed(theme["textColor"], fading, theme[surface]), theme[surface]) >= AA
    assert contrast(theme["primaryColor"], theme[surface]) >= AA, "chosen options, values of sliders"


@pytest.mark.parametrize(
    "name", ["widgets/gallery", "views/map/map_view", "views/search/query_view", "views/neighbours/walk_view"]
)
def test_components_fade_no_text_too_far(name: str):
    sheet = (FOLDER / f"{name}.css").read_text("utf-8")
    shares = re.findall(r"--faint: color-mix\(in srgb, var\([^()]*\) (\d+)%, transparent\)", sheet)
    assert shares
    for theme in THEMES.values():
        for surface in SURFACES:
            for share in shares:
                faint = mixed(theme["textColor"], int(share) / 100, theme[surface])
                assert contrast(faint, theme[surface]) >= AA
