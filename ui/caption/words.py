"""A caption's words marked by their push, and the three probabilities: readable without colour."""

from __future__ import annotations

from ui import html_text
from virality_core.scorers.caption.caption_report import CaptionReading, Sentiment

_SHOWN_FROM = 0.12  # of the strongest word's push: weaker words are left unmarked


def probability_bars(sentiment: Sentiment) -> str:
    """The probabilities of the three readings as labelled bars."""
    shares = sentiment.probabilities
    rows = (("Positive", shares.positive), ("Neutral", shares.neutral), ("Negative", shares.negative))
    return (
        '<dl class="rv-shares">'
        + "".join(
            f'<dt>{name}</dt><dd><i style="width:{100 * share:.1f}%"></i></dd><dd>{100 * share:.0f} %</dd>'
            for name, share in rows
        )
        + "</dl>"
    )


def coloured(reading: CaptionReading) -> str:
    """The caption as typed: words that push towards positive carry ▲ and a solid line, towards negative ▼ and a dashed.

    The strength is in the colour, in the line's thickness and, for screen readers and on hover, in words.
    """
    tokens = reading.sentiment.tokens
    strongest = max((abs(token.weight) for token in tokens), default=0.0)
    out, place = [], 0
    for token in tokens:
        out.append(html_text.safe(reading.text[place : token.start]))
        place = token.end
        share = abs(token.weight) / strongest if strongest else 0.0
        word = html_text.safe(token.text)
        if share < _SHOWN_FROM:
            out.append(word)
            continue
        side, mark, towards = ("up", "▲", "positive") if token.weight > 0 else ("down", "▼", "negative")
        said = f"pushes towards {towards} by {abs(token.weight):.2f}"
        out.append(
            f'<span class="rv-word rv-{side}" style="--push:{share:.2f}" title="{said}">{word}'
            f'<sup aria-label="{said}">{mark}</sup></span>'
        )
    read_to = reading.sentiment.read_characters
    out.append(html_text.safe(reading.text[place:read_to]))
    if read_to < len(reading.text):
        out.append(" …")
    return (
        f'<p class="rv-words" dir="auto">{"".join(out)}</p>'
        '<p class="rv-soft">▲ pushes towards positive, ▼ towards negative; a thicker line is a stronger push.</p>'
    )
