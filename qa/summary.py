"""The outcomes of a run come in; figures with n and 95 % intervals go out: the only place that averages.

Nothing is rounded here. A figure of no questions has value None, never 0. Questions that ended in an error are counted
and belong to no figure: an error is not a wrong answer.

Which questions a figure is about:

    right                   all: a right sentence was shown, or nothing where the article says nothing
    P@1 ... R@10            those the article answers, whether or not an answer was given: the ranking alone
    exact_match, token_f1   those with an accepted short answer; a refusal is an empty answer, as SQuAD's script has it
    decision                all: answered exactly where the article answers
    auroc                   all: how well the confidence parts the answerable from the unanswerable. Of a kind: its
                            answerable questions against every unanswerable one of the run
    coverage@95%, ...       all: the largest share that can be answered, most confident first, with 95 % right
    aurc                    all: the area under the curve of risk (share wrong) against coverage; lower is better
    ece                     all: how far the confidence is from the share that is right, on average over ten equal
                            steps of confidence; lower is better
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

from qa.decisions import BINS, STATISTICS, Decisions, bin_of, thresholds, value_of
from qa.evaluate import STAGES, Outcome, Stage
from qa.metrics import mean, percentile
from qa.run import Run, unfinished
from qa.slices import slices_of
from qa.statistics import Clusters, bootstrap, bootstrap_mean, bootstrap_quantile, wilson

RANKING = ("P@1", "Success@3", "RR@10", "nDCG@10", "R@10")  # as ir_measures names them
DEEPEST = 10  # no ranking measure looks further down
Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, how sure it is, and of how many questions."""

    value: float | None  # None: there is no question it could be said of
    low: float | None  # ends of the 95 % interval
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the figure as JSON has it, not rounded."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured of every run."""

    name: str
    label: str  # as tables head it
    meaning: str  # one line, for people
    share: bool  # each question is right or wrong, so that Wilson's interval and McNemar's test apply
    better: Better = "higher"


MEASURES = (
    Measure("right", "Right", "a right sentence was shown, or nothing where the article says nothing", share=True),
    Measure("P@1", "P@1", "the best sentence is a right one", share=True),
    Measure("Success@3", "Success@3", "a right sentence is among the first three", share=True),
    Measure("RR@10", "RR@10", "1 / rank of the first right sentence, 0 below rank 10", share=False),
    Measure("nDCG@10", "nDCG@10", "right sentences among the first ten, those higher up counting more", share=False),
    Measure("R@10", "R@10", "share of the right sentences that are among the first ten", share=False),
    Measure("exact_match", "Exact match", "the short answer is an accepted one, word for word", share=True),
    Measure("token_f1", "Token F1", "words shared with the nearest accepted short answer", share=False),
    Measure("decision", "Decision", "answered exactly where the article answers", share=True),
    Measure("auroc", "AUROC", "confidence parts what the article answers from what it does not", share=False),
    Measure("coverage@95%", "Coverage at 95 %", "share that can be answered with 95 % right", share=False),
    Measure("coverage@90%", "Coverage at 90 %", "share that can be answered with 90 % right", share=False),
    Measure("aurc", "AURC", "area under risk against coverage; lower is better", share=False, better="lower"),
    Measure(
        "ece",
        "Calibration error",
        "distance of confidence from the share right; lower is better",
        share=False,
        better="lower",
    ),
)
BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of one step of confidence."""

    low: float
    high: float
    n: int
    confidence: float | None  # mean of the step
    right: Figure  # share whose best sentence is right


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What happens when all answers at least this confident are given."""

    threshold: float
    coverage: float  # share of the questions that are answered
    risk: float  # share of those that are wrong


