"""index/faiss_store.py: FAISS against brute force, and files that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.embeddings import FloatArray, unit_rows
from index.faiss_store import FaissStore


def random_units(seed: int, *, count: int, dim: int = 16) -> FloatArray:
    return unit_rows(np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32))


@pytest.mark.parametrize("seed", range(20))
def test_faiss_finds_what_brute_force_finds(seed: int) -> None:
    vectors = random_units(seed, count=1 + seed * 13)
    question_vectors = random_units(1000 + seed, count=3)
    k = min(5, len(vectors))
    cosines = question_vectors @ vectors.T
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    found = FaissStore.from_vectors(vectors).search(question_vectors, k=k)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.cosines, np.take_along_axis(cosines, rows, axis=1), atol=2e-6)
    assert found.rows.dtype == np.int64
    assert found.cosines.dtype == np.float32


@pytest.mark.parametrize("questions", [1, 40])  # faiss computes few and many in two different ways
def test_sentences_of_the_same_words_come_in_the_order_of_the_article(questions: int) -> None:
    vectors = np.repeat(random_units(1, count=3, dim=384), 50, axis=0)[np.random.default_rng(2).permutation(150)]
    found = FaissStore.from_vectors(vectors).search(random_units(3, count=questions, dim=384), k=150)
    for rows, cosines in zip(found.rows, found.cosines, strict=True):
        assert list(cosines) == sorted(cosines, reverse=True)
        for cosine in np.unique(cosines):
            tied = rows[cosines == cosine]
            assert list(tied) == sorted(tied)
        assert len(np.unique(cosines)) == 3


def test_a_tie_at_the_last_place_goes_to_the_earlier_sentence() -> None:
    """cosines with the question (1, 0): 0.6, 0, 0.6, 0.6; the two best are rows 0 and 2, not 0 and 3"""
    vectors = np.array([[0.6, 0.8], [0, 1], [0.6, -0.8], [0.6, 0.8]], dtype=np.float32)
    found = FaissStore.from_vectors(vectors).search(np.array([[1, 0]], dtype=np.float32), k=2)
    assert found.rows.tolist() == [[0, 2]]
    assert found.cosines.tolist() == [[pytest.approx(0.6), pytest.approx(0.6)]]


def test_a_sentence_the_encoder_knows_nothing_of_has_cosine_0_with_every_question() -> None:
    vectors = np.array([[0, 0], [1, 0]], dtype=np.float32)
    found = FaissStore.from_vectors(vectors).search(np.array([[1, 0], [-1, 0]], dtype=np.float32), k=2)
    assert found.rows.tolist() == [[1, 0], [0, 1]]
    assert found.cosines.tolist() == [[1, 0], [0, -1]]


def test_asking_for_more_sentences_than_there_are_returns_all_of_them_once() -> None:
    found = FaissStore.from_vectors(random_units(1, count=4)).search(random_units(2, count=1), k=100)
    assert sorted(found.rows[0].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        (np.ones((2, 3)), "float64, wanted float32"),
        ([[1.0, 0.0]], "list, wanted float32"),
        (np.ones(3, dtype=np.float32), r"shape \(3,\), wanted \(n, dim\)"),
        (np.ones((2, 0), dtype=np.float32), r"shape \(2, 0\), wanted \(n, dim\)"),
        (np.array([[1, 0], [3, 4]], dtype=np.float32), r"row 1 of the vectors has length 5\.000, wanted 1"),
        (np.array([[np.nan, 0]], dtype=np.float32), "not finite"),
    ],
)
def test_vectors_that_are_not_unit_float32_rows_are_refused_with_what_came(vectors: FloatArray, complaint: str) -> None:
    with pytest.raises((TypeError, ValueError), match=complaint):
        FaissStore.from_vectors(vectors)


def test_a_question_of_another_length_is_refused_with_both_lengths() -> None:
    store = FaissStore.from_vectors(random_units(1, count=3, dim=16))
    with pytest.raises(ValueError, match="8 dimensions but the store has 16"):
        store.search(random_units(2, count=1, dim=8), k=1)
    with pytest.raises(ValueError, match="k is 0, wanted 1 or more"):
        store.search(random_units(2, count=1, dim=16), k=0)


def test_a_store_read_from_a_file_holds_the_same_vectors_in_the_same_rows(tmp_path: Path) -> None:
    vectors = random_units(5, count=30)
    FaissStore.from_vectors(vectors).save(tmp_path / "index.faiss")
    loaded = FaissStore.load(tmp_path / "index.faiss")
    np.testing.assert_array_equal(loaded.vectors(), vectors)
    assert (len(loaded), loaded.dim) == (30, 16)
    np.testing.assert_array_equal(loaded.search(vectors, k=1).rows[:, 0], np.arange(30))
