"""Two runs over the same questions come in; what differs, and whether it can be luck, goes out.

The questions that flipped between right and wrong come first, then every measure with its difference, a paired 95 %
interval and a test: exact McNemar where each question is right or wrong, a paired permutation test for means, and for
figures of a whole set (AUROC, ...) a permutation that swaps the two runs question by question. The p values are
corrected for their number after Holm. A question that ended in an error counts as wrong in "right" and in "decision",
and is left out of the other measures, of both runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import UserError
from qa.decisions import STATISTICS, Decisions, value_of
from qa.evaluate import Outcome
from qa.metrics import mean, percentile
from qa.report import UNDEFINED, check_format, markdown_text, number, refuse_empty, text_of, write_page
from qa.run import Run, unfinished
from qa.statistics import (
    CountArray,
    FloatArray,
    bootstrap,
    bootstrap_mean,
    holm,
    mcnemar_p,
    paired_permutation_p,
    smallest_difference,
    swap_permutation_p,
)
from qa.summary import BY_NAME, MEASURES, Measure, Summary, values_of

if TYPE_CHECKING:
    from rich.console import RenderableType

SURE = 0.05  # a p below this is called a difference
SHOWN_FLIPS = 20  # in a terminal and in Markdown; HTML and JSON have them all
COUNTS_ERRORS = ("right", "decision")


class NotComparable(UserError):
    """Two runs over different questions, or one that is not finished."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that one run got right and the other wrong."""

    a: Outcome
    b: Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure in both runs. Values are shares, 0 to 1."""

    measure: Measure
    a: float | None
    b: float | None
    difference: float | None  # b - a
    low: float | None  # ends of the paired 95 % interval of the difference
    high: float | None
    p: float | None
    p_corrected: float | None  # after Holm, for all measures that were tested
    test: str
    n: int

    @property
    def better(self) -> bool | None:
        """Whether B is better, sure or not; None where nothing differs."""
        if not self.difference:
            return None
        return (self.difference > 0) == (self.measure.better == "higher")

    @property
    def told_difference(self) -> str:
        """The difference in percentage points, with its sign."""
        return UNDEFINED if self.difference is None else f"{100 * self.difference:+.1f}"

    @property
    def told_interval(self) -> str:
        """The interval of the difference in percentage points."""
        if self.low is None or self.high is None:
            return ""
        return f"{100 * self.low:+.1f} to {100 * self.high:+.1f}"

    @property
    def told_p(self) -> str:
        """The p value, as printed."""
        return told_p(self.p)

    @property
    def told_corrected(self) -> str:
        """The corrected p value, as printed."""
        return told_p(self.p_corrected)


@dataclass(frozen=True, slots=True)
class TimeRow:
    """Milliseconds in both runs; not tested, because they depend on what else the machine was doing."""

    label: str
    a: float | None
    b: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two runs."""

    a: Run
    b: Run
    n: int
    gained: tuple[Flip, ...]  # wrong in A, right in B
    lost: tuple[Flip, ...]
    differences: tuple[Difference, ...]
    times: tuple[TimeRow, ...]

    @property
    def p(self) -> float:
        """Exact McNemar of right and wrong: how likely so uneven a split of the flips is, were it luck."""
        return mcnemar_p(len(self.gained), len(self.lost))

    @property
    def sentence(self) -> str:
        """What came out, in one sentence."""
        gained, lost = len(self.gained), len(self.lost)
        flips = gained + lost
        asked = f"{self.n:,} question{'' if self.n == 1 else 's'}"
        if not flips:
            return f"A and B are right about the same questions ({asked})."
        least = smallest_difference(self.n, flipping=flips / self.n)
        shows = f"{asked} can show differences of about {100 * (least or 0):.0f} points"
        counts = f"{gained} question{'' if gained == 1 else 's'} gained, {lost} lost"
        if gained == lost:
            return f"Neither is better: {counts} ({shows})."
        sure = self.p < SURE
        better = "B" if gained > lost else "A"
        verb = "is" if sure else "looks"
        doubt = "" if sure else ", not enough to be sure"
        return f"{better} {verb} better: from A to B {counts} ({told_p(self.p, name=True)}{doubt}; {shows})."

    @property
    def remarks(self) -> list[str]:
        """What a reader must know beside the sentence."""
        said = []
        for name, run in (("A", self.a), ("B", self.b)):
            errors = sum(outcome.error is not None for outcome in run.outcomes)
            if errors:
                said.append(
                    f"{errors:,} question{'' if errors == 1 else 's'} of {name} ended in an error: counted as wrong."
                )
        said.append("Right: a right sentence was shown, or nothing where the article says nothing.")
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON has it, not rounded."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            "questions": self.n,
            "sentence": self.sentence,
            "p": self.p,
            "gained": [flip.a.id for flip in self.gained],
            "lost": [flip.a.id for flip in self.lost],
            "measures": {
                row.measure.name: {
                    "a": row.a,
                    "b": row.b,
                    "difference": row.difference,
                    "low": row.low,
                    "high": row.high,
                    "p": row.p,
                    "p_holm": row.p_corrected,
                    "test": row.test,
                    "n": row.n,
                    "better": row.measure.better,
                }
                for row in self.differences
            },
            "time_ms": {row.label: {"a": row.a, "b": row.b} for row in self.times},
        }


