"""Which captions are surely Vietnamese or surely English.

Made to be right when it answers rather than to answer often: it selects data to fit on, and is no language detector.
"""

from __future__ import annotations

import re

from virality_core.scorers.caption.entities import find_entities

#: Letters that only Vietnamese uses among the languages of the data (ă and â, ê, ô are also Romanian and French).
_VIETNAMESE = re.compile("[đơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_LATIN_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
#: English function words; at least two in a caption, and one word in five.
_ENGLISH = """
    the a an and is of to in for on my you your i i'm it it's this that with was when be so we our at he she they not
    what how if just like but have has had do don't can will all out from who are her his him about no one get got too
    by up or these those them their as why
"""


def surely(caption: str) -> str | None:
    """`vi`, `en`, or None if unsure: other languages, mixtures, too few words."""
    entities = find_entities(caption)
    letters = list(caption)
    for span in (*entities.hashtags, *entities.mentions, *entities.links, *entities.emoji):
        letters[span.start : span.end] = " " * (span.end - span.start)
    prose = "".join(letters).lower().replace("’", "'")
    if _VIETNAMESE.search(prose):
        return "vi"
    words = _LATIN_WORD.findall(prose)
    known = frozenset(_ENGLISH.split())
    grammar = sum(word in known for word in words)
    only_latin = all(ord(character) < 0x250 for character in prose if character.isalpha())
    return "en" if only_latin and grammar >= 2 and grammar >= 0.2 * len(words) else None
