"""Tests of qa/decisions.py: by hand, and weights against really repeating the questions."""

from __future__ import annotations

import numpy as np
import pytest

from qa import metrics
from qa.decisions import STATISTICS, Decisions, bin_of, thresholds, value_of


def decided(rows: list[tuple[float, bool]], *, answerable: list[bool] | None = None) -> Decisions:
    """Confidence and whether the best sentence is right, for each question."""
    return Decisions(
        np.array([confidence for confidence, _ in rows], dtype=np.float64),
        np.array([right for _, right in rows], dtype=bool),
        np.array(answerable or [True] * len(rows), dtype=bool),
    )


def figure(name: str, rows: list[tuple[float, bool]]) -> float | None:
    return value_of(STATISTICS[name], decided(rows))


def test_aurc_by_hand():
    """Most confident first: right, wrong, right, wrong. Risks 0/1, 1/2, 1/3, 2/4; their mean is 1/3."""
    assert figure("aurc", [(0.9, True), (0.8, False), (0.7, True), (0.6, False)]) == pytest.approx(1 / 3)


def test_aurc_does_not_depend_on_the_order_of_equally_confident_answers():
    """One right and one wrong at 0.5: after one answer 1/2 is expected to be wrong, after both 1/2."""
    assert figure("aurc", [(0.5, True), (0.5, False)]) == pytest.approx(0.5)
    assert figure("aurc", [(0.5, False), (0.5, True)]) == pytest.approx(0.5)


def test_coverage_at_95_percent_counts_19_of_20():
    rows = [(1 - n / 100, n != 3) for n in range(20)]  # the fourth is wrong, 19 of all 20 are right
    assert figure("coverage@95%", rows) == 1.0
    assert figure("coverage@95%", [*rows, (0.1, False)]) == pytest.approx(20 / 21)
    assert figure("coverage@95%", [(0.9, False)]) == 0.0
    assert figure("coverage@90%", [(0.9, True)] * 9 + [(0.8, False)]) == 1.0


def test_calibration_error_by_hand():
    """0.95 right and 0.85 wrong: (0.05 + 0.85) / 2. Two at 0.9, one right: |1.8 - 1| = 0.8; 0.3 wrong: 0.3; over 3."""
    assert figure("ece", [(0.95, True), (0.85, False)]) == pytest.approx((0.05 + 0.85) / 2)
    assert figure("ece", [(0.9, True), (0.9, False), (0.3, False)]) == pytest.approx(1.1 / 3)


def test_steps_of_confidence_hold_their_lower_end_and_the_last_one_both():
    assert bin_of(np.array([0.0, 0.05, 0.1, 0.95, 1.0])).tolist() == [0, 0, 1, 9, 9]


def test_nothing_is_undefined_for_every_figure():
    assert [figure(name, []) for name in STATISTICS] == [None] * len(STATISTICS)


def test_auroc_is_undefined_without_both_kinds():
    assert figure("auroc", [(0.9, True)]) is None


def test_thresholds_count_the_answers_given_and_the_wrong_ones():
    values, given, wrong = thresholds(decided([(0.4, False), (0.9, True), (0.4, True)]))
    assert (values.tolist(), given.tolist(), wrong.tolist()) == ([0.9, 0.4], [1, 3], [0, 1])


def plain_aurc(decisions: Decisions) -> float:
    """The definition, slowly: the mean over k of the expected share wrong among the first k."""
    n = len(decisions.confidence)
    risks = []
    for k in range(1, n + 1):
        edge = np.sort(decisions.confidence)[::-1][k - 1]
        above, level = decisions.confidence > edge, decisions.confidence == edge
        tied = (k - above.sum()) / level.sum()
        risks.append(((~decisions.right)[above].sum() + tied * (~decisions.right)[level].sum()) / k)
    return float(np.mean(risks))


@pytest.mark.parametrize("seed", range(10))
def test_weights_do_what_repeating_the_questions_does(seed):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 30))
    decisions = Decisions(generator.integers(0, 8, n) / 7, generator.random(n) < 0.6, generator.random(n) < 0.7)
    weights = generator.integers(0, 4, (5, n))
    for name, statistic in STATISTICS.items():
        for row, value in zip(weights, statistic(decisions, weights), strict=True):
            drawn = np.repeat(np.arange(n), row)
            repeated = Decisions(decisions.confidence[drawn], decisions.right[drawn], decisions.answerable[drawn])
            plain = value_of(statistic, repeated)
            assert (None if np.isnan(value) else value) == (None if plain is None else pytest.approx(plain)), name


@pytest.mark.parametrize("seed", range(10))
def test_the_fast_ways_say_what_the_plain_ways_say(seed):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 40))
    decisions = Decisions(generator.integers(0, 8, n) / 7, generator.random(n) < 0.6, generator.random(n) < 0.7)
    assert value_of(STATISTICS["aurc"], decisions) == pytest.approx(plain_aurc(decisions))
    ups, downs = (decisions.confidence[mask].tolist() for mask in (decisions.answerable, ~decisions.answerable))
    plain = metrics.auroc(ups, downs)
    assert value_of(STATISTICS["auroc"], decisions) == (None if plain is None else pytest.approx(plain))
