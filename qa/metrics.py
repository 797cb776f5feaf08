"""One question's answer and what would have been right come in; a number that can be worked out by hand goes out.

Pure arithmetic, nothing is averaged here. Ranks count from 1; shares and relevances go from 0 to 1. Whatever cannot be
said of a question (the F1 of a question that has no short answer) is None and stays None: undefined is not zero.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

Range = tuple[int, int]  # start and end of a stretch of an article, in characters; the end is not part of it

_ENGLISH_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)  # ASCII only, as SQuAD has it: a curly quote stays


def squad_words(text: str) -> list[str]:
    """Return the words SQuAD compares: lower case, ASCII punctuation struck out, then "a", "an" and "the" dropped.

    Punctuation goes first and leaves no gap, so "the-cat" is the one word "thecat".
    """
    return _ENGLISH_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def exact_match(answer: str, *, gold: str) -> bool:
    """True if both are the same words in the same order, as SQuAD normalises them."""
    return squad_words(answer) == squad_words(gold)


def token_f1(answer: str, *, gold: str) -> float:
    """Return SQuAD's F1: words are counted as often as they occur; two empty texts agree fully (1.0)."""
    got, wanted = squad_words(answer), squad_words(gold)
    if not got or not wanted:
        return float(got == wanted)
    shared = (Counter(got) & Counter(wanted)).total()
    if shared == 0:
        return 0.0
    precision, recall = shared / len(got), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def best_exact_match(answer: str, *, golds: Iterable[str]) -> bool | None:
    """Return whether any accepted answer is matched; None when no answer with a word in it is accepted."""
    matches = [exact_match(answer, gold=gold) for gold in golds if squad_words(gold)]
    return any(matches) if matches else None


def best_token_f1(answer: str, *, golds: Iterable[str]) -> float | None:
    """Return the F1 with the nearest accepted answer; None when no answer with a word in it is accepted.

    An accepted answer without a word ("the", "...") is left out, as SQuAD 2.0's script does.
    """
    return max((token_f1(answer, gold=gold) for gold in golds if squad_words(gold)), default=None)


def overlaps(one: Range, other: Range) -> bool:
    """True if the two stretches have at least one character in common; touching is not overlapping."""
    return one[0] < other[1] and other[0] < one[1]


def hit_at_k(ranked: Sequence[int], gold: AbstractSet[int], *, k: int) -> bool:
    """True if any gold sentence is among the first k candidates.

    ir_measures calls the mean of this Success@k. Others call it recall@k; here "recall" is only the share of gold
    sentences found.
    """
    return not gold.isdisjoint(ranked[:k])


def reciprocal_rank(ranked: Sequence[int], gold: AbstractSet[int], *, k: int | None = None) -> float:
    """Return 1 / rank of the first gold sentence; 0.0 when none is among the first k (None: among any)."""
    for rank, row in enumerate(ranked[:k], start=1):
        if row in gold:
            return 1 / rank
    return 0.0


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return the chance that a positive is above a negative, a tie being half a chance; None without both.

    Counted from ranks, so n log n: the sum of the positives' mid-ranks, less what it would be at the very bottom.
    """
    if not positive or not negative:
        return None
    counts: dict[float, list[int]] = {}
    for value in positive:
        counts.setdefault(value, [0, 0])[0] += 1
    for value in negative:
        counts.setdefault(value, [0, 0])[1] += 1
    wins, below = 0.0, 0
    for value in sorted(counts):
        ups, downs = counts[value]
        wins += ups * (below + downs / 2)
        below += downs
    return wins / (len(positive) * len(negative))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which `share` (0 to 1) of the values lie, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: Sequence[float]) -> float | None:
    """None, not 0.0, when there is nothing to average: no questions is not all wrong."""
    return math.fsum(values) / len(values) if values else None