@dataclass(frozen=True, slots=True)
class Summary:
    """Every figure of a run."""

    name: str
    questions: int  # asked
    unanswerable: int
    articles: int
    errors: int
    unfinished: int  # questions of an interrupted run that were not asked
    left_out: Mapping[str, int]
    whole_articles: bool  # whether the bootstrap draws whole articles, or (too few of them) questions
    everything: Mapping[str, Figure]  # measure -> figure
    kinds: Mapping[str, Mapping[str, Figure]]  # kind -> measure -> figure
    stages: Mapping[str, Mapping[str, Figure]]  # stage -> ranking measure -> figure
    slices: Mapping[str, Mapping[str, Mapping[str, Figure]]]  # slice -> group -> measure -> figure
    bins: tuple[Bin, ...]
    curve: tuple[CurvePoint, ...]
    time: Mapping[str, Mapping[str, Figure]]  # stage of the work -> median, 95th percentile -> milliseconds
    cold_start_ms: float | None

    def figures_json(self) -> dict[str, Any]:
        """Return all but the times: the same settings give the same, to the last digit."""

        def plain(figures: Mapping[str, Figure]) -> dict[str, Any]:
            return {name: figure.to_json() for name, figure in figures.items()}

        return {
            "questions": self.questions,
            "unanswerable": self.unanswerable,
            "articles": self.articles,
            "errors": self.errors,
            "unfinished": self.unfinished,
            "left_out": dict(self.left_out),
            "intervals": {
                "level": 0.95,
                "shares": "Wilson",
                "others": f"bootstrap of {'articles' if self.whole_articles else 'questions'}",
            },
            "all": plain(self.everything),
            "kinds": {kind: plain(figures) for kind, figures in self.kinds.items()},
            "stages": {stage: plain(figures) for stage, figures in self.stages.items()},
            "slices": {
                name: {group: plain(figures) for group, figures in groups.items()}
                for name, groups in self.slices.items()
            },
            "reliability": [
                {"low": b.low, "high": b.high, "confidence": b.confidence, "right": b.right.to_json()}
                for b in self.bins
            ],
            "risk_coverage": [{"threshold": p.threshold, "coverage": p.coverage, "risk": p.risk} for p in self.curve],
        }

    def to_json(self) -> dict[str, Any]:
        """Return what summary.json holds: `figures` are the same whenever the same is run, `time` is not."""
        time = {
            stage: {name: figure.to_json() for name, figure in figures.items()} for stage, figures in self.time.items()
        }
        return {
            "name": self.name,
            "figures": self.figures_json(),
            "time_ms": {"cold_start": self.cold_start_ms, **time},
        }


def summarise(run: Run) -> Summary:
    """Return every figure of a run."""
    asked = [outcome for outcome in run.outcomes if outcome.error is None]
    seed = run.seed
    unanswerable = [outcome for outcome in asked if not outcome.answerable]
    kinds = {
        kind: figures_of([o for o in asked if o.kind == kind], against=unanswerable, seed=seed)
        for kind in dict.fromkeys(outcome.kind for outcome in run.outcomes)
    }
    return Summary(
        name=run.name,
        questions=len(run.outcomes),
        unanswerable=sum(not outcome.answerable for outcome in run.outcomes),
        articles=len({outcome.article for outcome in run.outcomes}),
        errors=len(run.outcomes) - len(asked),
        unfinished=unfinished(run),
        left_out=run.left_out,
        whole_articles=Clusters.of([outcome.article for outcome in asked]).whole_articles,
        everything=figures_of(asked, seed=seed),
        kinds=kinds,
        stages={stage: ranking_figures(asked, stage, seed=seed) for stage in STAGES},
        slices={
            name: {
                group: figures_of(members, against=unanswerable, only=SLICE_MEASURES, seed=seed)
                for group, members in groups.items()
            }
            for name, groups in slices_of(run, asked).items()
        },
        bins=reliability(asked),
        curve=risk_coverage(asked),
        time=time_figures(asked, seed=seed),
        cold_start_ms=run.info.get("cold_start_ms"),
    )


SLICE_MEASURES = ("right", "P@1", "RR@10", "token_f1", "decision")


def figures_of(
    outcomes: Sequence[Outcome],
    *,
    against: Sequence[Outcome] | None = None,
    only: Sequence[str] | None = None,
    seed: int,
) -> dict[str, Figure]:
    """Return the figures of some outcomes without errors, by measure.

    against: unanswerable questions to set these against where a figure needs both; None: those among the outcomes.
    """
    wanted = [measure for measure in MEASURES if only is None or measure.name in only]
    figures: dict[str, Figure] = {}
    for measure in wanted:
        if measure.name in STATISTICS:
            members = list(outcomes)
            if measure.name == "auroc" and against is not None:
                members = [outcome for outcome in outcomes if outcome.answerable] + list(against)
                # Of a kind without answerable questions there is nothing to set against the others.
                members = members if len(members) > len(against) else []
            figures[measure.name] = _set_figure(measure.name, members, seed=seed)
        else:
            figures[measure.name] = _figure(measure, outcomes, seed=seed)
    return figures


def values_of(measure: str, outcomes: Sequence[Outcome], *, stage: Stage = "reader") -> list[float | None]:
    """Return each question's own value of a measure that is an average; None where it is undefined for the question."""
    if measure in RANKING:
        return list(_ranking_values(tuple(_ranks_key(outcome, stage) for outcome in outcomes), measure))
    own: Mapping[str, Callable[[Outcome], float | bool | None]] = {
        "right": lambda outcome: outcome.right,
        "decision": lambda outcome: outcome.decided_right,
        "exact_match": lambda outcome: outcome.exact_match,
        "token_f1": lambda outcome: outcome.token_f1,
    }
    values = [own[measure](outcome) for outcome in outcomes]
    return [None if value is None else float(value) for value in values]


RanksKey = tuple[tuple[int, ...], int, int]  # ranks of the right sentences down to DEEPEST, how many right, candidates