def told_p(p: float | None, *, name: bool = False) -> str:
    """Return a p value as printed: never 0, because no test shows that."""
    if p is None:
        return UNDEFINED
    if p < 0.001:
        return "p < 0.001" if name else "< 0.001"
    digits = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return f"p = {digits}" if name else digits


def direction(row: Difference) -> str:
    """Return in words whether B is better in a measure."""
    if row.difference is None:
        return ""
    if row.better is None:
        return "the same"
    word = "better" if row.better else "worse"
    return word if row.p_corrected is not None and row.p_corrected < SURE else f"{word}, perhaps by luck"


def compare_runs(a: Run, b: Run) -> Comparison:
    """Return what differs between two runs over the same questions.

    Raises:
        NotComparable: when the questions, their evidence or their articles differ, or a run is not finished.
        NothingToReport: when a run holds nothing but errors.
    """
    _refuse_different(a, b)
    refuse_empty(a)
    refuse_empty(b)
    of_b = {outcome.id: outcome for outcome in b.outcomes}
    pairs = [(outcome, of_b[outcome.id]) for outcome in a.outcomes]
    rows = [_difference(measure, pairs, seed=a.seed) for measure in MEASURES]
    tested = [row for row in rows if row.p is not None]
    corrected = dict(
        zip((row.measure.name for row in tested), holm([row.p for row in tested if row.p is not None]), strict=True)
    )
    return Comparison(
        a=a,
        b=b,
        n=len(pairs),
        gained=tuple(Flip(one, other) for one, other in pairs if other.right and not one.right),
        lost=tuple(Flip(one, other) for one, other in pairs if one.right and not other.right),
        differences=tuple(_corrected(row, corrected.get(row.measure.name)) for row in rows),
        times=tuple(
            TimeRow(label, percentile(_times(a), share), percentile(_times(b), share))
            for label, share in (("Median ms", 0.5), ("95th percentile ms", 0.95))
        ),
    )


def _refuse_different(a: Run, b: Run) -> None:
    for name, run in (("A", a), ("B", b)):
        missing = unfinished(run)
        if missing:
            raise NotComparable(
                f"{name} ({run.name}) is not finished, {missing:,} questions are missing; go on with: "
                f"article-qa eval --run {run.name} --resume"
            )
    same_ids = {outcome.id for outcome in a.outcomes} == {outcome.id for outcome in b.outcomes}
    if a.questions_fingerprint == b.questions_fingerprint and same_ids:  # an outcome may have been edited by hand
        return
    one, other = ({outcome.id: _asked(outcome) for outcome in run.outcomes} for run in (a, b))
    changed = sum(one[name] != other[name] for name in one.keys() & other.keys())
    raise NotComparable(
        f"the runs are over different questions: {len(one.keys() - other.keys()):,} only in A, "
        f"{len(other.keys() - one.keys()):,} only in B, {changed:,} changed. Run both over the same file."
    )


def _asked(outcome: Outcome) -> tuple[object, ...]:
    return outcome.question, outcome.kind, outcome.article, outcome.history, outcome.places, outcome.answers


def _times(run: Run) -> list[float]:
    return [outcome.ms["total"] for outcome in run.outcomes if outcome.error is None and "total" in outcome.ms]


def _corrected(row: Difference, p: float | None) -> Difference:
    return Difference(row.measure, row.a, row.b, row.difference, row.low, row.high, row.p, p, row.test, row.n)


