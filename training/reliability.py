"""Held-out confidences, and whether each was right, go in; reliability diagrams come out, one of each set.

A dot is the answers of one tenth of confidence: how sure they were on average, and how many of them were right, with
the 95 % Wilson interval. On the diagonal the confidence means what it says (DeGroot and Fienberg 1983). A bar is the
share of the set's questions that fall there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa.statistics import wilson

Floats = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """The answers of one step of confidence."""

    n: int
    confidence: float  # mean
    right: float  # share
    low: float  # ends of the share's 95 % interval
    high: float


def steps_of(confidence: Floats, right: Floats, bins: int = 10) -> tuple[Step, ...]:
    """Return the steps of equal width that hold any answer, least sure first.

    `confidence` is (n,) float in [0, 1], `right` (n,) of 0 and 1. A confidence of 1 belongs to the last step.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    steps = []
    for number in range(bins):
        here = which == number
        if here.any():
            low, high = wilson(int(right[here].sum()), int(here.sum())) or (0.0, 1.0)  # n is never 0 here
            steps.append(Step(int(here.sum()), float(confidence[here].mean()), float(right[here].mean()), low, high))
    return tuple(steps)


def calibration_error(confidence: Floats, right: Floats, bins: int = 10) -> float:
    """Return the expected calibration error over steps of equal width (Naeini et al. 2015)."""
    return sum(step.n * abs(step.confidence - step.right) for step in steps_of(confidence, right, bins)) / len(right)


def draw(sets: Mapping[str, tuple[Floats, Floats]], picture: Path) -> None:
    """Draw the confidences and rights of each set, named as it shall be called, beside each other into `picture`."""
    import matplotlib

    matplotlib.use("Agg")
    # Without a fixed seed and date the same answers would give another file each time.
    matplotlib.rcParams["svg.hashsalt"] = "article-qa"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(sets), figsize=(2.4 * len(sets), 2.9), layout="constrained", sharey=True)
    for panel, (name, (confidence, right)) in zip(np.atleast_1d(panels), sets.items(), strict=True):
        steps = steps_of(confidence, right)
        at = [step.confidence for step in steps]
        share = [step.right for step in steps]
        panel.bar(at, [step.n / len(right) for step in steps], width=0.06, color="#dddddd")
        panel.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
        ends = [[step.right - step.low for step in steps], [step.high - step.right for step in steps]]
        panel.errorbar(at, share, yerr=ends, color="#8a1c1c", marker="o", markersize=4, linewidth=1, linestyle="none")
        panel.set_title(f"{name}\nn {len(right):,}, error {calibration_error(confidence, right):.3f}", fontsize=9)
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1)
        panel.set_aspect("equal")
        panel.set_xlabel("confidence")
    np.atleast_1d(panels)[0].set_ylabel("share that is right")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)
