"""What the model says of the word pieces of one sentence comes in; the short answer inside the sentence goes out.

A short answer is a first and a last piece. The model judges the two apart, so their logits are added (Seo et al. 2017,
arXiv:1611.01603), and a length has its price; then the pieces are widened to whole words of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from index.embeddings import FloatArray

LONGEST_SPAN = 32  # word pieces
# What a short answer's pieces beyond so many cost, each. First and last piece are judged apart, so what runs from one
# likely answer to the next would often look best: "Ines Mora hit the mast at noon, said the pilot, Leon Hart".
LONG_ANSWER = 12
LENGTH_COST = 0.2
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ('"', '"'))
# A full stop that ends a sentence, and is not a part of "a.m.", "U.S." or "Inc.".
_STOPPED = re.compile(r"(?<![^\s\"“‘'(])(?:[a-z]{3,}|\S*\d)\.\Z")


@dataclass(frozen=True)
class SentenceLogits:
    """What the model says of one sentence; "none" is 0 on each of the three scales."""

    sentence: float
    starts: FloatArray  # (pieces of the sentence,)
    ends: FloatArray

    @cached_property
    def span_logit(self) -> float:
        """Mean of the logits of the best first and last piece, however far apart."""
        return float(self._sums.max()) / 2 if self._sums.size else 0.0

    def spans(self, count: int) -> list[tuple[int, int]]:
        """Return first and last piece of the `count` likeliest short answers, likeliest first; length costs.

        A sentence without pieces has none.
        """
        first, last = np.indices(self._sums.shape)
        worth = (self._sums - LENGTH_COST * np.maximum(last - first + 1 - LONG_ANSWER, 0)).ravel()
        if count == 1 and worth.size:
            return [divmod(int(worth.argmax()), len(self._sums))]
        best = np.argsort(-worth, kind="stable")[:count]
        return [divmod(int(place), len(self._sums)) for place in best if np.isfinite(worth[place])]

    def share(self, first: int, last: int) -> float:
        """What a short answer has, 0 to 1, among all that could begin with its first or end with its last piece."""
        return _share(self.starts, first) * _share(self.ends, last)

    @cached_property
    def _sums(self) -> FloatArray:
        """The sum of both logits of every span, by first and last piece; -inf for what is none: (pieces, pieces)."""
        count = len(self.starts)
        first, last = np.indices((count, count))
        sums = self.starts[:, None] + self.ends[None, :]
        return np.where((last >= first) & (last - first < LONGEST_SPAN), sums, -np.inf)


def mean_of(one: SentenceLogits, other: SentenceLogits) -> SentenceLogits:
    """Return the mean of two readings of a sentence."""
    half = np.float32(0.5)
    return SentenceLogits(
        (one.sentence + other.sentence) / 2, half * (one.starts + other.starts), half * (one.ends + other.ends)
    )


def whole_words(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Return the span widened to whole words, within low and high, without punctuation at its ends.

    What is opened in it and closed right after it, or the other way round, is closed in it: "Monday (5 May)". What is
    all within one pair of marks is shown without them.
    """
    while start > low and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < high and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    while start < end - 1 and text[start] in ",;:.!?…)]”’ \n\t":
        start += 1
    while end > start + 1 and text[end - 1] in ",;:!?…([“‘ \n\t":
        end -= 1
    if _STOPPED.search(text, start, end):
        end -= 1
    for opens, closes in _PAIRS:
        inside, same = text[start:end], opens == closes
        unclosed = inside.count(opens) % 2 if same else inside.count(opens) - inside.count(closes)
        if inside in (opens, closes):
            continue  # a mark alone: without it nothing would be left
        if unclosed > 0 and end < high and text[end] == closes:
            start, end = (start + 1, end) if text[start] == opens else (start, end + 1)
        elif (unclosed < 0 or (same and unclosed)) and start > low and text[start - 1] == opens:
            start, end = (start, end - 1) if text[end - 1] == closes else (start - 1, end)
    return start, end


def _share(logits: FloatArray, place: int) -> float:
    shares = np.exp(logits - logits.max())
    return float(shares[place] / shares.sum())
