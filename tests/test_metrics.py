"""Tests of qa/metrics.py: the official SQuAD cases by hand, and every other figure against a plain second way."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.metrics import (
    auroc,
    best_exact_match,
    best_token_f1,
    exact_match,
    hit_at_k,
    mean,
    overlaps,
    percentile,
    reciprocal_rank,
    squad_words,
    token_f1,
)


def test_token_f1_counts_a_repeated_word_each_time():
    """answer: cat cat sat; gold: cat cat ("the" is dropped). 2 words shared,
    precision 2/3, recall 2/2, F1 = 2 * (2/3 * 1) / (2/3 + 1) = 0.8"""
    assert token_f1("cat cat sat", gold="the cat cat") == pytest.approx(0.8)


def test_token_f1_is_the_harmonic_mean_of_precision_and_recall():
    """answer: "in Normandy France" (3 words), gold: "Normandy" (1). 1 shared, precision 1/3, recall 1, F1 = 0.5"""
    assert token_f1("in Normandy, France", gold="Normandy") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Denver Broncos!", ["denver", "broncos"]),
        ("An apple a day", ["apple", "day"]),
        ("the-cat", ["thecat"]),  # punctuation leaves no gap, so nothing is left that is "the"
        ("it's 2,000", ["its", "2000"]),
        ("“Normandy”", ["“normandy”"]),  # only ASCII punctuation is struck out
        ("theatre and anthem", ["theatre", "and", "anthem"]),  # whole words only
        ("  tabs\tand\nlines ", ["tabs", "and", "lines"]),
        ("The", []),
        ("", []),
    ],
)
def test_words_are_normalised_as_squad_does(text, words):
    assert squad_words(text) == words


def test_exact_match_overlooks_case_punctuation_articles_and_spaces():
    assert exact_match("the  Amazon,", gold="An amazon")
    assert not exact_match("Amazon Jungle", gold="Amazon")


def test_two_answers_without_words_agree_and_one_without_words_agrees_with_nothing():
    assert token_f1("", gold="the") == 1.0
    assert token_f1("", gold="cat") == 0.0
    assert token_f1("cat", gold="") == 0.0


def test_the_best_accepted_answer_counts_and_one_without_words_is_left_out():
    assert best_token_f1("Normandy", golds=["France", "in Normandy"]) == pytest.approx(2 / 3)
    assert best_exact_match("", golds=["the"]) is None
    assert best_token_f1("cat", golds=[]) is None
    assert best_exact_match("", golds=["the", "cat"]) is False


@given(st.text(), st.text())
def test_f1_is_symmetric_between_0_and_1_and_1_for_an_exact_match(one, other):
    assert 0.0 <= token_f1(one, gold=other) <= 1.0
    assert token_f1(one, gold=other) == token_f1(other, gold=one)
    assert token_f1(one, gold=one) == 1.0


def test_touching_stretches_do_not_overlap():
    assert overlaps((0, 5), (4, 9))
    assert not overlaps((0, 5), (5, 9))


def test_hit_and_reciprocal_rank_by_hand():
    """Ranked 7, 3, 5; right: 5 and 9. First right one at rank 3."""
    assert not hit_at_k([7, 3, 5], {5, 9}, k=2)
    assert hit_at_k([7, 3, 5], {5, 9}, k=3)
    assert reciprocal_rank([7, 3, 5], {5, 9}) == pytest.approx(1 / 3)
    assert reciprocal_rank([7, 3, 5], {5, 9}, k=2) == 0.0


def test_auroc_by_hand_with_a_tie():
    """Pairs: 0.9>0.4, 0.9>0.7, 0.7>0.4, 0.7=0.7 (half): 3.5 of 4"""
    assert auroc([0.9, 0.7], [0.4, 0.7]) == pytest.approx(3.5 / 4)


def test_auroc_is_undefined_without_both_kinds():
    assert auroc([], [0.5]) is None
    assert auroc([0.5], []) is None


@pytest.mark.parametrize("seed", range(20))
def test_auroc_counts_what_comparing_every_pair_counts(seed):
    generator = random.Random(seed)
    ups = [generator.randrange(6) / 5 for _ in range(generator.randrange(1, 30))]
    downs = [generator.randrange(6) / 5 for _ in range(generator.randrange(1, 30))]
    pairs = [(up > down) + (up == down) / 2 for up in ups for down in downs]
    assert auroc(ups, downs) == pytest.approx(sum(pairs) / len(pairs))


def test_percentiles_by_hand():
    assert percentile([10, 20, 30, 40], 0.5) == pytest.approx(25)
    assert percentile([10], 0.95) == 10
    assert percentile([], 0.5) is None


def test_the_mean_of_nothing_is_undefined_and_not_zero():
    assert mean([]) is None
    assert mean([0.0]) == 0.0


# What SQuAD's normalisation could stumble over: its three articles, punctuation of ASCII and of elsewhere, letters that
# change their length when made small, spaces that only Unicode knows, digits that are not ours.
SQUAD_PIECES = [
    "a", "an", "the", "The", "AN", "A.", "the-cat", "cat", "cat", "Cats", "theatre", "anthem", "a's", "it's", "’s",
    "“cat”",
    "2,000", "£2", "3.5", "U.S.", "--", "—", "...", "_", "a_cat", "İstanbul", "straße", "ß", "Å", "é", "e\u0301",
    "東京", "\u00a0", "\u2003", "\u200b", "\n", "\t", "٣", "Ǆ", "",
]  # fmt: skip
SQUAD_TEXTS = st.one_of(
    st.lists(st.sampled_from(SQUAD_PIECES), max_size=7).map(" ".join),
    st.lists(st.sampled_from(SQUAD_PIECES), max_size=4).map("".join),
    st.text(max_size=25),
)


@pytest.mark.model  # loads no model, but importing this library takes as long
def test_exact_match_and_f1_are_those_of_an_independent_copy_of_the_official_script():
    from torchmetrics.functional.text import squad

    @settings(max_examples=1500, deadline=None, derandomize=True)
    @given(SQUAD_TEXTS, st.lists(SQUAD_TEXTS.filter(squad_words), min_size=1, max_size=3))
    def agrees(answer: str, golds: list[str]) -> None:
        theirs = squad(
            {"id": "1", "prediction_text": answer},
            {"id": "1", "answers": {"answer_start": [0] * len(golds), "text": golds}},
        )
        assert best_exact_match(answer, golds=golds) == bool(theirs["exact_match"] == 100)
        assert 100 * (best_token_f1(answer, golds=golds) or 0) == pytest.approx(float(theirs["f1"]), abs=1e-4)

    agrees()
