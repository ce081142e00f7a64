"""`python -m bench.visitors CLIP…`: many visitors at once, each in its own Chromium context with a clip and a caption.

For each number of visitors: all press the button within a second; how long each waits for the score, whether each sees
its own clip and caption and nobody else's, how fast the app answers meanwhile (its health address, and another
visitor's walk to another page), and its memory before, at the peak, and two minutes after they have left. Chromium
runs on the same cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page

from tests.browser.server import chromium, running_app

HERE = Path(__file__).resolve().parent
COUNTS = (1, 2, 3, 5, 10, 20)
PATIENCE_SECONDS = 600.0
AFTER_SECONDS = 120.0
HEALTH_EVERY_SECONDS = 0.25
WALK_EVERY_SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.visitors", description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="real clips; visitors take them in turn")
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS), metavar="N")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, metavar="SECONDS")
    parser.add_argument("--after", type=float, default=AFTER_SECONDS, metavar="SECONDS")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "visitors.json", metavar="FILE")
    args = parser.parse_args()
    rows = []
    with running_app(grace_seconds=5.0) as app, chromium() as browser:
        server = psutil.Process(app.pid)
        visit_together(browser, app.address, args.clips[:1], 1, args.patience)  # the models are loaded
        for count in args.counts:
            before = _memory_mb(server)
            row = visit_together(browser, app.address, args.clips, count, args.patience, server)
            time.sleep(args.after)
            row |= {"memory_before_mb": before, "memory_after_mb": _memory_mb(server)}
            rows.append(row)
            print(_line(row), flush=True)
    args.json.write_text(json.dumps({"command": "python -m bench.visitors", "rows": rows}, indent=1) + "\n")
    print(f"Written to {args.json}")


def visit_together(
    browser: Browser,
    address: str,
    clips: Sequence[Path],
    count: int,
    patience_seconds: float,
    server: psutil.Process | None = None,
) -> dict[str, Any]:
    """`count` visitors press the button at once: how long they wait, in seconds, and what was measured meanwhile."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(count + 1)]
    pages = [context.new_page() for context in contexts]
    walker = pages.pop()
    walker.goto(address)
    for number, page in enumerate(pages):
        page.goto(address)
        page.get_by_test_id("stFileUploaderDropzoneInput").wait_for(state="attached", timeout=90_000)
        clip = clips[number % len(clips)]
        file = {"name": f"visitor-{number}-of-{count}.mp4", "mimeType": "video/mp4", "buffer": clip.read_bytes()}
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
        page.get_by_text(f"visitor-{number}-of-{count}.mp4").first.wait_for(timeout=90_000)
        page.get_by_label("Caption", exact=True).fill(f"Caption of visitor {number} among {count}")
    watch = _Watch(address, server)
    pressed = []
    for page in pages:
        page.get_by_role("button", name="Score this reel").click()
        pressed.append(time.monotonic())
    waits: list[float | None] = [None] * count
    errors: list[str] = []
    walks: list[float] = []
    deadline = time.monotonic() + patience_seconds
    next_walk = 0.0
    while None in waits and time.monotonic() < deadline:
        for number, page in enumerate(pages):
            if waits[number] is None and page.locator(".rv-hero").count():
                waits[number] = time.monotonic() - pressed[number]
        if time.monotonic() > next_walk:
            walks.append(_walk(walker))
            next_walk = time.monotonic() + WALK_EVERY_SECONDS
        time.sleep(0.2)
    time.sleep(5)  # the last results are drawn
    for number, page in enumerate(pages):
        if waits[number] is not None:
            errors += _not_own(page, number, count)
        elif page.locator(".rv-alert").count():
            errors.append(f"visitor {number}: {page.locator('.rv-alert').first.inner_text()}")
    measured = watch.stop()
    for context in contexts:
        context.close()
    served = sorted(wait for wait in waits if wait is not None)
    return {
        "visitors": count,
        "served": len(served),
        "median_wait_s": statistics.median(served) if served else None,
        "worst_wait_s": served[-1] if len(served) == count else None,
        "walk_p95_s": _p95(walks),
        "errors": errors,
        **measured,
    }


def _not_own(page: Page, number: int, count: int) -> list[str]:
    """What a result shows that it should not, or fails to show that it should."""
    shown = page.locator(".stMainBlockContainer").inner_text()
    shown += " ".join(area.input_value() for area in page.locator("textarea").all())
    return [
        f"visitor {number}: “{text}” is {'shown' if text in shown else 'missing'}"
        for other in range(count)
        for text in (f"visitor-{other}-of-{count}.mp4", f"Caption of visitor {other} among {count}")
        if (text in shown) != (other == number)
    ]


def _walk(page: Page) -> float:
    """Seconds from a click on the menu to the other page."""
    there = page.get_by_role("heading", name="Models and limits", level=1)
    target = "Score a reel" if there.count() else "Models and limits"
    start = time.monotonic()
    page.get_by_role("link", name=target).first.click()
    if target == "Score a reel":
        page.get_by_test_id("stFileUploaderDropzone").wait_for(timeout=60_000)
    else:
        there.wait_for(timeout=60_000)
    return time.monotonic() - start


class _Watch:
    """Asks the app for its health and looks at its memory, on a thread of its own, until it is stopped."""

    def __init__(self, address: str, server: psutil.Process | None) -> None:
        self._address, self._server = address, server
        self._seconds: list[float] = []
        self._peak = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        self._end.set()
        self._thread.join()
        return {"health_p95_s": _p95(self._seconds), "memory_peak_mb": self._peak}

    def _run(self) -> None:
        while not self._end.wait(HEALTH_EVERY_SECONDS):
            start = time.monotonic()
            with urllib.request.urlopen(f"{self._address}/_stcore/health", timeout=60) as answer:
                answer.read()
            self._seconds.append(time.monotonic() - start)
            if self._server is not None:
                self._peak = max(self._peak, _memory_mb(self._server))


def _memory_mb(server: psutil.Process) -> float:
    return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)]) / 1e6


def _p95(values: Sequence[float]) -> float | None:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))] if values else None


def _line(row: dict[str, Any]) -> str:
    def number(key: str, places: int) -> str:
        return "never" if row[key] is None else f"{row[key]:.{places}f}"

    memory = " → ".join(number(f"memory_{when}_mb", 0) for when in ("before", "peak", "after"))
    return (
        f"{row['visitors']:3} visitors: {row['served']} served, wait {number('median_wait_s', 0)} s (worst "
        f"{number('worst_wait_s', 0)}), health {number('health_p95_s', 2)} s, walk {number('walk_p95_s', 2)} s, "
        f"memory {memory} MB; {row['errors']}"
    )


if __name__ == "__main__":
    main()
