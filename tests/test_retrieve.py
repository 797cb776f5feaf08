"""qa/retrieve.py: the fusions by hand, and the order of candidates on the small article."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from index.build import ArticleIndex
from qa.retrieve import by_max, fuse, min_max, order, ranks, reciprocal_ranks, retrieve, weighted_sum, z_scores

SCORES = arrays(np.float32, st.integers(1, 8), elements=st.floats(-1, 40, width=32))


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_the_weighted_sum_by_hand():
    """cosines 0.8, 0.4, -0.2 by their largest: 1, 0.5, 0. BM25 0, 6, 3: 0, 1, 0.5. Half of each: 0.5, 0.75, 0.25."""
    np.testing.assert_allclose(weighted_sum(floats(0.8, 0.4, -0.2), floats(0, 6, 3)), [0.5, 0.75, 0.25])


def test_the_weight_is_the_share_of_the_cosine():
    np.testing.assert_allclose(weighted_sum(floats(1, 0), floats(0, 1), dense_weight=0.8), [0.8, 0.2], rtol=1e-6)


def test_reciprocal_ranks_by_hand():
    """Ranks 1, 2 and 2, 1 with the constant 1, weights 1/2: 0.5/2 + 0.5/3 for both, 5/12."""
    np.testing.assert_allclose(
        reciprocal_ranks(floats(0.9, 0.1), floats(1, 7), constant=1), [5 / 12, 5 / 12], rtol=1e-6
    )


def test_scales_by_hand():
    np.testing.assert_allclose(by_max(floats(2, 1, -4)), [1, 0.5, 0])
    np.testing.assert_allclose(min_max(floats(2, 1, -2)), [1, 0.75, 0])
    np.testing.assert_allclose(z_scores(floats(1, 3)), [-1, 1])


@pytest.mark.parametrize("scale", [by_max, min_max, z_scores])
def test_a_question_that_matches_nothing_favours_nothing(scale):
    np.testing.assert_array_equal(scale(floats(0, 0, 0)), [0, 0, 0])


def test_equal_values_stay_in_reading_order():
    assert order(floats(1, 2, 2, 1)).tolist() == [1, 2, 0, 3]
    assert ranks(floats(1, 2, 2, 1)).tolist() == [3, 1, 2, 4]


@given(SCORES)
def test_ranks_number_the_rows_from_the_highest(values):
    found = ranks(values)
    assert sorted(found.tolist()) == list(range(1, len(values) + 1))
    assert all(values[a] >= values[b] for a in range(len(values)) for b in range(len(values)) if found[a] < found[b])


@given(SCORES)
def test_the_fusion_in_use_stays_between_0_and_1(values):
    fused = fuse(np.clip(values, -1, 1), np.maximum(values, 0))
    assert fused.dtype == np.float32
    assert np.all((fused >= 0) & (fused <= 1))


def test_every_sentence_is_a_candidate_and_its_place_is_the_articles(small_index: ArticleIndex, encoder):
    candidates = retrieve("Who will rebuild the bridge?", small_index, encoder)
    assert sorted(candidate.row for candidate in candidates) == list(range(len(small_index.sentences)))
    assert [candidate.rank for candidate in candidates] == list(range(1, len(candidates) + 1))
    for candidate in candidates:
        assert candidate.sentence == small_index.sentences[candidate.row]


def test_what_has_the_words_and_the_meaning_comes_first(small_index: ArticleIndex, encoder):
    best = retrieve("When did the river rise?", small_index, encoder)[0]
    assert best.sentence.text == "The river rose on Monday."
    assert best.cosine == pytest.approx(1.0)  # "river" is the only word of either that the toy encoder knows
    assert (best.rank, best.dense_rank, best.bm25_rank) == (1, 1, 1)


def test_k_keeps_the_best_of_the_same_order(small_index: ArticleIndex, encoder):
    whole = retrieve("bridge flood 1953", small_index, encoder)
    assert retrieve("bridge flood 1953", small_index, encoder, k=3) == whole[:3]


def test_a_question_without_a_known_word_keeps_the_reading_order(small_index: ArticleIndex, encoder):
    candidates = retrieve("Quo vadis?", small_index, encoder)
    assert [candidate.row for candidate in candidates] == list(range(len(small_index.sentences)))
    assert all(candidate.fused == 0 for candidate in candidates)


def test_the_dense_weight_says_whose_order_it_is(small_index: ArticleIndex, encoder):
    question = "bridge flood cost of the town"
    words = retrieve(question, small_index, encoder, dense_weight=0)
    meaning = retrieve(question, small_index, encoder, dense_weight=1)
    assert [candidate.bm25_rank for candidate in words] == list(range(1, len(words) + 1))
    assert [candidate.dense_rank for candidate in meaning] == list(range(1, len(meaning) + 1))
    assert words != meaning
