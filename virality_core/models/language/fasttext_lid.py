"""fastText's lid.176: the language of a text, in numpy.

Joulin et al. 2017, Bag of Tricks for Efficient Text Classification; FastText.zip, arXiv:1612.03651. The published
lid.176.ftz (CC BY-SA 3.0) was converted by `recipes/language_lid176/convert.py`. The steps are fastText's: look up a
line's words and their letter groups, average their vectors, and follow a tree of yes/no questions to 176 languages.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_END_OF_LINE = "</s>"
_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619  # fastText's hash: FNV-1a over signed bytes


class LanguageModel:
    """Probabilities of 176 languages for a line of text."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """From the tensors of weights/language_lid176/model.safetensors."""
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        self.labels: list[str] = bytes(arrays["labels"]).decode().split("\n")
        self._words = {word: row for row, word in enumerate(bytes(arrays["words"]).decode().split("\n"))}
        self._buckets = {int(bucket): int(row) for bucket, row in arrays["buckets"]}
        self._rows: NDArray[np.float32] = arrays["rows"].astype(np.float32)  # (words + buckets, 16)
        self._questions: NDArray[np.float32] = arrays["questions"].astype(np.float32)  # (175, 16)
        self._paths = [[(int(q), int(a)) for q, a in path if q >= 0] for path in arrays["paths"]]  # (176, depth, 2)
        self._bucket_count, self._shortest, self._longest = (int(value) for value in arrays["settings"])

    def shares(self, text: str) -> dict[str, float]:
        """The probability of each language by its code, for `text` as one line."""
        rows = [row for word in [*text.split(), _END_OF_LINE] for row in self._rows_of(word)]
        if not rows:
            return {}
        hidden = self._rows[rows].mean(0)
        yes = 0.5 + 0.5 * np.tanh(0.5 * (self._questions @ hidden))  # the logistic function, without overflow
        shares = {}
        for label, path in zip(self.labels, self._paths, strict=True):
            share = 1.0
            for question, answer in path:
                share *= float(yes[question] if answer else 1.0 - yes[question])
            shares[label] = share
        return shares

    def _rows_of(self, word: str) -> list[int]:
        rows = [self._words[word]] if word in self._words else []
        if word == _END_OF_LINE:
            return rows
        framed = f"<{word}>"
        for start in range(len(framed)):
            for length in range(self._shortest, self._longest + 1):
                if start + length > len(framed):
                    break
                if length == 1 and start in (0, len(framed) - 1):
                    continue  # "<" or ">" alone says nothing
                row = self._buckets.get(_hash(framed[start : start + length]) % self._bucket_count)
                if row is not None:
                    rows.append(row)
        return rows


def _hash(text: str) -> int:
    value = _FNV_OFFSET
    for byte in text.encode("utf-8", errors="replace"):
        signed = byte | 0xFFFFFF00 if byte >= 0x80 else byte
        value = ((value ^ signed) * _FNV_PRIME) & 0xFFFFFFFF
    return value
