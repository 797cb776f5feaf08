"""A question and an indexed article come in; every sentence of the article goes out as a Candidate, best first.

Two opinions are fused: the cosine of meanings (FAISS) and BM25 (shared words). The fusions are small pure functions of
two arrays, so that they can be measured against each other; `fuse` is the one in use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.build import ArticleIndex
from index.embeddings import Encoder, FloatArray
from index.sentences import Sentence

IntArray = npt.NDArray[np.int64]

DENSE_WEIGHT = 0.5  # share of the cosine in the fused relevance; BM25 has the rest


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence the index offers for a question."""

    row: int  # its number in the article, from 0
    sentence: Sentence
    cosine: float  # -1 to 1; higher is closer in meaning
    bm25: float  # 0 and up; higher shares more, and rarer, words
    fused: float  # 0 to 1 with `fuse`; comparable within one question only
    rank: int  # 1 is the best fused
    dense_rank: int  # 1 is the highest cosine
    bm25_rank: int  # 1 is the highest BM25


def by_max(values: FloatArray) -> FloatArray:
    """Scale so that the largest is 1; what is below 0 becomes 0. All zero when nothing is above 0."""
    positive = np.maximum(values, 0)
    largest = positive.max(initial=0)
    return np.asarray(positive / largest if largest > 0 else positive, dtype=np.float32)


def min_max(values: FloatArray) -> FloatArray:
    """Scale so that the smallest is 0 and the largest 1. All zero when all are equal."""
    if not values.size:
        return values
    spread = values.max() - values.min()
    return np.asarray((values - values.min()) / spread if spread > 0 else np.zeros_like(values), dtype=np.float32)


def z_scores(values: FloatArray) -> FloatArray:
    """Scale to mean 0 and standard deviation 1. All zero when all are equal."""
    if not values.size:
        return values
    deviation = values.std()
    return np.asarray(
        (values - values.mean()) / deviation if deviation > 0 else np.zeros_like(values), dtype=np.float32
    )


def weighted_sum(
    cosines: FloatArray,
    bm25: FloatArray,
    *,
    dense_weight: float = DENSE_WEIGHT,
    scale: Callable[[FloatArray], FloatArray] = by_max,
) -> FloatArray:
    """Return dense_weight * scale(cosines) + (1 - dense_weight) * scale(bm25), float32 (n,)."""
    return np.asarray(dense_weight * scale(cosines) + (1 - dense_weight) * scale(bm25), dtype=np.float32)


def reciprocal_ranks(
    cosines: FloatArray, bm25: FloatArray, *, dense_weight: float = DENSE_WEIGHT, constant: float = 60.0
) -> FloatArray:
    """Return reciprocal rank fusion, float32 (n,): the weighted sum of 1 / (constant + rank)."""
    by_cosine, by_bm25 = ranks(cosines), ranks(bm25)
    fused = dense_weight / (constant + by_cosine) + (1 - dense_weight) / (constant + by_bm25)
    return np.asarray(fused, dtype=np.float32)


def fuse(cosines: FloatArray, bm25: FloatArray, *, dense_weight: float = DENSE_WEIGHT) -> FloatArray:
    """Return the fused relevance in use, float32 (n,), higher is better."""
    return weighted_sum(cosines, bm25, dense_weight=dense_weight)


def order(values: FloatArray) -> IntArray:
    """Return the rows from the highest value to the lowest, int64 (n,); equal values stay in reading order."""
    return np.argsort(-values, kind="stable").astype(np.int64)


def ranks(values: FloatArray) -> IntArray:
    """Return each row's rank, int64 (n,); 1 is the highest value, and of equal values the earlier row is better."""
    result = np.empty(len(values), dtype=np.int64)
    result[order(values)] = np.arange(1, len(values) + 1)
    return result


def retrieve(
    question: str,
    article_index: ArticleIndex,
    encoder: Encoder,
    *,
    k: int | None = None,
    dense_weight: float = DENSE_WEIGHT,
) -> list[Candidate]:
    """Return the k best candidates for the question (None: every sentence), best fused first; ties in reading order.

    dense_weight: the share of the cosine in the fused relevance; 0 goes by BM25 alone, 1 by meaning alone.
    """
    count = len(article_index.sentences)
    if count == 0:
        return []
    found = article_index.store.search(encoder.encode_queries([question]), k=count)
    cosines = np.zeros(count, dtype=np.float32)
    cosines[found.rows[0]] = found.cosines[0]
    bm25 = article_index.terms.scores(question)
    fused = fuse(cosines, bm25, dense_weight=dense_weight)
    best = order(fused)[:k]
    # Plain numbers a column at a time: a number at a time is most of the search in an article of 10,000 sentences.
    columns = (cosines, bm25, fused, ranks(cosines), ranks(bm25))
    return [
        Candidate(row, article_index.sentences[row], cosine, words, relevance, rank, dense_rank, bm25_rank)
        for rank, (row, cosine, words, relevance, dense_rank, bm25_rank) in enumerate(
            zip(best.tolist(), *(column[best].tolist() for column in columns), strict=True), start=1
        )
    ]
