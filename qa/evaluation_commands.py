"""The arguments of the evaluation's commands come in; tables and files go out, and an exit status that CI can act on.

Exit status, beside those of `qa.__main__`: 1 also when a question ended in an error, 100 when a gate is not passed.
Everything that takes time to import is imported by the command that needs it.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import UserError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from index.article import Article
    from qa.answer import Answerer
    from qa.questions import QuestionSet


EXIT_ERROR = 1
EXIT_GATE = 100
OWN_QUESTIONS = Path(__file__).resolve().parent.parent / "eval" / "questions.jsonl"

ArticleOption = Annotated[
    str | None, typer.Option("--article", "-a", help="File, web address, or -. [default: the built-in article]")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="A sentence-transformers folder or hub name. [default: all-MiniLM-L6-v2]")
]
ReaderOption = Annotated[str | None, typer.Option("--reader", help='"trained", or "fused" for retrieval alone.')]
MinConfidenceOption = Annotated[
    float | None, typer.Option("--min-confidence", min=0.0, max=1.0, help="Answer from this confidence on.")
]
CacheOption = Annotated[Path | None, typer.Option("--cache", file_okay=False, help="Folder where indexes are kept.")]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep an index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class FailIf(str, Enum):
    """What makes the gate fail; an enumeration, so that --help names what may be given."""

    worse = "worse"


OutputOption = Annotated[
    list[Path] | None,
    typer.Option("--output", "-o", dir_okay=False, help="Write a report: .html, .md, .json, .csv or .xml (JUnit)."),
]


def mount(app: typer.Typer) -> None:
    """Add the evaluation's commands to the command line."""
    app.command("eval", epilog="Exit status: 1 when a question ended in an error, 100 when a gate is not passed.")(
        evaluate_command
    )
    app.command("report", epilog="Example: article-qa report runs/new -o report.html")(report_command)
    app.command("compare", epilog="Example: article-qa compare runs/old runs/new -o comparison.html")(compare_command)


