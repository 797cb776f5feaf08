"""A run or a comparison comes in; one HTML file that needs nothing from outside goes out.

The passages are built here and only here: every stretch of an article is escaped before a mark is put around it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import metadata
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qa import plots
from qa.causes import CAUSES, by_cause, cause_of
from qa.dialogue import Turn
from qa.evaluate import STAGES, Outcome
from qa.metrics import Range
from qa.report import KIND_MEASURES, STAGE_NAMES, interval, number, remarks, verdict
from qa.run import Run
from qa.summary import BY_NAME, MEASURES, RANKING, SLICE_MEASURES, Summary

if TYPE_CHECKING:
    from qa.compare import Comparison
    from qa.sweep import Swept

TILES = ("right", "P@1", "Success@3", "token_f1", "auroc", "decision")
NEAR = 240  # characters of context on either side of what is marked
MOST_CARDS = 3000  # questions shown; beyond that, those handled rightly are left out


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("qa", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(number=number, interval=interval, by_name=BY_NAME)
    return environment


@dataclass(frozen=True, slots=True)
class Card:
    """A question as the page shows it."""

    id: str
    question: str
    kind: str
    cause: str
    heading: str
    show: str  # "failed" or "right"
    history: tuple[Turn, ...]
    said: str
    passage: Markup
    facts: str


def run_page(run: Run, summary: Summary) -> str:
    """Return the report of a run as a page."""
    causes = by_cause(run.outcomes)
    failed = [outcome for members in causes.values() for outcome in members]
    marked = {outcome.id for outcome in failed}
    others = [outcome for outcome in run.outcomes if outcome.id not in marked]
    shown = others if len(run.outcomes) <= MOST_CARDS else []
    times = [outcome.ms["total"] for outcome in run.outcomes if outcome.error is None and "total" in outcome.ms]
    figures = summary.everything
    charts = [
        (
            "Handled rightly, by kind",
            "Dots are shares, lines 95 % intervals.",
            plots.intervals(
                [("all", figures["right"]), *((kind or "(none)", of["right"]) for kind, of in summary.kinds.items())],
                title="Handled rightly, by kind",
                of="right",
            ),
        ),
        (
            "The best sentence after each stage",
            "P@1, had the stage been the last one: where sentences are lost.",
            plots.intervals(
                [(STAGE_NAMES[stage], summary.stages[stage]["P@1"]) for stage in STAGES],
                title="P@1 after each stage",
                of="P@1",
            ),
        ),
        (
            "Is the confidence to be believed?",
            "On the dashed line, of 100 answers given with 70 % confidence 70 are right. Larger dots: more questions.",
            plots.reliability_diagram(summary.bins),
        ),
        (
            "What caution buys",
            "Answering only the most confident questions: how many of the answers are wrong.",
            plots.risk_coverage_curve(summary.curve),
        ),
        ("How long a question takes", "Opening the article is not counted.", plots.time_histogram(times)),
    ]
    return (
        _environment()
        .get_template("run.html.j2")
        .render(
            title=f"{summary.name}: evaluation report",
            version=_version(),
            made_of="a run",
            summary=summary,
            started=str(run.info.get("started") or "")[:16].replace("T", " "),
            verdict=verdict(summary),
            remarks=remarks(summary),
            tiles=TILES,
            time=summary.time.get("total"),
            measures=MEASURES,
            charts=[(caption, note, Markup(svg)) for caption, note, svg in charts],
            kind_measures=KIND_MEASURES,
            stages={STAGE_NAMES[stage]: summary.stages[stage] for stage in STAGES},
            ranking=RANKING,
            slice_measures=SLICE_MEASURES,
            causes=[(cause, *CAUSES[cause], len(members)) for cause, members in causes.items()],
            cards=[card_of(run, outcome) for outcome in [*failed, *shown]],
            left_cards=len(others) - len(shown),
            record=record_of(run),
        )
    )


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as a page."""
    from qa.compare import direction

    rows = [
        (row.measure.label, row.difference, row.low, row.high)
        for row in comparison.differences
        if row.difference is not None
    ]
    runs = {"A": comparison.a, "B": comparison.b}
    flips = [
        {
            "heading": heading,
            "css": css,
            "a": card_of(comparison.a, flip.a),
            "b": card_of(comparison.b, flip.b),
        }
        for heading, css, found in (
            ("Lost: right in A, wrong in B", "wrong", comparison.lost),
            ("Gained: wrong in A, right in B", "right", comparison.gained),
        )
        for flip in found
    ]
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            title=f"{comparison.a.name} and {comparison.b.name} compared",
            version=_version(),
            made_of="two runs",
            comparison=comparison,
            flips=flips,
            direction=direction,
            chart=Markup(plots.differences(rows, title="B minus A")),
            settings=_settings_side_by_side(runs),
        )
    )


def sweep_page(title: str, swept: Sequence[Swept], measure: str) -> str:
    """Return a sweep, the best setting first, as a page: its table, and quality against milliseconds."""
    names = list(dict.fromkeys(name for row in swept for name in row.settings))
    varied = [name for name in names if len({_plain(row.settings.get(name)) for row in swept}) > 1]
    lower = BY_NAME[measure].better == "lower"
    points = [(row.ms, row.summary.everything[measure]) for row in swept]
    best = plots.best_for_their_time(points, lower=lower)
    columns = [name for name in ("right", "P@1", "RR@10", "token_f1", "auroc", "decision") if name != measure]
    return (
        _environment()
        .get_template("sweep.html.j2")
        .render(
            title=title,
            version=_version(),
            made_of=f"{len(swept)} run{'' if len(swept) == 1 else 's'}",
            swept=swept,
            measure=measure,
            names=varied,
            same=", ".join(f"{name} {_plain(swept[0].settings[name])}" for name in names if name not in varied),
            best=best,
            columns=columns,
            chart=Markup(plots.trade_offs([row.label for row in swept], points, best, of=BY_NAME[measure].label)),
        )
    )


