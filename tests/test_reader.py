"""qa/reader.py: the reader that needs no training."""

from __future__ import annotations

import math

import pytest

from index.sentences import Sentence
from qa.reader import FusedReader, Reading
from qa.retrieve import Candidate, retrieve


def candidate(row: int, *, fused: float, cosine: float) -> Candidate:
    sentence = Sentence(row * 10, row * 10 + 9, f"Number {row}.", 0)
    return Candidate(row, sentence, cosine, 0.0, fused, row + 1, row + 1, row + 1)


def test_the_shares_by_hand(small_index):
    """temperature 1, half_cosine 0.5: fused 1.0 and 0.0, best cosine 0.5; "none" has the logit 1.0 + 0.5 - 0.5 = 1.0.
    The shares are e^1, e^0 and e^1 of their sum 2e + 1."""
    reader = FusedReader(temperature=1.0, half_cosine=0.5)
    reading = reader.read(
        "?", (), small_index, [candidate(0, fused=1.0, cosine=0.5), candidate(1, fused=0.0, cosine=0.1)]
    )
    whole = 2 * math.e + 1
    assert [sentence.relevance for sentence in reading.sentences] == pytest.approx([math.e / whole, 1 / whole])
    assert reading.none == pytest.approx(math.e / whole)


def test_relevances_and_none_sum_to_1_best_first(small_index, encoder):
    question = "What did the flood do to the bridge?"
    reading = FusedReader().read(question, (), small_index, retrieve(question, small_index, encoder))
    relevances = [sentence.relevance for sentence in reading.sentences]
    assert sum(relevances) + reading.none == pytest.approx(1.0)
    assert relevances == sorted(relevances, reverse=True)
    assert len(relevances) == len(small_index.sentences)


def test_none_is_likelier_for_a_question_on_nothing_in_the_article(small_index, encoder):
    def none(question: str) -> float:
        return FusedReader().read(question, (), small_index, retrieve(question, small_index, encoder)).none

    assert none("Who painted the ceiling?") > 0.5 > none("When did the river rise?")


def test_it_reads_nothing_and_says_so(small_index, encoder):
    reading = FusedReader().read("river", (), small_index, retrieve("river", small_index, encoder))
    assert reading.read == 0
    assert all(sentence.span is None for sentence in reading.sentences)


def test_without_candidates_none_is_certain(small_index):
    assert FusedReader().read("?", (), small_index, []) == Reading((), none=1.0, read=0)


def test_a_reader_with_other_settings_has_another_fingerprint():
    assert FusedReader().fingerprint == FusedReader().fingerprint != FusedReader(temperature=0.2).fingerprint
