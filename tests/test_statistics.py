"""Tests of qa/statistics.py: published values, and fast ways against plain ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from qa.statistics import (
    Clusters,
    bootstrap,
    bootstrap_mean,
    bootstrap_quantile,
    holm,
    in_chunks,
    mcnemar_p,
    paired_permutation_p,
    smallest_difference,
    swap_permutation_p,
    wilson,
)


def test_wilson_agrees_with_the_published_example():
    """Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_wilson_of_none_right_is_not_surely_nothing():
    """Newcombe (1998): 0 of 20 gives 0 to 0.1611."""
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(20, 20) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)
    assert wilson(0, 0) is None


def test_mcnemar_is_a_fair_coin_tossed_once_a_flip():
    """3 gained, 1 lost: of 16 ways to toss four times, 1 + 4 have at most one tail and 5 at most one head: 10 / 16"""
    assert mcnemar_p(3, 1) == mcnemar_p(1, 3) == 10 / 16
    assert mcnemar_p(0, 0) == mcnemar_p(2, 2) == 1.0


def test_mcnemar_is_scipys_binomial_test_however_many_flips():
    pairs = [(gained, lost) for gained in range(12) for lost in range(1, 12)] + [(14, 5), (1000, 900), (0, 2000)]
    for gained, lost in pairs:
        assert mcnemar_p(gained, lost) == pytest.approx(binomtest(gained, gained + lost, 0.5).pvalue, rel=1e-9)


def test_the_permutation_test_of_few_pairs_counts_every_way_to_turn_them():
    a, b = [0.1, 0.5, 0.4, 0.9, 0.3], [0.4, 0.9, 0.3, 0.9, 0.8]
    differences = [y - x for x, y in zip(a, b, strict=True) if y != x]
    seen = abs(sum(differences))
    turned = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=4)
    ]
    assert paired_permutation_p(a, b) == pytest.approx(sum(value >= seen - 1e-9 for value in turned) / len(turned))


def test_two_equal_runs_are_not_told_apart():
    assert paired_permutation_p([0.5] * 40, [0.5] * 40) == 1.0
    assert paired_permutation_p([0.5] * 40, [0.5] * 39 + [0.9]) == 1.0
    assert swap_permutation_p(lambda swap: np.zeros(len(swap)), 30) == 1.0


def test_a_large_difference_of_many_pairs_is_found_and_the_same_each_time():
    a = [n / 100 for n in range(60)]
    b = [value + 0.1 + 0.01 * (n % 3) for n, value in enumerate(a)]
    assert paired_permutation_p(a, b) < 0.001
    assert paired_permutation_p(a, b) == paired_permutation_p(a, b)


def test_holm_by_hand():
    """Sorted: 0.01*3 = 0.03, 0.02*2 = 0.04, 0.9*1 = 0.9; never below the one before."""
    assert holm([0.9, 0.01, 0.02]) == pytest.approx([0.9, 0.03, 0.04])
    assert holm([0.02, 0.021]) == pytest.approx([0.04, 0.04])
    assert holm([]) == []


def test_a_bootstrap_is_the_same_each_time_and_holds_the_mean():
    values = [float(n % 2) for n in range(50)]
    articles = [str(n) for n in range(50)]
    low, high = bootstrap_mean(values, articles)
    assert low < 0.5 < high
    assert (low, high) == bootstrap_mean(values, articles)
    assert bootstrap_mean([1.0], ["a"]) is None


def test_whole_articles_are_drawn_where_there_are_enough_of_them():
    """Ten questions about each of 20 articles, all alike within one: 20 things are known, not 200."""
    articles = [str(n // 10) for n in range(200)]
    values = [float(n // 10 % 2) for n in range(200)]
    low, high = bootstrap_mean(values, articles)
    alone_low, alone_high = bootstrap_mean(values, [str(n) for n in range(200)])
    assert high - low > 2 * (alone_high - alone_low)


def test_too_few_articles_are_not_drawn_whole():
    assert not Clusters.of(["a", "b"] * 10).whole_articles
    assert Clusters.of([str(n) for n in range(10)]).whole_articles


def test_swapping_finds_a_difference_that_swaps_away():
    """Every one of 30 questions is better in B by 1: only all or none swapped differ as much, which is not drawn."""
    assert swap_permutation_p(lambda swap: (1.0 - 2 * swap).sum(axis=1), 30) == pytest.approx(1 / 1000)
    assert swap_permutation_p(lambda swap: np.full(len(swap), np.nan), 30) is None


def test_chunks_change_nothing():
    rows = np.arange(24).reshape(8, 3)
    np.testing.assert_array_equal(in_chunks(lambda part: part.sum(axis=1).astype(float), rows), rows.sum(axis=1))


def test_the_interval_of_a_median_holds_it():
    low, high = bootstrap_quantile([float(n) for n in range(101)], 0.5)
    assert low < 50 < high
    assert bootstrap_quantile([1.0], 0.5) is None


def test_draws_of_articles_take_every_question_of_one():
    clusters = Clusters.of([str(n // 2) for n in range(24)])
    draws = clusters.draws(resamples=50)
    np.testing.assert_array_equal(draws[:, ::2], draws[:, 1::2])
    assert set(draws[:, ::2].sum(axis=1)) == {12}


def test_a_statistic_that_is_mostly_undefined_has_no_interval():
    assert bootstrap(lambda weights: np.full(len(weights), np.nan), ["a"] * 20) is None
    assert bootstrap(lambda weights: weights.sum(axis=1).astype(float), ["a"] * 20) == (20.0, 20.0)


def test_120_questions_show_differences_of_8_points_when_a_tenth_flips():
    """2.8016 * sqrt(0.1 / 120) = 0.0809"""
    assert smallest_difference(120) == pytest.approx(0.0809, abs=1e-4)
    assert smallest_difference(12000) == pytest.approx(0.00809, abs=1e-5)
    assert smallest_difference(0) is None