def evaluate_command(
    questions: Annotated[
        Path | None,
        typer.Argument(help="One question a line. [default: eval/questions.jsonl]", metavar="QUESTIONS.jsonl"),
    ] = None,
    article: ArticleOption = None,
    squad: Annotated[
        Path | None, typer.Option("--squad", dir_okay=False, help="Ask the questions of a SQuAD 1.1 or 2.0 JSON file.")
    ] = None,
    paragraph: Annotated[
        bool, typer.Option("--paragraph", help="With --squad: ask each question of its own paragraph.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read the questions and point at what is wrong.")] = False,
    run: Annotated[
        Path | None,
        typer.Option("--run", file_okay=False, help="Record the run in this folder, for report and compare."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="With --run: go on with an interrupted run.")] = False,
    output: OutputOption = None,
    model: ModelOption = None,
    reader: ReaderOption = None,
    min_confidence: MinConfidenceOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    seed: Annotated[int | None, typer.Option(help="Of the bootstrap behind the intervals.")] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", file_okay=False, help="An earlier run to compare with.")
    ] = None,
    fail_if: Annotated[
        FailIf | None, typer.Option("--fail-if", help="Exit 100 when significantly worse than the baseline.")
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", help="A measure that --fail-if looks at; may be repeated. [default: right]"),
    ] = None,
    floor: Annotated[
        list[str] | None, typer.Option("--floor", help="MEASURE=PERCENT: exit 100 below it; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a file of questions and score the answers."""
    if squad is not None and questions is not None:
        raise typer.BadParameter("give QUESTIONS or --squad, not both", param_hint="--squad")
    if paragraph and squad is None:
        raise typer.BadParameter("it belongs to --squad", param_hint="--paragraph")
    if resume and run is None:
        raise typer.BadParameter("only a recorded run can be taken up again: give --run", param_hint="--resume")
    if fail_if is not None and baseline is None:
        raise typer.BadParameter("worse than what? give --baseline", param_hint="--fail-if")
    if gate and fail_if is None:
        raise typer.BadParameter("it belongs to --fail-if worse", param_hint="--gate")
    if check:
        _check(questions, squad, paragraph, article, as_json)
        return

    from qa import report
    from qa.progress import ProgressBar
    from qa.run import read_run, replace_text, run_questions
    from qa.statistics import SEED
    from qa.summary import summarise

    gated = [_measure(name, "--gate") for name in gate or ["right"]]
    floors = dict(_floor(text) for text in floor or [])
    for path in output or []:
        report.check_format(path)
    before = read_run(baseline) if baseline is not None else None
    question_set = _question_set(questions, squad, paragraph, article)
    settings = {"model": model, "reader": reader, "min_confidence": min_confidence}
    total = len(question_set.questions)
    with ProgressBar() as bar:
        asked = 0

        def progress(_: object) -> None:
            nonlocal asked
            asked += 1
            bar("asking", asked, total)

        done = run_questions(
            question_set,
            opener(model, reader, min_confidence, cache, no_cache),
            folder=run,
            settings=settings,
            resume=resume,
            progress=progress,
            seed=SEED if seed is None else seed,
        )
    report.refuse_empty(done)
    summary = summarise(done)
    if run is not None:
        replace_text(run / "summary.json", json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n")
    for path in output or []:
        report.write_report(done, path, summary)
    if as_json:
        _print(report.as_json(done, summary))
    else:
        print_tables([*report.terminal_tables(summary), report.causes_table(done.outcomes)])
    for path in output or []:
        say(f"Report: {path}")
    if summary.errors:
        first = next(outcome for outcome in done.outcomes if outcome.error is not None)
        say(f"{summary.errors} of {total} questions ended in an error; the first, {first.id}: {first.error}")
        raise typer.Exit(EXIT_ERROR)
    if before is not None or floors:
        from qa.compare import compare_runs, gate_failures

        comparison = compare_runs(before, done) if before is not None else None
        if comparison is not None:
            say(f"A: {comparison.a.name} (the baseline), B: {comparison.b.name}. {comparison.sentence}")
        failures = gate_failures(comparison if fail_if is not None else None, summary, measures=gated, floors=floors)
        for failure in failures:
            say(f"Gate: {failure}.")
        if failures:
            raise typer.Exit(EXIT_GATE)


def report_command(
    run: Annotated[Path, typer.Argument(help="A folder that eval --run made.", metavar="RUN")],
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report a recorded run again, without asking anything."""
    from qa import report
    from qa.run import read_run
    from qa.summary import summarise

    for path in output or []:
        report.check_format(path)
    read = read_run(run)
    report.refuse_empty(read)
    summary = summarise(read)
    for path in output or []:
        report.write_report(read, path, summary)
        say(f"Report: {path}")
    if as_json:
        _print(report.as_json(read, summary))
    elif not output:
        print_tables([*report.terminal_tables(summary), report.causes_table(read.outcomes)])


def compare_command(
    a: Annotated[Path, typer.Argument(help="The earlier run: a folder that eval --run made.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="The later run, over the same questions.", metavar="B")],
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", dir_okay=False, help="Write it: .html, .md or .json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which of two runs is better, which questions flipped, and whether that can be luck."""
    from qa import compare
    from qa.report import check_format
    from qa.run import read_run

    for path in output or []:
        check_format(path, compare.FORMATS)
    comparison = compare.compare_runs(read_run(a), read_run(b))
    for path in output or []:
        compare.write_comparison(comparison, path)
        say(f"Comparison: {path}")
    if as_json:
        _print(compare.as_json(comparison))
    elif not output:
        print_tables(compare.terminal_tables(comparison))
    else:
        print(comparison.sentence)


def _measure(name: str, option: str) -> str:
    from qa.summary import BY_NAME

    found = {known.lower(): known for known in BY_NAME}.get(name.lower())
    if found is None:
        raise typer.BadParameter(f"no measure is called {name!r}; they are {', '.join(BY_NAME)}", param_hint=option)
    return found


def _floor(text: str) -> tuple[str, float]:
    name, _, percent = text.rpartition("=")
    try:
        return _measure(name, "--floor"), float(percent) / 100
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not MEASURE=PERCENT, for example P@1=70", param_hint="--floor") from None


def _check(questions: Path | None, squad: Path | None, paragraph: bool, article: str | None, as_json: bool) -> None:
    from dataclasses import asdict

    from qa.questions import check_questions, read_squad

    if squad is not None:
        complaints = []
        count = len(read_squad(squad, paragraph=paragraph).questions)
    else:
        path = questions or own_questions()
        complaints = check_questions(path, _article(article))
        count = 0 if complaints else len(_question_set(questions, squad, paragraph, article).questions)
    if as_json:
        _print(json.dumps({"ok": not complaints, "complaints": [asdict(c) for c in complaints]}, ensure_ascii=False))
    else:
        for complaint in complaints:
            print(complaint)
        say(f"{len(complaints)} lines to mend." if complaints else f"All is well: {count:,} questions.")
    if complaints:
        raise typer.Exit(EXIT_ERROR)


def own_questions() -> Path:
    """Return the project's own questions. Raises UserError where they were not installed with it."""
    if not OWN_QUESTIONS.exists():
        raise UserError("no file of questions was named, and the project's own are not installed; give QUESTIONS.jsonl")
    return OWN_QUESTIONS


def _article(source: str | None) -> Article:
    from index.article import builtin_article, read_article

    return builtin_article() if source is None else read_article(source)


def _question_set(questions: Path | None, squad: Path | None, paragraph: bool, article: str | None) -> QuestionSet:
    from qa.questions import read_question_set, read_squad

    if squad is not None:
        return read_squad(squad, paragraph=paragraph)
    return read_question_set(questions or own_questions(), _article(article))


def opener(
    model: str | None, reader: str | None, min_confidence: float | None, cache: Path | None, no_cache: bool
) -> Callable[[Article], Answerer]:
    """Return what opens an article the same way for the command line, the app and the evaluation."""
    from qa.answer import open_answerer

    chosen: dict[str, Any] = {"model": model, "min_confidence": min_confidence}
    if reader is not None:
        chosen["reader"] = reader
    if no_cache or cache is not None:
        chosen["cache"] = None if no_cache else cache
    return functools.partial(open_answerer, **chosen)


def print_tables(tables: list[RenderableType]) -> None:
    """Print tables to standard output; wide enough for all columns where that is no terminal."""
    from rich.console import Console

    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=140)
    for table in tables:
        console.print(table)


def _print(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """Tell the person something that is no result: on standard error."""
    print(text, file=sys.stderr)
