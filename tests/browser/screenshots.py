"""Make the README's pictures: `python -m tests.browser.screenshots [FOLDER]` (default docs/screenshots)."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser

from tests.browser.server import ROOT, chromium, running_app, show_all

SCREENS: tuple[tuple[str, int, Literal["light", "dark"]], ...] = (
    ("desktop-light", 1440, "light"),
    ("desktop-dark", 1440, "dark"),
    ("phone-light", 390, "light"),
    ("phone-dark", 390, "dark"),
)
MAX_BYTES = 350_000
LONGEST = 2_600  # pixels of the page from its top: the whole would have to be shrunk until nobody could read it
SCORE_MS = 300_000


def main() -> None:
    """Score the sample reel at both widths in both themes and save what is shown."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with running_app() as (address, _), chromium() as browser:
        for name, width, theme in SCREENS:
            picture = take(browser, address, width, theme)
            path = folder / f"{name}.png"
            save(picture, path)
            sys.stdout.write(f"{path} {path.stat().st_size:,} bytes\n")


def take(browser: Browser, address: str, width: int, theme: Literal["light", "dark"]) -> Image.Image:
    """The result of the sample reel from its top, as one picture."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Try the sample reel").click(timeout=SCORE_MS)
    page.locator(".rv-hero").wait_for(timeout=SCORE_MS)
    page.locator(".stVegaLiteChart svg").first.wait_for(timeout=SCORE_MS)
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2", timeout=SCORE_MS)
    page.locator(".rv-words").wait_for(timeout=SCORE_MS)  # the caption is read last
    show_all(page)
    page.wait_for_timeout(1500)  # the chart fits itself to the new window
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return picture.crop((0, 0, picture.width, min(picture.height, LONGEST)))


def save(picture: Image.Image, path: Path) -> None:
    """Save as PNG of at most `MAX_BYTES`: with a palette, and smaller only if that is not enough."""
    while True:
        picture.quantize(256, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
        if path.stat().st_size <= MAX_BYTES:
            return
        picture = picture.resize((round(picture.width * 0.85), round(picture.height * 0.85)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
