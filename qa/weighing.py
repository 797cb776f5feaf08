"""What was noticed about the sentences that were read comes in; the logit of each and of "none" goes out.

    model's logits, cosine, BM25, place, length,
    what it says otherwise than the question,
    what sort of question it is ─► SIGNALS of a sentence ─► their weighed sum ──────────────┐
    the best of them, how many sentences there are,
    numbers the article never gives ─► NONE_SIGNALS ─► their weighed sum ───────────────────┴─► one softmax

A conditional logit (McFadden 1974): the weights are chosen for the greatest likelihood of the right sentences of
validation questions (`training.choose weights`). What says that an article has no answer is weighed apart from what
says which sentence is the answer: a word that only one sentence has ranks that one first, and promises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embeddings import FloatArray

Shares = NDArray[np.float64]

# What a sentence has, each with a weight of its own.
_PLAIN = (
    "sentence",  # the model's logit for it
    "span",  # the logit of its best span
    "cosine",  # the retriever's
    "bm25",  # the sum of what its words tell, as it is: the logarithm of odds, where words know nothing of each other
    "bm25_log",  # log(1 + BM25): whether it shares any word at all
    "around",  # the mean of BM25 over its neighbours: a question often names what the sentences before are about
    "lead",  # -log(1 + place), counted up to LEAD_SENTENCES: what is said twice is said first at the top
    "length",  # log(characters): a longer sentence says more
    "undenied",  # 1 where the question denies something and the sentence nothing (qa/contradiction.py)
    "opposed",  # 1 where it has the opposite of a word of the question in that word's place
)
# How far the model's logits and the top of the article are to be believed depends on what is asked: who asks "What
# happened?" is answered near the top, who asks for a detail at length, or in words of his own, is not. So these have
# weights for sorts of questions beside those for all, what they multiply being the signal times the sort.
_LEANING = ("sentence", "span", "lead")
_SORTS = ("yes_no", "unmentioned", "long")
OF_SORTS = tuple(f"{signal}_{sort}" for sort in _SORTS for signal in _LEANING)
SIGNALS = (*_PLAIN, *OF_SORTS)
# What stands for "none", each with a weight of its own: a constant; the best of any sentence, four times; how many
# sentences there are; whether the question has a number that the article never gives.
NONE_SIGNALS = ("none", "none_sentence", "none_span", "none_cosine", "none_bm25_log", "none_count", "none_number")
NEIGHBOURS = 3  # sentences before and after
LEAD_SENTENCES = 20
FEW_SENTENCES = 10  # up to so many, their number says nothing
UNREAD_SHARE = 1e-6  # of the relevance, for all sentences that were not read together
FEW_WORDS, USUAL_WORDS, MANY_WORDS = 4, 8, 16  # of a question; beyond the first and the last, length says nothing more


@dataclass(frozen=True, slots=True)
class QuestionType:
    """What sort of question it is."""

    yes_no: bool  # it wants yes or no
    unmentioned: float  # 0 to 1: the share of its content words that the article never mentions
    words: int

    @property
    def sorts(self) -> FloatArray:
        """How far it is of each sort, float64 (3,), in the order of _SORTS: 0 or 1, 0 to 1, and -0.5 to 1."""
        words = min(max(self.words, FEW_WORDS), MANY_WORDS)
        return np.array([float(self.yes_no), self.unmentioned, (words - USUAL_WORDS) / USUAL_WORDS])


@dataclass(frozen=True, slots=True)
class Noticed:
    """What is known of the sentences that were read, in the order of the article, all sequences of one length; and of
    the question."""

    rows: Sequence[int]  # of the index, ascending
    sentence: Sequence[float]
    span: Sequence[float]
    cosine: Sequence[float]
    bm25: Sequence[float]  # not negative
    places: Sequence[int]  # how many sentences stand before it
    characters: Sequence[int]
    undenied: Sequence[bool]
    opposed: Sequence[bool]
    strange_numbers: int  # of the question, that the article never gives
    question: QuestionType


def signals(noticed: Noticed) -> FloatArray:
    """Return what a sentence's weights multiply, float64 (sentences, 19), in the order of SIGNALS."""
    bm25 = np.maximum(np.asarray(noticed.bm25, dtype=float), 0.0)
    plain = np.column_stack(
        [
            np.asarray(noticed.sentence, dtype=float),
            np.asarray(noticed.span, dtype=float),
            np.asarray(noticed.cosine, dtype=float),
            bm25,
            np.log1p(bm25),
            around(noticed.rows, bm25),
            -np.log1p(np.minimum(np.asarray(noticed.places, dtype=float), LEAD_SENTENCES)),
            np.log(np.maximum(np.asarray(noticed.characters, dtype=float), 1.0)),
            np.asarray(noticed.undenied, dtype=float),
            np.asarray(noticed.opposed, dtype=float),
        ]
    )
    leaning = plain[:, [_PLAIN.index(name) for name in _LEANING]]
    return np.hstack([plain, *(leaning * sort for sort in noticed.question.sorts)])


def none_signals(of_sentences: FloatArray, strange_numbers: int) -> FloatArray:
    """Return what the weights of "none" multiply, float64 (7,), in the order of NONE_SIGNALS.

    One strange number tells as much as several: a date written otherwise than in the text would be three.
    """
    best = of_sentences.max(axis=0)
    count = math.log(max(len(of_sentences) / FEW_SENTENCES, 1.0))
    of_best = (best[SIGNALS.index(name)] for name in ("sentence", "span", "cosine", "bm25_log"))
    return np.array([1.0, *of_best, count, float(strange_numbers > 0)])


def around(rows: Sequence[int], values: FloatArray) -> FloatArray:
    """Return the mean of each sentence's neighbours that were read, float64 (sentences,); of one without, its own."""
    at = np.asarray(rows)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.searchsorted(at, at - NEIGHBOURS)
    end = np.searchsorted(at, at + NEIGHBOURS, side="right")
    others = end - first - 1
    return np.where(others > 0, (sums[end] - sums[first] - values) / np.maximum(others, 1), values)


def weigh(noticed: Noticed, weights: Mapping[str, float]) -> FloatArray:
    """Return the logits of the sentences and, last, of "none", float64 (sentences + 1,).

    weights: by the names in SIGNALS and NONE_SIGNALS; KeyError for one that is missing.
    """
    of_sentences = signals(noticed)
    return np.append(
        of_sentences @ np.array([weights[name] for name in SIGNALS]),
        none_signals(of_sentences, noticed.strange_numbers) @ np.array([weights[name] for name in NONE_SIGNALS]),
    )


def shared_out(logits: FloatArray, unread: int) -> tuple[Shares, Shares]:
    """Return what every logit has of the relevance, float64 (n,), and every unread sentence, float64 (unread,).

    Together they are 1. The unread have UNREAD_SHARE of it, a third less for each next one: it keeps their order.
    """
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    if not unread:
        return shares, np.zeros(0)
    rest = np.power(2 / 3, np.arange(unread))
    return shares * (1 - UNREAD_SHARE), UNREAD_SHARE * rest / rest.sum()
