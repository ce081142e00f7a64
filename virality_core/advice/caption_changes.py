"""Other ways to write the caption, each by a stated rule and scored like any change; nothing is composed freely.

Tried are only the signals that weigh: with the stated weights those are the hashtags, since sentiment and keywords have
none (config/signals.toml says why). A fitted weighing that gives one of them weight has its variants tried as well.
What the platform's limits break and the score doesn't see is said beside the caption, without points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from virality_core.advice.change import Change
from virality_core.types import AdviceKind, Report

#: What is written in the languages whose keyword rules ship (weights/keywords): as plain as can be said.
QUESTION = {"en": "What do you think?", "vi": "Bạn nghĩ sao?"}
CALL_TO_ACTION = {"en": "Follow for more.", "vi": "Theo dõi mình để xem thêm nhé."}

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s)")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]")


def caption_changes(report: Report) -> Iterator[Change]:
    """Fewer hashtags; and, where its words weigh, a shorter first line, a question, a call to action."""
    weighs = {item.signal for item in report.contributions if item.weight > 0.0}
    if "hashtags" in weighs:
        yield from _fewer_hashtags(report)
    if weighs & {"sentiment", "keywords"}:
        yield from _wordings(report)


def _fewer_hashtags(report: Report) -> Iterator[Change]:
    """Without those whose posts did worse than their authors' size predicts; and no more than the platform takes.

    Leaving out all but the best would win more points still, and says nothing: the signal is a mean.
    """
    details = getattr(report.signal("hashtags"), "details", None)
    tags: tuple[Any, ...] = getattr(details, "tags", ())
    worse = [tag for tag in tags if tag.counted is not None and (tag.counted.lift or 0.0) < 0]
    if worse:
        which = "it" if len(worse) == 1 else "them"
        text = f"Leave out {_named(worse)}: posts with {which} did worse than their authors' size predicts."
        yield _rewritten(report, "hashtags", text, _without(report, worse), ("hashtags",))
    over = getattr(details, "over_limit", None) or 0
    if details is not None and over:
        typed = [tag.tag.key for tag in tags]
        again = [tag for place, tag in enumerate(tags) if tag.tag.key in typed[:place]]
        others = [tag for tag in tags if tag not in again]
        judged = sorted((t for t in others if t.counted is not None), key=lambda t: float(t.counted.lift or 0.0))
        rest = [t for t in reversed(others) if t.counted is None]
        dropped = [*again, *rest, *judged][:over]
        limit = f"{details.platform.name} takes {details.platform.hashtag_limit} hashtags"
        text = f"Leave out {_named(dropped)}: {limit}, and these are repeated, not known or did worst."
        yield _rewritten(report, "hashtags", text, _without(report, dropped), ("hashtags",))


def _wordings(report: Report) -> Iterator[Change]:
    caption = report.provenance.post.caption
    first = _LINE_END.split(caption, maxsplit=1)[0]
    end = _SENTENCE_END.search(first)
    names = ("sentiment", "keywords")
    if end is not None and first[end.end() :].strip():
        shorter = caption[: end.end()] + "\n" + caption[end.end() :].lstrip()
        yield _rewritten(report, "caption", "Shorter first line: break it after the first sentence.", shorter, names)
    language = next((found for name in names if (found := _language(report, name))), "")
    for what, written in (("a question", QUESTION), ("a call to action", CALL_TO_ACTION)):
        phrase = written.get(language)
        if phrase and phrase not in caption and not (written is QUESTION and "?" in caption):
            text = f"End the caption with {what}: “{phrase}”"
            yield _rewritten(report, "caption", text, f"{caption.rstrip()}\n{phrase}", names)


def _language(report: Report, name: str) -> str | None:
    return getattr(getattr(report.signal(name), "details", None), "language", None)


def _rewritten(report: Report, kind: AdviceKind, text: str, caption: str, names: tuple[str, ...]) -> Change:
    promise = sum(100.0 * item.weight - item.points for item in report.contributions if item.signal in names)
    end = report.provenance.video.duration_seconds
    return Change(kind=kind, start=0.0, end=end, text=text, promise=promise, caption=caption)


def _without(report: Report, left_out: list[Any]) -> str:
    kept = report.provenance.post.caption
    for reading in sorted(left_out, key=lambda reading: -int(reading.tag.start)):
        kept = kept[: reading.tag.start].rstrip(" ") + kept[reading.tag.end :]
    return kept.strip(" ")


def _named(readings: list[Any]) -> str:
    return ", ".join(f"#{key}" for key in dict.fromkeys(reading.tag.key for reading in readings))
