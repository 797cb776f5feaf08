"""A Run comes in; its report goes out as text for a terminal, JSON, CSV, Markdown, JUnit XML or one HTML file.

A report is always made from the record of a run, never by asking again. Only here are figures rounded.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from index.errors import UserError
from qa.causes import CAUSES, by_cause, cause_of
from qa.evaluate import STAGES, Outcome
from qa.run import Run
from qa.summary import BY_NAME, MEASURES, RANKING, Figure, Summary, summarise

if TYPE_CHECKING:
    from rich.console import RenderableType

SHARES = frozenset(measure.name for measure in MEASURES)  # everything but times goes from 0 to 1
KIND_MEASURES = ("right", "P@1", "Success@3", "RR@10", "exact_match", "token_f1", "auroc", "decision")
STAGE_NAMES = {"dense": "dense (FAISS)", "bm25": "BM25", "fused": "fused", "reader": "reader"}
UNDEFINED = "–"


class UnknownFormat(UserError):
    """No report can be written into a file of that ending."""


class UnwritableReport(UserError):
    """A file that cannot be written."""


class NothingToReport(UserError):
    """A run in which no question got as far as having candidates."""


def refuse_empty(run: Run) -> None:
    """Raise NothingToReport when there is nothing but errors, or when nothing at all was retrieved.

    Figures of such a run would be zeros that look like a measurement.
    """
    errors = [outcome.error for outcome in run.outcomes if outcome.error is not None]
    if errors and len(errors) == len(run.outcomes):
        raise NothingToReport(f"none of its questions ({len(errors)}) could be asked; the first says: {errors[0]}")
    if not any(outcome.candidates for outcome in run.outcomes):
        raise NothingToReport(
            "no sentence was retrieved for any question, so there is nothing to score; check the index"
        )


# -- numbers as people read them -------------------------------------------------------------------------------------


def number(value: float | None, measure: str) -> str:
    """Return a value as it is printed: in percent without the sign, one decimal; a dash where it is undefined."""
    if value is None:
        return UNDEFINED
    return f"{100 * value:.1f}" if measure in SHARES else _milliseconds(value)


def interval(figure: Figure, measure: str) -> str:
    """Return the interval as it is printed, "65.0 to 78.9"; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low, measure)} to {number(figure.high, measure)}"