def _difference(measure: Measure, pairs: Sequence[tuple[Outcome, Outcome]], *, seed: int) -> Difference:
    if measure.name not in COUNTS_ERRORS:
        pairs = [(one, other) for one, other in pairs if one.error is None and other.error is None]
    if measure.name in STATISTICS:
        return _set_difference(measure, pairs, seed=seed)
    ones, others = (values_of(measure.name, side) for side in ([p[0] for p in pairs], [p[1] for p in pairs]))
    defined = [
        (pair[0].article, one, other)
        for pair, one, other in zip(pairs, ones, others, strict=True)
        if one is not None and other is not None
    ]
    a, b = [one for _, one, _ in defined], [other for _, _, other in defined]
    if not defined:
        return Difference(measure, None, None, None, None, None, None, None, "none", 0)
    if measure.share:
        gained = sum(other > one for one, other in zip(a, b, strict=True))
        lost = sum(one > other for one, other in zip(a, b, strict=True))
        p, test = mcnemar_p(gained, lost), "exact McNemar"
    else:
        p, test = paired_permutation_p(a, b, seed=seed), "paired permutation"
    differences = [other - one for one, other in zip(a, b, strict=True)]
    low, high = bootstrap_mean(differences, [article for article, _, _ in defined], seed=seed) or (None, None)
    return Difference(measure, mean(a), mean(b), mean(differences), low, high, p, None, test, len(defined))


def _set_difference(measure: Measure, pairs: Sequence[tuple[Outcome, Outcome]], *, seed: int) -> Difference:
    statistic = STATISTICS[measure.name]
    a, b = Decisions.of([one for one, _ in pairs]), Decisions.of([other for _, other in pairs])
    of_a, of_b = value_of(statistic, a), value_of(statistic, b)
    if of_a is None or of_b is None:
        return Difference(measure, of_a, of_b, None, None, None, None, None, "none", 0)
    both = a.followed_by(b)

    def drawn(weights: CountArray) -> FloatArray:
        return statistic(b, weights) - statistic(a, weights)

    def swapped(swap: NDArray[np.bool_]) -> FloatArray:
        # Of each question one run's decision counts in A's place and the other's in B's.
        kept, other = (~swap).astype(np.int64), swap.astype(np.int64)
        return statistic(both, np.hstack([other, kept])) - statistic(both, np.hstack([kept, other]))

    low, high = bootstrap(drawn, [one.article for one, _ in pairs], seed=seed) or (None, None)
    p = swap_permutation_p(swapped, len(pairs), seed=seed)
    return Difference(measure, of_a, of_b, of_b - of_a, low, high, p, None, "swap permutation", len(pairs))


# -- the gate ----------------------------------------------------------------------------------------------------------


def gate_failures(
    comparison: Comparison | None,
    summary: Summary,
    *,
    measures: Sequence[str] = ("right",),
    floors: Mapping[str, float] | None = None,
) -> list[str]:
    """Return why the gate is not passed, one line each; an empty list passes it.

    comparison: with the baseline as A; None asks for the floors only. A measure is worse when it fell (or rose, where
    lower is better) and its p, corrected for the measures gated, is under SURE. floors: the least value allowed, 0 to
    1 (for a measure where lower is better: the most).
    """
    failures = []
    for name, floor in (floors or {}).items():
        figure = summary.everything[name]
        lower = BY_NAME[name].better == "lower"
        if figure.value is None:
            failures.append(f"{BY_NAME[name].label} is undefined, {100 * floor:g} was asked for")
        elif (figure.value > floor) if lower else (figure.value < floor):
            side = "over" if lower else "under"
            failures.append(
                f"{BY_NAME[name].label} is {number(figure.value, name)}, {side} the {100 * floor:g} asked for"
            )
    if comparison is not None:
        rows = [row for row in comparison.differences if row.measure.name in measures]
        corrected = holm([1.0 if row.p is None else row.p for row in rows])
        for row, p in zip(rows, corrected, strict=True):
            if row.better is False and p < SURE:
                failures.append(
                    f"{row.measure.label} is worse than the baseline: {number(row.a, row.measure.name)} -> "
                    f"{number(row.b, row.measure.name)} ({told_p(p, name=True)})"
                )
    return failures


# -- as people read it -------------------------------------------------------------------------------------------------


