"""Confidences, and what was right, come in; figures of the decision to answer go out: AUROC, AURC, coverage, and so on.

None of them is an average of questions, so each is computed for many weightings of the questions at once: a row of
`weights` says how often each question counts. All ones is the figure itself, a bootstrap's draws are its spread, and
zeros and ones that choose between two runs are a permutation test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qa.evaluate import Outcome
from qa.statistics import CountArray, FloatArray

BINS = 10  # equal steps of confidence


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the figures look at, one place a question."""

    confidence: FloatArray  # 0 to 1
    right: NDArray[np.bool_]  # the best sentence is a right one
    answerable: NDArray[np.bool_]

    @staticmethod
    def of(outcomes: Sequence[Outcome]) -> Decisions:
        """Return the decisions of outcomes, in their order."""
        return Decisions(
            np.array([outcome.confidence for outcome in outcomes], dtype=np.float64),
            np.array([outcome.best_is_right for outcome in outcomes], dtype=bool),
            np.array([outcome.answerable for outcome in outcomes], dtype=bool),
        )

    def followed_by(self, others: Decisions) -> Decisions:
        """Return these decisions and then the others."""
        return Decisions(
            np.concatenate([self.confidence, others.confidence]),
            np.concatenate([self.right, others.right]),
            np.concatenate([self.answerable, others.answerable]),
        )

    def once(self) -> CountArray:
        """Return the one weighting that counts every question once, shape (1, n)."""
        return np.ones((1, len(self.confidence)), dtype=np.int64)


Statistic = Callable[[Decisions, CountArray], FloatArray]  # weights (m, n) -> (m,); NaN where it is undefined


def value_of(statistic: Statistic, decisions: Decisions) -> float | None:
    """Return the figure itself; None where it is undefined."""
    value = float(statistic(decisions, decisions.once())[0])
    return None if np.isnan(value) else value


def auroc(decisions: Decisions, weights: CountArray) -> FloatArray:
    """Return AUROC of "the article answers it" by confidence; undefined unless there are both kinds.

    The same as `qa.metrics.auroc`, for many weightings.
    """
    ups = _by_confidence(decisions, weights * decisions.answerable)
    downs = _by_confidence(decisions, weights * ~decisions.answerable)
    all_downs = downs.sum(axis=1, keepdims=True)
    wins = (ups * (all_downs - downs.cumsum(axis=1) + downs / 2)).sum(axis=1)
    return _ratio(wins, ups.sum(axis=1) * all_downs[:, 0])


def aurc(decisions: Decisions, weights: CountArray) -> FloatArray:
    """Return the mean risk over every coverage 1/n ... n/n, most confident first; undefined for no question.

    Answers with the same confidence can be given in any order. The expected number of wrong ones is taken: it grows in
    a straight line from w to w + dw while the answers given grow from g to g + dg, and the sum of (w + s (k - g)) / k
    over those k, with s = dw / dg, is (w - s g) (H(g + dg) - H(g)) + s dg, where H(k) = 1 + 1/2 + ... + 1/k.
    """
    more = _by_confidence(decisions, weights)
    more_wrong = _by_confidence(decisions, weights * ~decisions.right)
    given, wrong = more.cumsum(axis=1), more_wrong.cumsum(axis=1)
    most = int(given.max(initial=0))
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, most + 1))])
    slope = _ratio(more_wrong, more, undefined=0.0)
    before, wrong_before = given - more, wrong - more_wrong
    area = (wrong_before - slope * before) * (harmonic[given] - harmonic[before]) + slope * more
    return _ratio(area.sum(axis=1), weights.sum(axis=1))


def coverage(decisions: Decisions, weights: CountArray, *, precision: float) -> FloatArray:
    """Return the largest share of questions that some threshold answers with `precision` right; 0.0 if none does."""
    given = _by_confidence(decisions, weights).cumsum(axis=1)
    right = _by_confidence(decisions, weights * decisions.right).cumsum(axis=1)
    # Whole numbers compared with a hair's room: 19 of 20 is 95 %, whatever floating point says.
    best = np.where(right >= precision * given - 1e-9, given, 0).max(axis=1, initial=0)
    return _ratio(best, weights.sum(axis=1))


def calibration_error(decisions: Decisions, weights: CountArray) -> FloatArray:
    """Return the distance between confidence and share right, averaged over BINS equal steps by their questions."""
    in_step = bin_of(decisions.confidence)[:, None] == np.arange(BINS)
    gaps = weights @ (in_step * (decisions.confidence - decisions.right)[:, None])
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


STATISTICS: Mapping[str, Statistic] = {
    "auroc": auroc,
    "coverage@95%": partial(coverage, precision=0.95),
    "coverage@90%": partial(coverage, precision=0.90),
    "aurc": aurc,
    "ece": calibration_error,
}


def bin_of(confidence: FloatArray) -> NDArray[np.int64]:
    """Return the step of confidence, 0 to BINS - 1; a step holds its lower end, the last one both."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def thresholds(decisions: Decisions) -> tuple[FloatArray, CountArray, CountArray]:
    """Return the distinct confidences, highest first, with how many answers are at least so sure, and wrong."""
    once = decisions.once()
    given = _by_confidence(decisions, once)[0].cumsum()
    wrong = _by_confidence(decisions, once * ~decisions.right)[0].cumsum()
    return np.unique(decisions.confidence)[::-1], given, wrong


def _by_confidence(decisions: Decisions, weights: CountArray) -> CountArray:
    """Return the weights summed over equal confidences, the highest first: (m, n) -> (m, distinct confidences)."""
    if not len(decisions.confidence):
        return np.zeros((len(weights), 0), dtype=np.int64)
    order = np.argsort(-decisions.confidence, kind="stable")
    ranked = decisions.confidence[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return np.asarray(np.add.reduceat(weights[:, order], starts, axis=1), dtype=np.int64)


def _ratio(above: NDArray[np.number], below: NDArray[np.number], *, undefined: float = np.nan) -> FloatArray:
    """Return above / below, and `undefined` where below is 0."""
    result = np.full(np.shape(below), undefined, dtype=np.float64)
    np.divide(above, below, out=result, where=below != 0)
    return result
