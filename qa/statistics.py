"""Measured values come in; how sure one can be of them goes out: intervals, and tests between two runs.

Every interval is a 95 % interval. Shares get Wilson's, everything else a seeded bootstrap. Questions about one article
are alike, so whole articles are drawn where there are enough of them (`Clusters`). SciPy is imported inside the one
test that needs it: intervals are made on every `eval`, tests only on `compare`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CountArray = NDArray[np.int64]

Z = 1.959963984540054  # 95 % of a normal distribution lie within this many standard deviations
POWER_Z = 0.8416212335729143  # and 80 % below this many: what a difference needs to be found four times in five
RESAMPLES = 2000
SET_RESAMPLES = 1000  # of figures that are no average
PERMUTATIONS = 9999
SWAPS = 999
CHUNK_VALUES = 1_000_000  # numbers of one array held at once
SEED = 20240131
FEWEST_CLUSTERS = 10  # below that a bootstrap of whole articles is far too sure of itself

Interval = tuple[float, float]


def wilson(hits: int, n: int) -> Interval | None:
    """Return Wilson's 95 % interval of a share; None when n is 0. It never leaves 0 to 1; 0 of n is not "surely 0"."""
    if n == 0:
        return None
    share = hits / n
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    middle = share + Z * Z / (2 * n)
    scale = 1 + Z * Z / n
    # Exactly 0 and 1 at the ends: in floating point 0 of n would come out as 1e-18.
    low = 0.0 if hits == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if hits == n else min(1.0, (middle + spread) / scale)
    return low, high


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which questions are drawn together in a bootstrap."""

    member: CountArray  # shape (n,): the cluster of each question, 0 ... count - 1
    count: int
    whole_articles: bool  # False: too few articles, so every question is a cluster of its own

    @staticmethod
    def of(articles: Sequence[str]) -> Clusters:
        """Return one cluster per article, or per question when there are fewer than FEWEST_CLUSTERS articles."""
        numbers = {article: number for number, article in enumerate(dict.fromkeys(articles))}
        if len(numbers) >= FEWEST_CLUSTERS:
            return Clusters(np.array([numbers[a] for a in articles], dtype=np.int64), len(numbers), True)
        return Clusters(np.arange(len(articles), dtype=np.int64), len(articles), False)

    def draws(self, *, resamples: int = RESAMPLES, seed: int = SEED) -> CountArray:
        """Return how often each question is drawn in each resample: int64 (resamples, n), the same each time."""
        generator = np.random.default_rng(seed)
        drawn = generator.multinomial(self.count, np.full(self.count, 1 / max(1, self.count)), size=resamples)
        return np.asarray(drawn[:, self.member], dtype=np.int64)


def bootstrap_mean(values: Sequence[float], articles: Sequence[str], *, seed: int = SEED) -> Interval | None:
    """Return the 95 % percentile interval of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    draws = Clusters.of(articles).draws(seed=seed)
    totals = draws.sum(axis=1)
    means = (draws @ np.asarray(values, dtype=np.float64))[totals > 0] / totals[totals > 0]
    return _ends(means)


def bootstrap(
    statistic: Callable[[CountArray], FloatArray], articles: Sequence[str], *, seed: int = SEED
) -> Interval | None:
    """Return the 95 % percentile interval of any statistic of questions; None for fewer than two.

    `statistic` is given how often each question counts, shape (m, n), and returns m values, NaN where it is undefined;
    those are left out. Undefined for more than half of the draws is an undefined interval.
    """
    if len(articles) < 2:
        return None
    draws = Clusters.of(articles).draws(resamples=SET_RESAMPLES, seed=seed)
    found = in_chunks(statistic, draws)
    defined = found[~np.isnan(found)]
    return _ends(defined) if 2 * len(defined) > len(found) else None


def bootstrap_quantile(values: Sequence[float], share: float, *, seed: int = SEED) -> Interval | None:
    """Return the 95 % percentile interval of a quantile (times: questions are drawn, not articles)."""
    if len(values) < 2:
        return None
    rows = np.random.default_rng(seed).integers(0, len(values), size=(SET_RESAMPLES, len(values)))
    return _ends(np.quantile(np.asarray(values, dtype=np.float64)[rows], share, axis=1))


def in_chunks(function: Callable[[Any], FloatArray], rows: NDArray[Any]) -> FloatArray:
    """Return the function of all rows, computed a few at a time: 2,000 questions drawn 1,000 times fill memory."""
    chunk = max(1, CHUNK_VALUES // max(1, rows.shape[1]))
    return np.concatenate([function(rows[start : start + chunk]) for start in range(0, len(rows), chunk)])


def _ends(values: FloatArray) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def mcnemar_p(gained: int, lost: int) -> float:
    """Return the exact two-sided McNemar p: how often a fair coin, tossed once a flip, is at least this uneven."""
    tosses = gained + lost
    as_uneven = sum(math.comb(tosses, heads) for heads in range(min(gained, lost) + 1))
    # Whole numbers up to here, so nothing is lost; twice, for a coin that is uneven the other way.
    return min(1.0, 2 * as_uneven / (1 << tosses))


def paired_permutation_p(a: Sequence[float], b: Sequence[float], *, seed: int = SEED) -> float:
    """Return the two-sided p of the mean difference of pairs; exact when few pairs differ, else seeded draws."""
    differences = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    differing = differences[differences != 0]  # a pair without a difference is the same whichever way it is turned
    if len(differing) < 2:
        return 1.0  # of one difference, either way round is as far from none
    from scipy.stats import permutation_test

    def total(sample: FloatArray, axis: int = -1) -> FloatArray:
        return np.asarray(sample.sum(axis=axis))

    tested = permutation_test(
        (differing,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=1000,
        alternative="two-sided",
        rng=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def swap_permutation_p(
    statistic: Callable[[NDArray[np.bool_]], FloatArray], n: int, *, seed: int = SEED
) -> float | None:
    """Return the two-sided p of a difference between two runs that is no mean of questions (an area, a curve).

    `statistic` is given which questions have their two runs swapped, shape (m, n), and returns the m differences B - A
    that result; NaN counts as no difference. None where the difference itself is undefined.
    """
    seen = float(statistic(np.zeros((1, n), dtype=bool))[0])
    if np.isnan(seen):
        return None
    swaps = np.random.default_rng(seed).random((SWAPS, n)) < 0.5
    # Just under, so that the same difference summed in another order still counts as equal.
    as_far = np.abs(np.nan_to_num(in_chunks(statistic, swaps))) >= abs(seen) - 1e-12
    return float((as_far.sum() + 1) / (SWAPS + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number by Holm's step-down method, in the order given."""
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for step, number in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[number]))
        corrected[number] = highest
    return corrected


def smallest_difference(n: int, *, flipping: float = 0.1) -> float | None:
    """Return the smallest difference of two shares that n paired questions find four times in five, 0 to 1.

    `flipping` is the share of questions that come out differently in the two runs: (1.96 + 0.84) * sqrt(flipping / n).
    120 questions of which 10 % flip show differences of 8 points.
    """
    if n == 0:
        return None
    return min(1.0, (Z + POWER_Z) * math.sqrt(flipping / n))
