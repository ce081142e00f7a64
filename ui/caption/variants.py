"""Other wordings of a caption beside the first: how they sound, what came and went, how many hashtags."""

from __future__ import annotations

from ui import html_text
from virality_core.scorers.caption.caption_report import CaptionReading

_HEADS = ("Caption", "Positive", "Change", "What it does", "Hashtags")


def compared(first: CaptionReading, others: list[CaptionReading]) -> str:
    """A table of wordings: positive share and its change, which findings came and went, number of hashtags."""
    rows = []
    for number, reading in enumerate([first, *others]):
        cells = (
            _positive(reading),
            _change(first, reading) if number else "the caption above",
            _came_and_went(first, reading) if number else "",
            str(len({tag.tag.key for tag in reading.hashtags.tags})),
        )
        rows.append(
            f'<tr><th scope="row" dir="auto">{html_text.safe(reading.text[:160])}</th>'
            + "".join(
                f'<td data-label="{head}">{html_text.safe(cell)}</td>'
                for head, cell in zip(_HEADS[1:], cells, strict=True)
            )
            + "</tr>"
        )
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    return f'<table class="rv-table rv-variants"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _positive(reading: CaptionReading) -> str:
    return f"{100 * reading.sentiment.probabilities.positive:.0f} %" if reading.sentiment_holds else "not read"


def _change(first: CaptionReading, reading: CaptionReading) -> str:
    if not (first.sentiment_holds and reading.sentiment_holds):
        return "–"
    change = round(100 * (reading.sentiment.probabilities.positive - first.sentiment.probabilities.positive))
    return (
        f"{'▲ ' if change > 0 else '▼ ' if change < 0 else ''}{change:+d} percentage points" if change else "the same"
    )


def _came_and_went(first: CaptionReading, reading: CaptionReading) -> str:
    before, after = (
        {found.title for found in each.keywords.findings} if each.keywords else set() for each in (first, reading)
    )
    came, went = sorted(after - before), sorted(before - after)
    return ", ".join([f"+ {title}" for title in came] + [f"− {title}" for title in went]) or "the same"
