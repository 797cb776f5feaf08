"""A question and its candidates come in; a Reading goes out: the share of each sentence, and of none, as the answer.

`Reader` is the seam: `FusedReader` below reads nothing and needs no training; the trained reader, in a file of its own,
reads windows of the article. Whoever asks cannot tell which it was, except by the confidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from index.build import ArticleIndex
from qa.dialogue import Turn
from qa.retrieve import Candidate


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """A candidate after reading."""

    candidate: Candidate
    relevance: float  # 0 to 1: the reader's share for this sentence; not calibrated
    span: tuple[int, int] | None  # the short answer, as offsets in the article; None where the reader knows none
    span_relevance: float | None  # 0 to 1, of that span among the spans of this sentence; not calibrated


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a question."""

    sentences: tuple[ReadSentence, ...]  # best first; their relevances and `none` sum to 1
    none: float  # 0 to 1: the reader's share for "no sentence answers this"; not calibrated
    read: int  # how many sentences were really read; the others have what the retriever said of them
    follow_up: bool = False  # whether earlier turns were read with the question


class Reader(Protocol):
    """Judges candidates by reading them with the question."""

    @property
    def name(self) -> str:
        """What the calibration is filed under."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of whatever decides the reader's judgement."""

    def read(
        self, question: str, history: Sequence[Turn], article_index: ArticleIndex, candidates: Sequence[Candidate]
    ) -> Reading:
        """Return the reading of the candidates (best fused first), all of them, for any question text."""


@dataclass(frozen=True, slots=True)
class FusedReader:
    """Reads nothing: the fused relevance of the retriever, through a softmax."""

    temperature: float = 0.1  # 0 to 1; lower trusts a small lead more
    half_cosine: float = 0.35  # when the best cosine is this, "none" is as likely as the best sentence

    @property
    def name(self) -> str:
        """What the calibration is filed under."""
        return "fused"

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of the two settings."""
        return hashlib.sha256(repr((self.name, self.temperature, self.half_cosine)).encode()).hexdigest()

    def read(
        self, question: str, history: Sequence[Turn], article_index: ArticleIndex, candidates: Sequence[Candidate]
    ) -> Reading:
        """Return the candidates in their order; relevance is softmax(fused / temperature) over them and "none".

        The fused relevance only compares sentences of one question with each other, so "none" is judged by the cosine,
        which has a meaning across questions.
        """
        if not candidates:
            return Reading((), none=1.0, read=0)
        fused = np.array([candidate.fused for candidate in candidates], dtype=np.float64)
        none = fused.max() + self.half_cosine - max(candidate.cosine for candidate in candidates)
        logits = np.append(fused, none) / self.temperature
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        sentences = [
            ReadSentence(candidate, float(share), None, None)
            for candidate, share in zip(candidates, shares, strict=False)
        ]
        sentences.sort(key=lambda sentence: (-sentence.candidate.fused, sentence.candidate.row))
        return Reading(tuple(sentences), none=float(shares[-1]), read=0)
