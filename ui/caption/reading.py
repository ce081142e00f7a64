"""A read caption as HTML: its tone word by word, its keywords, its hashtags, and a comparison with other captions."""

from __future__ import annotations

import math

from ui.html_text import bullets, capital, counted, safe, table
from virality_core.config import signals
from virality_core.scorers.caption.caption_report import CaptionReading, Sentiment, TagReading

_MARKED_FROM = 0.12  # of the strongest word's effect: weaker words are left unmarked
_TAG_KINDS = {
    "specific": "says something about the video",
    "generic": "too common to say anything about the video",
    "unknown": "used by too few accounts in our data to tell, which is not the same as average",
}


def show(reading: CaptionReading) -> str:
    """Everything that was read. Nothing from the caption is markup."""
    notes = "".join(f'<p class="rv-soft" dir="auto">{safe(note)}</p>' for note in reading.notes)
    return _tone(reading) + notes + _keywords(reading) + _hashtags(reading)


def compare(first: CaptionReading, others: list[CaptionReading]) -> str:
    """A table of captions: the positive share and its change, keywords that came and went, number of hashtags."""
    rows = [
        (
            reading.text[:160],
            _positive(reading),
            _change(first, reading) if number else "your caption",
            _came_and_went(first, reading) if number else "",
            str(len({tag.tag.key for tag in reading.hashtags.tags})),
        )
        for number, reading in enumerate([first, *others])
    ]
    return table(("Caption", "Positive", "Change", "What it does", "Hashtags"), rows, css="rv-variants")


def _tone(reading: CaptionReading) -> str:
    if not reading.sentiment_holds:
        return ""
    return (
        f'<div class="rv-two"><div>{_subhead("Tone")}{_probability_bars(reading.sentiment)}</div>'
        f"<div>{_subhead('Words that set the tone')}{_marked_words(reading)}</div></div>"
    )


def _probability_bars(sentiment: Sentiment) -> str:
    shares = sentiment.probabilities
    rows = (("Positive", shares.positive), ("Neutral", shares.neutral), ("Negative", shares.negative))
    bars = (
        f'<dt>{name}</dt><dd><i style="width:{100 * share:.1f}%"></i></dd><dd>{100 * share:.0f} %</dd>'
        for name, share in rows
    )
    return f'<dl class="rv-shares">{"".join(bars)}</dl>'


def _marked_words(reading: CaptionReading) -> str:
    """The caption as typed, with ▲ and a solid line on positive words, ▼ and a dashed line on negative ones.

    How strong the effect is shows in the color, in the line's thickness and, on hover and for screen readers, in words.
    """
    tokens = reading.sentiment.tokens
    strongest = max((abs(token.weight) for token in tokens), default=0.0)
    html, end = [], 0
    for token in tokens:
        html.append(safe(reading.text[end : token.start]))
        end = token.end
        share = abs(token.weight) / strongest if strongest else 0.0
        word = safe(token.text)
        if share < _MARKED_FROM:
            html.append(word)
            continue
        side, mark, tone = ("up", "▲", "positive") if token.weight > 0 else ("down", "▼", "negative")
        effect = f"more {tone} by {abs(token.weight):.2f}"
        html.append(
            f'<span class="rv-word rv-{side}" style="--push:{share:.2f}" title="{effect}">{word}'
            f'<sup aria-label="{effect}">{mark}</sup></span>'
        )
    read_to = reading.sentiment.read_characters
    html.append(safe(reading.text[end:read_to]) + (" …" if read_to < len(reading.text) else ""))
    return f'<p class="rv-words" dir="auto">{"".join(html)}</p>' + _soft(
        "▲ makes it more positive, ▼ more negative. A thicker line means a stronger effect."
    )


def _keywords(reading: CaptionReading) -> str:
    if reading.keywords is None:
        return ""
    items = []
    for found in reading.keywords.findings:
        words = dict.fromkeys(word.text for word in found.words)
        quoted = ", ".join(f'<q dir="auto">{safe(word)}</q>' for word in words)
        items.append(f"<b>{safe(found.title)}</b>: {quoted} <span>({safe(found.means)})</span>")
    items.append(f"<b>First line</b>: {safe(_first_line(reading))}")
    return _subhead("What it does") + _soft(_measured_effects(reading)) + bullets(items)