def _ranks_key(outcome: Outcome, stage: Stage) -> RanksKey | None:
    if not outcome.answerable:
        return None
    ranks = tuple(rank for rank in outcome.gold_ranks(stage) if rank <= DEEPEST)
    return ranks, len(outcome.gold), min(DEEPEST, len(outcome.candidates))


def _ranking_values(keys: tuple[RanksKey | None, ...], measure: str) -> Iterable[float | None]:
    return [None if key is None else _ranked(key)[measure] for key in keys]


@cache
def _ranked(key: RanksKey) -> Mapping[str, float]:
    """Return ir_measures' figures for one ranking; there are few different ones, so they are kept."""
    import ir_measures

    ranks, gold, candidates = key
    # Documents are named after their ranks; right ones that no stage ranked high enough are wanted all the same.
    relevant = {f"rank {rank}": 1 for rank in ranks} | {f"unranked {number}": 1 for number in range(gold - len(ranks))}
    if not relevant:
        return dict.fromkeys(RANKING, 0.0)  # evidence that lies in no sentence can be found by nobody
    run = {f"rank {rank}": -float(rank) for rank in range(1, candidates + 1)}
    measures = [ir_measures.parse_measure(name) for name in RANKING]
    found = ir_measures.iter_calc(measures, {"q": relevant}, {"q": run} if run else {})
    return {str(metric.measure): float(metric.value) for metric in found} if run else dict.fromkeys(RANKING, 0.0)


def ranking_figures(outcomes: Sequence[Outcome], stage: Stage, *, seed: int) -> dict[str, Figure]:
    """Return the ranking measures as they would be if `stage` were the last one."""
    return {name: _figure(BY_NAME[name], outcomes, stage=stage, seed=seed) for name in RANKING}


def _figure(measure: Measure, outcomes: Sequence[Outcome], *, stage: Stage = "reader", seed: int) -> Figure:
    pairs = zip(outcomes, values_of(measure.name, outcomes, stage=stage), strict=True)
    defined = [(outcome.article, value) for outcome, value in pairs if value is not None]
    values = [value for _, value in defined]
    if measure.share:
        return share_figure(sum(value == 1 for value in values), len(values))
    ends = bootstrap_mean(values, [article for article, _ in defined], seed=seed)
    return _with(mean(values), ends, len(values))


def share_figure(hits: int, n: int) -> Figure:
    """Return a share with Wilson's interval."""
    return _with(hits / n if n else None, wilson(hits, n), n)


def _with(value: float | None, ends: tuple[float, float] | None, n: int) -> Figure:
    low, high = ends if ends is not None else (None, None)
    return Figure(value, low, high, n)


def _set_figure(name: str, outcomes: Sequence[Outcome], *, seed: int) -> Figure:
    """Return a figure that is no average of questions."""
    decisions = Decisions.of(outcomes)
    statistic = STATISTICS[name]
    value = value_of(statistic, decisions)
    if value is None:
        return Figure(None, None, None, 0)
    ends = bootstrap(partial(statistic, decisions), [outcome.article for outcome in outcomes], seed=seed)
    return _with(value, ends, len(outcomes))


def reliability(outcomes: Sequence[Outcome]) -> tuple[Bin, ...]:
    """Return, for each step of confidence, how many answers there were and how many of them were right."""
    decisions = Decisions.of(outcomes)
    step = bin_of(decisions.confidence)
    bins = []
    for number in range(BINS):
        here = step == number
        bins.append(
            Bin(
                number / BINS,
                (number + 1) / BINS,
                int(here.sum()),
                mean(decisions.confidence[here].tolist()),
                share_figure(int(decisions.right[here].sum()), int(here.sum())),
            )
        )
    return tuple(bins)


def risk_coverage(outcomes: Sequence[Outcome]) -> tuple[CurvePoint, ...]:
    """Return the risk at every threshold that changes anything, the most careful first."""
    values, given, wrong = thresholds(Decisions.of(outcomes))
    return tuple(
        CurvePoint(float(value), float(answered / len(outcomes)), float(mistaken / answered))
        for value, answered, mistaken in zip(values, given, wrong, strict=True)
    )


def time_figures(outcomes: Sequence[Outcome], *, seed: int) -> dict[str, dict[str, Figure]]:
    """Return median and 95th percentile of the milliseconds of each stage of the work."""
    figures: dict[str, dict[str, Figure]] = {}
    for stage in dict.fromkeys(stage for outcome in outcomes for stage in outcome.ms):
        values = [outcome.ms[stage] for outcome in outcomes if stage in outcome.ms]
        figures[stage] = {
            name: _with(percentile(values, share), bootstrap_quantile(values, share, seed=seed), len(values))
            for name, share in (("median", 0.5), ("p95", 0.95))
        }
    return figures
