"""The contrast of the theme, measured as in WCAG 2.2, and settings that a public page needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ui.form import MAX_UPLOAD_MB

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
STYLE = (ROOT / "ui" / "style.css").read_text(encoding="utf-8")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colors, 1–21 (WCAG 2.2)."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_of_known_colors() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_links_and_chart_colors_can_be_read(theme: str) -> None:
    colors = CONFIG["theme"][theme]
    for ground in (colors["backgroundColor"], colors["secondaryBackgroundColor"]):
        for name in ("textColor", "linkColor", "primaryColor"):
            assert contrast(colors[name], ground) >= 4.5, (theme, name, ground)
    for color in colors["chartCategoricalColors"]:
        assert contrast(color, colors["backgroundColor"]) >= 4.5, (theme, color)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_stylesheets_colors_can_be_read(theme: str) -> None:
    pairs = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", STYLE))
    place = ["light", "dark"].index(theme)
    chosen = {name: pair.split(", ")[place] for name, pair in pairs.items()}
    page = CONFIG["theme"][theme]["backgroundColor"]
    for name in ("ink-soft", "won", "cost"):
        for ground in (page, chosen["card"]):
            assert contrast(chosen[name], ground) >= 4.5, (theme, name, ground)
    assert contrast(CONFIG["theme"][theme]["textColor"], chosen["alert"]) >= 4.5
    assert contrast(chosen["won"], chosen["left"]) >= 3  # where a bar's won part ends


def test_button_words_can_be_read_on_the_primary_color() -> None:
    found = re.search(r"BaseButton-primaryFormSubmit\] \* \{ color: light-dark\((#\w{6}), (#\w{6})\)", STYLE)
    assert found is not None
    assert contrast(found.group(1), CONFIG["theme"]["light"]["primaryColor"]) >= 4.5
    assert contrast(found.group(2), CONFIG["theme"]["dark"]["primaryColor"]) >= 4.5


def test_the_server_takes_what_the_uploader_takes_and_tells_visitors_nothing_internal() -> None:
    assert CONFIG["server"]["maxUploadSize"] == MAX_UPLOAD_MB
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False
