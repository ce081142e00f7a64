"""What was read in a caption: how it sounds and why, what its words do, what is known of its hashtags."""

from __future__ import annotations

import math

from ui import html_text
from ui.caption.words import coloured, probability_bars
from virality_core.config import signals
from virality_core.scorers.caption.caption_report import CaptionReading, TagReading

_KINDS = {
    "specific": "says something about the video",
    "generic": "so common that it says nothing about the video",
    "unknown": "too few authors in our data used it to know anything, which is not the same as average",
}


def show(reading: CaptionReading) -> str:
    """All of it as HTML; nothing of the caption in it is markup."""
    notes = "".join(f'<p class="rv-soft" dir="auto">{html_text.safe(note)}</p>' for note in reading.notes)
    return _sentiment(reading) + notes + _keywords(reading) + _hashtags(reading)


def _sentiment(reading: CaptionReading) -> str:
    if not reading.sentiment_holds:
        return ""
    return (
        f'<div class="rv-two"><div><p class="rv-eyebrow">How it sounds</p>{probability_bars(reading.sentiment)}</div>'
        f'<div><p class="rv-eyebrow">Which words make it so</p>{coloured(reading)}</div></div>'
    )


def _keywords(reading: CaptionReading) -> str:
    if reading.keywords is None:
        return ""
    items = [
        f"<li><b>{html_text.safe(found.title)}</b>: "
        + ", ".join(f'<q dir="auto">{html_text.safe(word)}</q>' for word in dict.fromkeys(w.text for w in found.words))
        + f" <span>({html_text.safe(found.means)})</span></li>"
        for found in reading.keywords.findings
    ]
    items.append(f"<li><b>First line</b>: {html_text.safe(_first_line(reading))}</li>")
    return (
        f'<p class="rv-eyebrow">What it does</p><p class="rv-soft">{html_text.safe(_fitted(reading))}</p>'
        f'<ul class="rv-list">{"".join(items)}</ul>'
    )


def _first_line(reading: CaptionReading) -> str:
    assert reading.keywords is not None
    line, rules = reading.keywords.first_line, reading.shown_on
    parts = [(line.hidden_words, "word"), (line.hidden_hashtags, "hashtag")]
    hidden = " and ".join(html_text.counted(count, of) for count, of in parts if count) or "nothing"
    is_hidden = "are" if line.hidden_words + line.hidden_hashtags > 1 else "is"
    shortest = "" if reading.platform else "Without a platform, the shortest of the three counts: "
    return (
        f"{html_text.counted(line.words, 'word')} {'shows' if line.words == 1 else 'show'} at once, {hidden} "
        f"{is_hidden} hidden behind “more”. {shortest}{rules.name} shows about {rules.visible_characters} characters "
        f"(a reported figure; {rules.name} itself states none for short videos)."
    )


def _fitted(reading: CaptionReading) -> str:
    fit = reading.fit
    if fit is None:
        return "What these go with was not measured for this language."
    posts = f"{fit.posts:,} captions of {signals.collections_named(fit.collection)}"
    if fit.counting:
        return f"Measured on {posts}: {', '.join(fit.counting)} count."
    return f"A description only, no points: in {posts}, none of these went with more or less engagement."


def _hashtags(reading: CaptionReading) -> str:
    found = reading.hashtags
    if not found.tags:
        return '<p class="rv-eyebrow">Hashtags</p><p class="rv-soft">None in this caption.</p>'
    distinct = list({tag.tag.key: tag for tag in reversed(found.tags)}.values())[::-1]
    typed = [tag.tag.key for tag in found.tags]
    rows = "".join(_tag(tag, typed.count(tag.tag.key)) for tag in distinct)
    kinds = [f"{kind}: {means}" for kind, means in _KINDS.items() if any(tag.kind == kind for tag in distinct)]
    remarks = [f"{html_text.capital('; '.join(kinds))}.", _elsewhere(reading, distinct), _limit(reading)]
    said = "".join(f'<p class="rv-soft">{html_text.safe(remark)}</p>' for remark in remarks if remark)
    return f'<p class="rv-eyebrow">Hashtags</p><ul class="rv-list">{rows}</ul>{said}'


def _tag(tag: TagReading, times: int) -> str:
    row = tag.counted
    if row is not None and row.lift is not None:
        share = 100 * (math.exp(row.lift) - 1)
        had = "as many" if abs(share) < 0.5 else f"{abs(share):.0f} % {'more' if share > 0 else 'fewer'}"
        than = "as" if abs(share) < 0.5 else "than"
        seen = (
            f"posts with it had {had} likes, comments and shares {than} their author's size predicts "
            f"({row.seen()}, {signals.collections_named(row.population.name)})"
        )
    elif tag.rows:
        first = tag.rows[0]
        seen = f"{first.seen()} ({signals.collections_named(first.population.name)}); what it goes with is not known"
    else:
        seen = "not in our data"
    again = f" Typed {times} times, counted once." if times > 1 else ""
    return f'<li><b dir="auto">{html_text.safe(tag.tag.text)}</b> ({tag.kind}): {html_text.safe(seen)}.{again}</li>'


def _elsewhere(reading: CaptionReading, tags: list[TagReading]) -> str:
    """Where a caption's tags are judged by posts in another language than its own."""
    if reading.language == "und":
        return ""
    names = {tag.counted.population.name for tag in tags if tag.counted is not None}
    others = sorted(name for name in names if signals.collection_language(name) not in (None, reading.language))
    if not others:
        return ""
    posts = " and ".join(signals.collections_named(name) for name in others)
    return (
        f"Your caption is in another language than these posts ({posts}): what holds there hardly carries over, which "
        "is why hashtags weigh so little."
    )


def _limit(reading: CaptionReading) -> str:
    rules = reading.hashtags.platform
    if rules is None:
        return ""
    over = reading.hashtags.over_limit or 0
    return f"{len(reading.hashtags.tags)} of at most {rules.hashtag_limit} on {rules.name}" + (
        f": {over} too many." if over else "."
    )