def terminal_tables(comparison: Comparison) -> list[RenderableType]:
    """Return what `article-qa compare` prints, for a rich console: the sentence, the flips, the measures."""
    from rich.table import Table
    from rich.text import Text

    shown: list[RenderableType] = [
        Text(f"A: {comparison.a.name}, B: {comparison.b.name}"),
        Text(comparison.sentence, style="bold"),
        *(Text(remark) for remark in comparison.remarks),
    ]
    for heading, flips in (("Lost", comparison.lost), ("Gained", comparison.gained)):
        if not flips:
            continue
        table = Table(title=f"{heading}: {len(flips)}", title_justify="left", show_lines=True)
        for column in ("question", "A", "B", "evidence"):
            table.add_column(column)
        for flip in flips[:SHOWN_FLIPS]:
            evidence = (
                " / ".join(text_of(comparison.a, flip.a, place) for place in flip.a.places)
                or "(the article does not say)"
            )
            table.add_row(
                Text(f"{flip.a.id}\n{flip.a.question}"),
                Text(_given(comparison.a, flip.a)),
                Text(_given(comparison.b, flip.b)),
                Text(evidence),
            )
        shown.append(table)
        if len(flips) > SHOWN_FLIPS:
            shown.append(Text(f"... and {len(flips) - SHOWN_FLIPS} more: -o comparison.html has them all."))
    measures = Table(title="Every measure (percent; difference B - A, paired)", title_justify="left")
    for column in ("measure", "A", "B", "difference", "95 % interval", "p", "p, corrected", "n", "B is"):
        measures.add_column(column, justify="left" if column in ("measure", "B is") else "right")
    for row in comparison.differences:
        measures.add_row(*_cells(row), direction(row))
    for time in comparison.times:
        measures.add_row(time.label, number(time.a, "ms"), number(time.b, "ms"), "", "", "", "", "", "not tested")
    return [*shown, measures]


def _cells(row: Difference) -> tuple[str, ...]:
    name = row.measure.name
    values = (number(row.a, name), number(row.b, name), row.told_difference, row.told_interval)
    return (row.measure.label, *values, row.told_p, row.told_corrected, f"{row.n:,}")


def _given(run: Run, outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"error: {outcome.error}"
    said = text_of(run, outcome, outcome.sentence) or f"not answered (nearest: {text_of(run, outcome, outcome.best)})"
    return f"{'right' if outcome.right else 'wrong'}, {100 * outcome.confidence:.0f} %: {said}"


def as_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown for a pull request."""
    lines = [
        f"**{comparison.sentence}**",
        "",
        f"A: {markdown_text(comparison.a.name)}, B: {markdown_text(comparison.b.name)}",
    ]
    for heading, flips in (("Lost", comparison.lost), ("Gained", comparison.gained)):
        if not flips:
            continue
        lines += [
            "",
            "<details>",
            f"<summary>{heading}: {len(flips)}</summary>",
            "",
            "| question | A | B |",
            "|---|---|---|",
        ]
        for flip in flips[:SHOWN_FLIPS]:
            cells = (flip.a.question, _given(comparison.a, flip.a), _given(comparison.b, flip.b))
            lines.append("| " + " | ".join(markdown_text(cell) for cell in cells) + " |")
        lines += [f"| and {len(flips) - SHOWN_FLIPS} more | | |"] if len(flips) > SHOWN_FLIPS else []
        lines += ["", "</details>"]
    lines += [
        "",
        "| measure | A | B | B - A | 95 % interval | p | p, Holm | n | B is |",
        "|---|" + "---:|" * 7 + "---|",
    ]
    lines += ["| " + " | ".join([*_cells(row), direction(row)]) + " |" for row in comparison.differences]
    lines += [
        f"| {row.label} | {number(row.a, 'ms')} | {number(row.b, 'ms')} | | | | | | |" for row in comparison.times
    ]
    return "\n".join([*lines, "", *comparison.remarks]) + "\n"


def as_json(comparison: Comparison) -> str:
    """Return the comparison as JSON, not rounded."""
    return json.dumps(comparison.to_json(), ensure_ascii=False, indent=2) + "\n"


def as_html(comparison: Comparison) -> str:
    """Return the comparison as one HTML file."""
    from qa.html_report import comparison_page

    return comparison_page(comparison)


FORMATS: Mapping[str, Callable[[Comparison], str]] = {".html": as_html, ".md": as_markdown, ".json": as_json}


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the comparison into a file, in the format its ending names. Raises UnknownFormat, UnwritableReport."""
    check_format(path, FORMATS)
    write_page(path, FORMATS[path.suffix.lower()](comparison))