def _first_line(reading: CaptionReading) -> str:
    assert reading.keywords is not None
    line, rules = reading.keywords.first_line, reading.shown_on
    parts = [(line.hidden_words, "word"), (line.hidden_hashtags, "hashtag")]
    hidden = " and ".join(counted(count, noun) for count, noun in parts if count) or "nothing"
    are = "are" if line.hidden_words + line.hidden_hashtags > 1 else "is"
    shortest = "" if reading.platform else "You chose no platform, so this uses the shortest of the three. "
    return (
        f"{counted(line.words, 'word')} {'shows' if line.words == 1 else 'show'} right away; {hidden} {are} hidden "
        f"behind “more”. {shortest}{rules.name} shows about {rules.visible_characters} characters (as reported "
        f"elsewhere; {rules.name} publishes no number for short videos)."
    )


def _measured_effects(reading: CaptionReading) -> str:
    fit = reading.fit
    if fit is None:
        return "Whether these matter was not measured for this language."
    posts = f"{fit.posts:,} captions of {signals.collections_named(fit.collection)}"
    if fit.counting:
        return f"In {posts}, these went with more or less engagement: {', '.join(fit.counting)}."
    return f"For information only: in {posts}, none of these went with more or less engagement."


def _hashtags(reading: CaptionReading) -> str:
    found = reading.hashtags
    if not found.tags:
        return _subhead("Hashtags") + _soft("None in this caption.")
    keys = [tag.tag.key for tag in found.tags]
    tags = list({tag.tag.key: tag for tag in reversed(found.tags)}.values())[::-1]
    kinds = [f"{kind}: {meaning}" for kind, meaning in _TAG_KINDS.items() if any(tag.kind == kind for tag in tags)]
    notes = [f"{capital('; '.join(kinds))}.", _other_language(reading, tags), _limit(reading)]
    return (
        _subhead("Hashtags")
        + bullets(_hashtag(tag, keys.count(tag.tag.key)) for tag in tags)
        + "".join(_soft(note) for note in notes if note)
    )


def _hashtag(tag: TagReading, times: int) -> str:
    row = tag.counted
    if row is not None and row.lift is not None:
        percent = 100 * (math.exp(row.lift) - 1)
        had = "about as many likes, comments and shares as"
        if abs(percent) >= 0.5:
            had = f"{abs(percent):.0f} % {'more' if percent > 0 else 'fewer'} likes, comments and shares than"
        posts = f"{row.usage()}, {signals.collections_named(row.population.name)}"
        known = f"posts with it got {had} expected for the size of the account ({posts})"
    elif tag.rows:
        row = tag.rows[0]
        known = f"{row.usage()} ({signals.collections_named(row.population.name)}); its effect is not known"
    else:
        known = "not in our data"
    repeated = f" Typed {times} times, counted once." if times > 1 else ""
    return f'<b dir="auto">{safe(tag.tag.text)}</b> ({tag.kind}): {safe(known)}.{repeated}'


def _other_language(reading: CaptionReading, tags: list[TagReading]) -> str:
    """A note if hashtags are rated by posts in a language other than the caption's."""
    if reading.language == "und":
        return ""
    names = {tag.counted.population.name for tag in tags if tag.counted is not None}
    others = sorted(name for name in names if signals.collection_language(name) not in (None, reading.language))
    if not others:
        return ""
    posts = " and ".join(signals.collections_named(name) for name in others)
    return (
        f"Your caption is in another language than these posts ({posts}). Results hardly carry over, so hashtags have "
        "only a small share in the score."
    )


def _limit(reading: CaptionReading) -> str:
    rules = reading.hashtags.platform
    if rules is None:
        return ""
    over = reading.hashtags.over_limit or 0
    used = f"{counted(len(reading.hashtags.tags), 'hashtag')} of at most {rules.hashtag_limit} on {rules.name}"
    return f"{used}: {over} too many." if over else f"{used}."


def _positive(reading: CaptionReading) -> str:
    return f"{100 * reading.sentiment.probabilities.positive:.0f} %" if reading.sentiment_holds else "not measured"


def _change(first: CaptionReading, reading: CaptionReading) -> str:
    if not (first.sentiment_holds and reading.sentiment_holds):
        return "–"
    change = round(100 * (reading.sentiment.probabilities.positive - first.sentiment.probabilities.positive))
    return f"{'▲' if change > 0 else '▼'} {change:+d} percentage points" if change else "same"


def _came_and_went(first: CaptionReading, reading: CaptionReading) -> str:
    before, after = (
        {found.title for found in each.keywords.findings} if each.keywords else set() for each in (first, reading)
    )
    came, went = sorted(after - before), sorted(before - after)
    return ", ".join([f"+ {title}" for title in came] + [f"− {title}" for title in went]) or "same"


def _subhead(text: str) -> str:
    return f'<p class="rv-eyebrow">{text}</p>'


def _soft(text: str) -> str:
    return f'<p class="rv-soft">{safe(text)}</p>'
