"""Other captions to try, each made by a stated rule.

Only what has weight in the score is tried. With the default weights that is the hashtags (config/signals.toml says
why); fitted weights may also give weight to sentiment and keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from virality_core.advice.change import Change
from virality_core.types import AdviceKind, Report

# In the languages of weights/keywords.
QUESTION = {"en": "What do you think?", "vi": "Bạn nghĩ sao?"}
CALL_TO_ACTION = {"en": "Follow for more.", "vi": "Theo dõi mình để xem thêm nhé."}

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s)")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]")


def caption_changes(report: Report) -> Iterator[Change]:
    """Fewer hashtags; and where wording has weight: a shorter first line, a question, a call to action."""
    weighted = {item.signal for item in report.contributions if item.weight > 0.0}
    if "hashtags" in weighted:
        yield from _fewer_hashtags(report)
    if weighted & {"sentiment", "keywords"}:
        yield from _other_wording(report)


def missing_points(report: Report, *signals: str) -> float:
    """Points these signals could still add."""
    return sum(100.0 * item.weight - item.points for item in report.contributions if item.signal in signals)


def _fewer_hashtags(report: Report) -> Iterator[Change]:
    """Without hashtags whose posts did worse than expected, and no more hashtags than the platform allows.

    Keeping only the best one would gain more points, but only because the signal is a mean.
    """
    details = getattr(report.signal("hashtags"), "details", None)
    tags: tuple[Any, ...] = getattr(details, "tags", ())
    worse = [tag for tag in tags if tag.counted is not None and (tag.counted.lift or 0.0) < 0]
    if worse:
        which = "it" if len(worse) == 1 else "them"
        text = f"Drop {_names(worse)}: posts with {which} did worse than expected for the size of their accounts."
        yield _change(report, "hashtags", text, _without(report, worse), "hashtags")
    excess = getattr(details, "over_limit", None) or 0
    if details is not None and excess:
        keys = [tag.tag.key for tag in tags]
        repeated = [tag for i, tag in enumerate(tags) if tag.tag.key in keys[:i]]
        unique = [tag for tag in tags if tag not in repeated]
        rated = sorted((t for t in unique if t.counted is not None), key=lambda t: float(t.counted.lift or 0.0))
        unrated = [t for t in reversed(unique) if t.counted is None]
        dropped = [*repeated, *unrated, *rated][:excess]
        limit = f"{details.platform.name} allows {details.platform.hashtag_limit} hashtags"
        text = f"Drop {_names(dropped)}: {limit}, and these are repeated, unknown or the weakest."
        yield _change(report, "hashtags", text, _without(report, dropped), "hashtags")


def _other_wording(report: Report) -> Iterator[Change]:
    caption = report.provenance.post.caption
    first_line = _LINE_END.split(caption, maxsplit=1)[0]
    end = _SENTENCE_END.search(first_line)
    signals = ("sentiment", "keywords")
    if end is not None and first_line[end.end() :].strip():
        shorter = caption[: end.end()] + "\n" + caption[end.end() :].lstrip()
        text = "Shorten the first line: break it after the first sentence."
        yield _change(report, "caption", text, shorter, *signals)
    details = (getattr(report.signal(name), "details", None) for name in signals)
    language = next((found for item in details if (found := getattr(item, "language", None))), "")
    for what, phrases in (("a question", QUESTION), ("a call to action", CALL_TO_ACTION)):
        phrase = phrases.get(language)
        if phrase and phrase not in caption and not (phrases is QUESTION and "?" in caption):
            text = f"End the caption with {what}: “{phrase}”"
            yield _change(report, "caption", text, f"{caption.rstrip()}\n{phrase}", *signals)


def _change(report: Report, kind: AdviceKind, text: str, caption: str, *signals: str) -> Change:
    end, promise = report.provenance.video.duration_seconds, missing_points(report, *signals)
    return Change(kind=kind, start=0.0, end=end, text=text, promise=promise, caption=caption)


def _without(report: Report, dropped: list[Any]) -> str:
    caption = report.provenance.post.caption
    for tag in sorted((item.tag for item in dropped), key=lambda tag: -int(tag.start)):
        caption = caption[: tag.start].rstrip(" ") + caption[tag.end :]
    return caption.strip(" ")


def _names(tags: list[Any]) -> str:
    return ", ".join(f"#{key}" for key in dict.fromkeys(item.tag.key for item in tags))