def _milliseconds(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def verdict(summary: Summary) -> str:
    """Return the sentence that says how good it is."""
    right = summary.everything["right"]
    if right.value is None:
        return "No question was asked."
    said = (
        f"{_percent(right.value)} of {_counted(right.n, 'question')} "
        f"{'was' if right.n == 1 else 'were'} handled rightly "
        f"(between {_percent(right.low)} and {_percent(right.high)}, 95 % sure)"
    )
    best = summary.everything["P@1"]
    parts = []
    if best.value is not None and best.n != right.n:
        parts.append(
            f"of the {best.n:,} the article answers, the best sentence is a right one in {_percent(best.value)}"
        )
    elif best.value is not None:
        parts.append(f"the best sentence is a right one in {_percent(best.value)}")
    refused = summary.kinds.get("unanswerable", {}).get("decision")
    if refused is not None and refused.value is not None:
        parts.append(f"of the {refused.n:,} it does not answer, {_percent(refused.value)} were refused")
    return said + "".join(f"; {part}" for part in parts) + "."


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else f"{100 * value:.0f} %"


def remarks(summary: Summary) -> list[str]:
    """Return what a reader of the figures must know beside them, most important first."""
    said = []
    if summary.errors:
        them = "it" if summary.errors == 1 else "them"
        said.append(f"{_counted(summary.errors, 'question')} ended in an error; no figure includes {them}.")
    if summary.unfinished:
        said.append(f"The run was interrupted: {_counted(summary.unfinished, 'question')} not asked yet.")
    said += [f"{_counted(count, 'question')} left out: {why}." for why, count in summary.left_out.items()]
    # A row of fewer articles than the whole draws questions: `qa.statistics.Clusters`.
    drawn = "whole articles (of questions where there are fewer than ten)" if summary.whole_articles else "questions"
    said.append(f"95 % intervals: Wilson for shares, for the rest a bootstrap of {drawn}. Percent, except times.")
    return said


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


# -- the terminal ------------------------------------------------------------------------------------------------------


def terminal_tables(summary: Summary) -> list[RenderableType]:
    """Return what `article-qa eval` prints, for a rich console."""
    from rich.table import Table
    from rich.text import Text

    everything = Table(title=f"{summary.name}: {_counted(summary.questions, 'question')}", title_justify="left")
    for heading in ("measure", "value", "95 % interval", "n", "what it says"):
        everything.add_column(heading, justify="right" if heading in ("value", "n") else "left")
    for measure in MEASURES:
        figure = summary.everything[measure.name]
        row = (number(figure.value, measure.name), interval(figure, measure.name), f"{figure.n:,}", measure.meaning)
        everything.add_row(measure.label, *row)
    for stage, label in (("total", "Milliseconds"), ("open", "Opening an article, ms")):
        for name, figure in summary.time.get(stage, {}).items():
            said = "median" if name == "median" else "95th percentile"
            everything.add_row(label, number(figure.value, "ms"), interval(figure, "ms"), f"{figure.n:,}", said)
    if summary.cold_start_ms is not None:
        everything.add_row("Cold start, ms", _milliseconds(summary.cold_start_ms), "", "1", "to the first answer")

    kinds = Table(title="By kind (value, 95 % interval, n)", title_justify="left", show_lines=True)
    kinds.add_column("kind")
    for name in KIND_MEASURES:
        kinds.add_column(BY_NAME[name].label, justify="right")
    for kind, figures in summary.kinds.items():
        kinds.add_row(kind or "(none)", *(_cell(figures[name], name) for name in KIND_MEASURES))

    stages = Table(title="Ranking after each stage", title_justify="left", show_lines=True)
    stages.add_column("stage")
    for name in RANKING:
        stages.add_column(name, justify="right")
    for stage in STAGES:
        stages.add_row(STAGE_NAMES[stage], *(_cell(summary.stages[stage][name], name) for name in RANKING))

    bold = Text(verdict(summary), style="bold")
    return [everything, kinds, stages, *(Text(remark) for remark in remarks(summary)), bold]


def _cell(figure: Figure, measure: str) -> str:
    if figure.value is None:
        return UNDEFINED
    ends = interval(figure, measure).replace(" to ", "–")
    return f"{number(figure.value, measure)}\n{ends}\nn={figure.n}"


def causes_table(outcomes: Sequence[Outcome]) -> RenderableType:
    """Return how many failures have which cause, for a rich console."""
    from rich.table import Table

    table = Table(title="Why questions failed", title_justify="left")
    for heading in ("cause", "n", "what it means", "for example"):
        table.add_column(heading, justify="right" if heading == "n" else "left")
    for cause, members in by_cause(outcomes).items():
        heading, meaning = CAUSES[cause]
        table.add_row(heading, str(len(members)), meaning, ", ".join(outcome.id for outcome in members[:3]))
    return table


# -- files -------------------------------------------------------------------------------------------------------------


def as_json(run: Run, summary: Summary) -> str:
    """Return summary, settings and the cause of each failure as JSON."""
    report = summary.to_json() | {
        "verdict": verdict(summary),
        "settings": dict(run.settings),
        "questions_sha256": run.questions_fingerprint,
        "models": run.info.get("models", {}),
        "causes": {cause: [o.id for o in members] for cause, members in by_cause(run.outcomes).items()},
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


CSV_FIELDS = (
    "id", "kind", "article", "question", "answerable", "answered", "right", "cause", "confidence",
    "rank_dense", "rank_bm25", "rank_fused", "rank_reader", "exact_match", "token_f1", "answer", "sentence",
    "ms", "error",
)  # fmt: skip


def as_csv(run: Run, summary: Summary) -> str:
    """Return one row a question, for a spreadsheet."""
    del summary
    out = io.StringIO()
    rows = csv.DictWriter(out, CSV_FIELDS, lineterminator="\n")
    rows.writeheader()
    for outcome in run.outcomes:
        ranks = {f"rank_{stage}": next(iter(outcome.gold_ranks(stage)), "") for stage in STAGES}
        row = {
            "id": outcome.id,
            "kind": outcome.kind,
            "article": run.articles[outcome.article].title,
            "question": outcome.question,
            "answerable": _yes(outcome.answerable),
            "answered": _yes(outcome.answered),
            "right": _yes(outcome.right),
            "cause": cause_of(outcome) or "",
            "confidence": outcome.confidence,
            "exact_match": "" if outcome.exact_match is None else _yes(outcome.exact_match),
            "token_f1": "" if outcome.token_f1 is None else outcome.token_f1,
            "answer": outcome.span_text,
            "sentence": text_of(run, outcome, outcome.best),
            "ms": outcome.ms.get("total", ""),
            "error": outcome.error or "",
        }
        rows.writerow({name: _harmless(value) for name, value in (row | ranks).items()})
    return out.getvalue()


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _harmless(value: object) -> object:
    """Return the cell so that no spreadsheet takes it for a formula: articles come from anywhere."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def text_of(run: Run, outcome: Outcome, place: tuple[int, int] | None) -> str:
    """Return the stretch of the article, in one line; empty without a place."""
    if place is None:
        return ""
    return " ".join(run.articles[outcome.article].text[place[0] : place[1]].split())


def as_markdown(run: Run, summary: Summary) -> str:
    """Return the report as Markdown, short enough for a pull request."""
    lines = [f"## {markdown_text(summary.name)}", "", f"**{verdict(summary)}**", ""]
    lines += ["| measure | value | 95 % interval | n |", "|---|---:|---|---:|"]
    for measure in MEASURES:
        figure = summary.everything[measure.name]
        row = (measure.label, number(figure.value, measure.name), interval(figure, measure.name), f"{figure.n:,}")
        lines.append(f"| {' | '.join(row)} |")
    for name, figure in summary.time.get("total", {}).items():
        label = "Median ms" if name == "median" else "95th percentile ms"
        lines.append(f"| {label} | {number(figure.value, 'ms')} | {interval(figure, 'ms')} | {figure.n:,} |")
    lines += ["", "| kind | " + " | ".join(BY_NAME[name].label for name in KIND_MEASURES) + " |"]
    lines.append("|---|" + "---:|" * len(KIND_MEASURES))
    for kind, figures in summary.kinds.items():
        cells = tuple(_markdown_cell(figures[name], name) for name in KIND_MEASURES)
        lines.append(f"| {markdown_text(kind or '(none)')} | {' | '.join(cells)} |")
    lines += ["", "| ranking after | " + " | ".join(RANKING) + " |", "|---|" + "---:|" * len(RANKING)]
    for stage in STAGES:
        cells = tuple(_markdown_cell(summary.stages[stage][name], name) for name in RANKING)
        lines.append(f"| {STAGE_NAMES[stage]} | {' | '.join(cells)} |")
    causes = by_cause(run.outcomes)
    if causes:
        lines += ["", "| cause of failure | n | for example |", "|---|---:|---|"]
    for cause, members in causes.items():
        shown = "; ".join(markdown_text(outcome.question) for outcome in members[:2])
        lines.append(f"| {CAUSES[cause][0]} | {len(members)} | {shown} |")
    return "\n".join([*lines, "", *remarks(summary)]) + "\n"


def _markdown_cell(figure: Figure, measure: str) -> str:
    if figure.value is None:
        return UNDEFINED
    ends = f" ({interval(figure, measure)})" if figure.low is not None else ""
    return f"{number(figure.value, measure)}{ends}, n={figure.n:,}"


def markdown_text(text: str) -> str:
    """Return the text so that Markdown shows it as it is, also in a table."""
    escaped = "".join("\\" + letter if letter in "\\`*_{}[]<>()#|~" else letter for letter in text)
    return " ".join(escaped.split())


def as_junit(run: Run, summary: Summary) -> str:
    """Return JUnit XML: a suite per kind, a test case per question; a failure says what was wanted and what came."""
    suites: dict[str, list[Outcome]] = {}
    for outcome in run.outcomes:
        suites.setdefault(outcome.kind or "questions", []).append(outcome)
    failures = sum(not outcome.right and outcome.error is None for outcome in run.outcomes)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(
        f"<testsuites name={_attribute(summary.name)} tests={_attribute(len(run.outcomes))} "
        f"failures={_attribute(failures)} errors={_attribute(summary.errors)}>"
    )
    for kind, members in suites.items():
        failed = sum(not outcome.right and outcome.error is None for outcome in members)
        errors = sum(outcome.error is not None for outcome in members)
        seconds = sum(outcome.ms.get("total", 0.0) for outcome in members) / 1000
        lines.append(
            f"  <testsuite name={_attribute(kind)} tests={_attribute(len(members))} failures={_attribute(failed)} "
            f"errors={_attribute(errors)} time={_attribute(f'{seconds:.3f}')}>"
        )
        lines += [_junit_case(run, outcome, kind) for outcome in members]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _junit_case(run: Run, outcome: Outcome, kind: str) -> str:
    seconds = f"{outcome.ms.get('total', 0.0) / 1000:.3f}"
    name = f"{outcome.id}: {outcome.question}"
    opening = f"    <testcase classname={_attribute(kind)} name={_attribute(name)} time={_attribute(seconds)}"
    if outcome.error is not None:
        return f"{opening}><error message={_attribute(outcome.error)}/></testcase>"
    if outcome.right:
        return f"{opening}/>"
    cause = cause_of(outcome)
    heading = CAUSES[cause][0] if cause else "Wrong"
    wanted = " | ".join(text_of(run, outcome, place) for place in outcome.places) or "no answer"
    came = text_of(run, outcome, outcome.sentence) or "no answer"
    body = f"wanted: {wanted}\ncame: {came}\nconfidence: {outcome.confidence:.3f}"
    return (
        f"{opening}><failure type={_attribute(cause or 'wrong')} message={_attribute(heading)}>"
        f"{escape(_xml_text(body))}</failure></testcase>"
    )


def _attribute(value: object) -> str:
    return quoteattr(" ".join(_xml_text(str(value)).split()))


def _xml_text(text: str) -> str:
    """Return the text without what XML 1.0 cannot hold."""
    return "".join(
        letter
        for letter in text
        if letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter > "\uffff"
    )


def as_html(run: Run, summary: Summary) -> str:
    """Return the report as one HTML file that needs nothing from outside."""
    from qa.html_report import run_page

    return run_page(run, summary)


FORMATS: Mapping[str, Callable[[Run, Summary], str]] = {
    ".html": as_html,
    ".md": as_markdown,
    ".json": as_json,
    ".csv": as_csv,
    ".xml": as_junit,
}


def check_format(path: Path, formats: Mapping[str, object] = FORMATS) -> None:
    """Raise UnknownFormat for a file whose ending says nothing: before a run, not after it."""
    if path.suffix.lower() not in formats:
        raise UnknownFormat(f"{path}: no report ends in {path.suffix!r}; use one of {', '.join(formats)}")


def write_report(run: Run, path: Path, summary: Summary | None = None) -> None:
    """Write the report into a file, in the format its ending names.

    Raises UnknownFormat, NothingToReport, UnwritableReport.
    """
    check_format(path)
    refuse_empty(run)
    write_page(path, FORMATS[path.suffix.lower()](run, summary or summarise(run)))


def write_page(path: Path, page: str) -> None:
    """Write a text into a file, its folder made where there is none. Raises UnwritableReport."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UnwritableReport(f"{path} cannot be written: {error.strerror or error}. Name another file.") from None