def card_of(run: Run, outcome: Outcome) -> Card:
    """Return how a question is shown."""
    cause = cause_of(outcome)
    if cause is not None:
        heading = CAUSES[cause][0]
    elif outcome.answerable:
        heading = "Right"
    else:
        heading = "Rightly refused"
    said = outcome.error or ""
    if not outcome.error and not outcome.answered:
        said = f"Not answered. {outcome.reason or ''} The nearest sentence is marked."
    ranks = {stage: next(iter(outcome.gold_ranks(stage)), None) for stage in STAGES}
    facts = [f"confidence {100 * outcome.confidence:.0f} %"]
    if outcome.answerable:
        places = ", ".join(f"{STAGE_NAMES[stage]} {rank or '–'}" for stage, rank in ranks.items())
        facts.append(f"rank of the evidence: {places}")
    if outcome.token_f1 is not None:
        facts.append(f"F1 {100 * outcome.token_f1:.0f}, accepted: {' / '.join(outcome.answers)}")
    if "total" in outcome.ms:
        facts.append(f"{number(outcome.ms['total'], 'ms')} ms")
    return Card(
        id=outcome.id,
        question=outcome.question,
        kind=outcome.kind,
        cause=cause or "",
        heading=heading,
        show="failed" if cause else "right",
        history=outcome.history,
        said=said,
        passage=passage_html(
            run.articles[outcome.article].text,
            answer=outcome.sentence or outcome.best,
            evidence=outcome.places,
            span=outcome.span,
        ),
        facts="; ".join(facts),
    )


def passage_html(text: str, *, answer: Range | None, evidence: Sequence[Range], span: Range | None) -> Markup:
    """Return the parts of an article around what is marked, escaped, with <mark> around answer, evidence and span.

    Classes: "a" the answering sentence, "e" evidence, "s" the short answer; a stretch may have several.
    """
    marks = [
        (place, css) for css, places in (("a", [answer]), ("e", evidence), ("s", [span])) for place in places if place
    ]
    if not marks:
        return Markup("")
    windows: list[list[int]] = []
    for start, end in sorted(place for place, _ in marks):
        low, high = _words_around(text, start, end)
        if windows and low <= windows[-1][1]:
            windows[-1][1] = max(windows[-1][1], high)
        else:
            windows.append([low, high])
    shown = []
    for low, high in windows:
        parts = ["… " if low > 0 else ""]
        cuts = sorted({low, high, *(edge for place, _ in marks for edge in place if low < edge < high)})
        for start, end in pairwise(cuts):
            css = " ".join(css for css in "aes" if any(c == css and p[0] <= start and end <= p[1] for p, c in marks))
            piece = escape(text[start:end])
            parts.append(f'<mark class="{css}">{piece}</mark>' if css else piece)
        parts.append(" …" if high < len(text) else "")
        shown.append("".join(parts))
    return Markup("\n".join(shown))


def _words_around(text: str, start: int, end: int) -> Range:
    """Return the stretch with up to NEAR characters on either side, cut at white space and never past a paragraph."""
    low, high = max(0, start - NEAR), min(len(text), end + NEAR)
    before = text.rfind("\n\n", low, start)
    after = text.find("\n\n", end, high)
    if before >= 0:
        low = before + 2
    elif low > 0:
        low = next((place + 1 for place in range(low, start) if text[place].isspace()), start)
    if after >= 0:
        high = after
    elif high < len(text):
        high = next((place for place in range(high - 1, end, -1) if text[place].isspace()), end)
    return low, high


def record_of(run: Run) -> list[tuple[str, str]]:
    """Return what run.json says of how it was run, in words."""
    info = run.info
    shown: list[tuple[str, Any]] = [
        ("questions", info.get("questions", {}).get("source")),
        ("questions, SHA-256", run.questions_fingerprint),
        ("settings", {name: value for name, value in run.settings.items() if value is not None}),
        ("models", info.get("models")),
        ("code, SHA-256", info.get("code_sha256")),
        ("versions", info.get("versions")),
        ("machine", info.get("machine")),
        ("threads", info.get("threads")),
        ("seed of the intervals", info.get("seed")),
        ("started", info.get("started")),
        ("ended", info.get("ended")),
    ]
    return [(name, _plain(value)) for name, value in shown if value]


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(inner)}" for name, inner in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _settings_side_by_side(runs: Mapping[str, Run]) -> list[tuple[str, str, str, bool]]:
    """Return what was set in A and in B, with whether it differs; models and versions included."""
    told = [dict(record_of(run)) for run in runs.values()]
    names = dict.fromkeys([*told[0], *told[1]])
    return [
        (name, told[0].get(name, "–"), told[1].get(name, "–"), told[0].get(name) != told[1].get(name)) for name in names
    ]


def _version() -> str:
    try:
        return metadata.version("article-qa")
    except metadata.PackageNotFoundError:
        return "(not installed)"
