"""The arguments of the evaluation's commands come in; tables and files go out, and an exit status that CI can act on.

Exit status, beside those of `qa.__main__`: 1 also when a question ended in an error, 100 when a gate is not passed.
Everything that takes time to import is imported by the command that needs it.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import UserError
from qa.library_commands import AskedLibraryOption, OnlyOption, refuse_without_library
from qa.options import (
    ArticleOption,
    CacheOption,
    DenseWeightOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    MostPiecesOption,
    NoCacheOption,
    ReaderOption,
    WindowPiecesOption,
    article_of,
    refuse_inputs,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from index.article import Article
    from qa.answer import Answerer
    from qa.drafts import Verdict
    from qa.questions import Question, QuestionSet
    from qa.sweep import Swept


EXIT_ERROR = 1
EXIT_GATE = 100
_VERDICTS: dict[str, Verdict] = {"a": "accept", "d": "drop", "l": "skip", "q": "quit"}
OWN_QUESTIONS = Path(__file__).resolve().parent.parent / "eval" / "questions.jsonl"


class FailIf(str, Enum):
    """What makes the gate fail; an enumeration, so that --help names what may be given."""

    worse = "worse"


class ExportFormat(str, Enum):
    """What may be given to --as."""

    squad = "squad"
    beir = "beir"
    trec = "trec"


FormatsOption = Annotated[
    list[ExportFormat] | None,
    typer.Option("--as", help="Write only this; may be repeated. [default: all three]"),
]
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
    app.command("export", epilog="Example: article-qa export runs/new exported")(export_command)
    app.command("import", epilog="Example: article-qa import other.trec runs/other questions.jsonl")(import_command)
    app.command("sweep", epilog="The file: questions, measure, folder and [settings]; see docs/evaluation.md.")(
        sweep_command
    )
    questions = typer.Typer(
        help="Look after a file of questions.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )
    questions.command("check")(questions_check_command)
    questions.command("coverage")(questions_coverage_command)
    questions.command("review")(questions_review_command)
    questions.command("import")(questions_import_command)
    questions.command("export")(questions_export_command)
    app.add_typer(questions, name="questions")


def evaluate_command(
    questions: Annotated[
        Path | None,
        typer.Argument(help="One question a line. [default: the project's own]", metavar="QUESTIONS.jsonl"),
    ] = None,
    article: ArticleOption = None,
    library: AskedLibraryOption = None,
    only: OnlyOption = None,
    squad: Annotated[
        Path | None, typer.Option("--squad", dir_okay=False, help="Ask the questions of a SQuAD 1.1 or 2.0 JSON file.")
    ] = None,
    paragraph: Annotated[
        bool, typer.Option("--paragraph", help="With --squad: ask each question of its own paragraph.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Ask so many of the questions, evenly spread over the file.")
    ] = None,
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
    dense_weight: DenseWeightOption = None,
    window_pieces: WindowPiecesOption = None,
    most_pieces: MostPiecesOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the bootstrap behind the intervals.")] = None,
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
    _refuse_contradictions(questions, squad, paragraph)
    if resume and run is None:
        raise typer.BadParameter("only a recorded run can be taken up again: give --run", param_hint="--resume")
    if fail_if is not None and baseline is None:
        raise typer.BadParameter("worse than what? give --baseline", param_hint="--fail-if")
    if gate and fail_if is None:
        raise typer.BadParameter("it belongs to --fail-if worse", param_hint="--gate")
    refuse_without_library(library, only)
    if check:
        _check(questions, squad, paragraph, article, as_json)
        return

    from qa import report
    from qa.progress import ProgressBar
    from qa.run import read_run, recorded, replace_text, run_questions, writing
    from qa.statistics import SEED
    from qa.summary import summarise

    gated = [_measure(name, "--gate") for name in gate or ["right"]]
    floors = dict(_floor(text) for text in floor or [])
    for path in output or []:
        report.check_format(path)
    before = read_run(baseline) if baseline is not None else None
    question_set = _question_set(questions, squad, paragraph, article)
    refuse_inputs(output or [], [*_files_of(question_set), *_files_in(run, baseline)])
    if limit is not None:
        question_set = question_set.spread(limit)
    settings = {
        "model": model,
        "reader": reader,
        "min_confidence": min_confidence,
        "dense_weight": dense_weight,
        "window_pieces": window_pieces,
        "most_pieces": most_pieces,
        # Only where it was asked: runs recorded before there were libraries have the same settings as those without.
        **({"library": library, "only": only} if library is not None else {}),
    }
    total = len(question_set.questions)
    with ProgressBar() as bar:
        asked = recorded(run) if run is not None and resume else 0

        def progress(_: object) -> None:
            nonlocal asked
            asked += 1
            bar("asking", asked, total)

        done = run_questions(
            question_set,
            opener(settings, cache, no_cache, library=library, only=only),
            folder=run,
            settings=settings,
            resume=resume,
            progress=progress,
            seed=SEED if seed is None else seed,
        )
    report.refuse_empty(done)
    summary = summarise(done)
    if run is not None:
        with writing(run):
            replace_text(run / "summary.json", json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n")
    if as_json:
        _print(report.as_json(done, summary))
    else:
        print_tables([*report.terminal_tables(summary), report.causes_table(done.outcomes)])
    for path in output or []:  # after the figures: a file that cannot be written must not lose them
        report.write_report(done, path, summary)
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
    refuse_inputs(output or [], _files_in(run))
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
    refuse_inputs(output or [], _files_in(a, b))
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


def export_command(
    run: Annotated[Path, typer.Argument(help="A folder that eval --run made.", metavar="RUN")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.", metavar="FOLDER")],
    formats: FormatsOption = None,
) -> None:
    """Write a run as SQuAD, BEIR and TREC files, so that other tools can score it."""
    from qa.exchange import FORMATS, export_run
    from qa.run import read_run

    chosen = formats or FORMATS
    for told in export_run(read_run(run), folder, chosen):
        say(told)
    files = {
        "squad": "squad.json, predictions.json, na_prob.json",
        "beir": "beir/",
        "trec": "trec/ with a .trec file a stage",
    }
    say(f"Exported to {folder}: {', '.join(files[one] for one in FORMATS if one in chosen)}.")


def import_command(
    ranking: Annotated[
        Path,
        typer.Argument(dir_okay=False, help="A TREC run: question Q0 sentence rank score tag.", metavar="TREC_RUN"),
    ],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the recorded run goes.", metavar="RUN")],
    questions: Annotated[
        Path | None,
        typer.Argument(help="What was asked. [default: the project's own]", metavar="QUESTIONS.jsonl"),
    ] = None,
    article: ArticleOption = None,
    squad: Annotated[
        Path | None, typer.Option("--squad", dir_okay=False, help="The questions of a SQuAD 1.1 or 2.0 JSON file.")
    ] = None,
    paragraph: Annotated[bool, typer.Option("--paragraph", help="With --squad: each paragraph by itself.")] = False,
) -> None:
    """Record another tool's ranking as a run, for report and compare."""
    from qa.run import write_run
    from qa.trec import run_from_trec

    _refuse_contradictions(questions, squad, paragraph)
    run = run_from_trec(ranking, _question_set(questions, squad, paragraph, article))
    write_run(run, folder)
    say(f"{len(run.outcomes):,} questions: {folder}. Their confidence only orders them; it is no probability.")


def sweep_command(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="What to try.", metavar="SWEEP.toml")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Write it as .html too.")
    ] = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run every combination of settings and show what each is worth."""
    from qa.answer import open_answerer
    from qa.progress import ProgressBar
    from qa.report import check_format
    from qa.sweep import allowed_settings, read_sweep, run_sweep

    if output is not None:
        check_format(output, {".html": None})
    sweep = read_sweep(file, allowed=allowed_settings(open_answerer))
    question_set = _question_set(sweep.questions, sweep.squad, sweep.paragraph, sweep.article)
    if output is not None:
        refuse_inputs([output], [file, *_files_of(question_set)])
    if sweep.limit is not None:
        question_set = question_set.spread(sweep.limit)
    with ProgressBar() as bar:
        swept = run_sweep(
            sweep,
            question_set,
            lambda settings: opener(settings, cache, no_cache),
            progress=bar,
        )
    if output is not None:
        from qa import report
        from qa.html_report import sweep_page

        report.write_page(output, sweep_page(f"Sweep {file.stem}", swept, sweep.measure))
        say(f"Report: {output}")
    if as_json:
        rows = [
            {"settings": dict(row.settings), "median_ms": row.ms}
            | {name: figure.to_json() for name, figure in row.summary.everything.items()}
            for row in swept
        ]
        _print(json.dumps({"measure": sweep.measure, "runs": rows}, ensure_ascii=False, indent=2))
    else:
        print_tables([_sweep_table(swept, sweep.measure)])
    combinations = "1 combination" if len(swept) == 1 else f"{len(swept)} combinations"
    say(f"{combinations}, {sum(row.again for row in swept)} run before; kept in {sweep.folder}.")


def _sweep_table(swept: list[Swept], measure: str) -> RenderableType:
    from rich.table import Table

    from qa.plots import best_for_their_time
    from qa.report import interval, number
    from qa.summary import BY_NAME

    columns = list(dict.fromkeys([measure, "right", "P@1", "RR@10", "token_f1", "auroc"]))
    lower = BY_NAME[measure].better == "lower"
    best = best_for_their_time([(row.ms, row.summary.everything[measure]) for row in swept], lower=lower)
    table = Table(title=f"By {BY_NAME[measure].label}; * : none is both as good and as fast", title_justify="left")
    table.add_column("settings")
    for name in columns:
        table.add_column(BY_NAME[name].label, justify="right")
    table.add_column("ms", justify="right")
    table.add_column("*")
    for place, row in enumerate(swept):
        figures = row.summary.everything
        cells = [f"{number(figures[name].value, name)}\n{interval(figures[name], name)}" for name in columns]
        table.add_row(row.label, *cells, number(row.ms, "ms"), "*" if place in best else "")
    return table


def questions_check_command(
    file: Annotated[Path | None, typer.Argument(help="[default: the project's own]", metavar="QUESTIONS.jsonl")] = None,
    article: ArticleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Point at what is wrong or weak in a file of questions, with file:line."""
    from dataclasses import asdict

    from qa.coverage import examine

    found = examine(file or own_questions(), article_of(article))
    if as_json:
        told = asdict(found) | {"usable": found.usable, "smallest_difference": found.smallest_difference}
        _print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for complaint in found.complaints:
            print(complaint)
    if not found.usable:
        say(f"{len(found.complaints)} lines to mend; nothing else was looked at.")
        raise typer.Exit(EXIT_ERROR)
    if not as_json:
        least = found.smallest_difference
        print(f"{found.questions:,} questions, {found.unanswerable:,} unanswerable; {found.drafts:,} drafts left out.")
        print("By kind: " + ", ".join(f"{kind or '(none)'} {count}" for kind, count in found.kinds.items()) + ".")
        print("Words shared with the evidence: " + ", ".join(f"{level} {n}" for level, n in found.levels.items()) + ".")
        if least is not None:
            print(f"Two runs can be told apart from about {100 * least:.0f} points on, if one question in ten flips.")


def questions_coverage_command(
    file: Annotated[Path | None, typer.Argument(help="[default: the project's own]", metavar="QUESTIONS.jsonl")] = None,
    article: ArticleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which sentences, names and numbers of the article no question asks about yet."""
    from dataclasses import asdict

    from qa.coverage import uncovered

    found = uncovered(_question_set(file, None, False, article))
    if as_json:
        _print(json.dumps([asdict(of) for of in found], ensure_ascii=False, indent=2))
        return
    for of in found:
        print(f"{of.title}: {of.sentences - len(of.unasked)} of {of.sentences} sentences are evidence of a question.")
        for sentence in of.unasked:
            print(f"  not asked about (paragraph {sentence.paragraph + 1}): {' '.join(sentence.text.split())}")
        for what, missing in (("names", of.names), ("numbers", of.numbers)):
            if missing:
                print(f"  {what} in no question and no answer: {', '.join(missing)}")


def questions_review_command(
    drafts: Annotated[Path, typer.Argument(dir_okay=False, help="A file with drafts.", metavar="DRAFTS.jsonl")],
    into: Annotated[
        Path | None, typer.Option("--into", dir_okay=False, help="Where accepted ones go. [default: the same file]")
    ] = None,
    article: ArticleOption = None,
) -> None:
    """Go through drafts one by one: accept, mend, drop or leave each."""
    from qa.drafts import review

    done = review(drafts, into or drafts, article_of(article), _judge)
    say(f"{done.accepted} accepted, {done.dropped} dropped, {done.left} left.")


def _judge(draft: Question) -> tuple[Verdict, Question]:
    """Show a draft in the terminal and ask what is to become of it."""
    from dataclasses import replace

    from qa.questions import KINDS, UNANSWERABLE

    while True:
        typer.echo(f"\n{draft.question}")
        for turn in draft.history:
            typer.echo(f"  before: {turn.question} - {turn.answer}")
        for quote in draft.evidence or ("(the article does not say)",):
            typer.echo(f"  evidence: {quote}")
        typer.echo(
            f"  answers: {', '.join(draft.answers) or '(none)'}; kind: {draft.kind}; from: {draft.origin or 'unknown'}"
        )
        key = typer.prompt("accept, mend, drop, leave for later or quit? [a/m/d/l/q]").strip().lower()[:1]
        if key in _VERDICTS:
            return _VERDICTS[key], draft
        if key == "m":
            answers = typer.prompt("short answers, parted by |", default="|".join(draft.answers))
            kinds = [kind for kind in KINDS if (kind == UNANSWERABLE) != draft.answerable]
            draft = replace(
                draft,
                id=typer.prompt("id", default=draft.id),
                question=typer.prompt("question", default=draft.question),
                answers=tuple(answer.strip() for answer in answers.split("|") if answer.strip()),
                kind=typer.prompt(f"kind ({', '.join(kinds)})", default=draft.kind),
            )


def questions_import_command(
    source: Annotated[
        Path, typer.Argument(help="A SQuAD JSON file, or a BEIR or TREC folder.", metavar="SOURCE", exists=True)
    ],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where questions.jsonl goes.", metavar="FOLDER")],
    paragraph: Annotated[
        bool, typer.Option("--paragraph", help="SQuAD: every paragraph an article of its own.")
    ] = False,
) -> None:
    """Turn SQuAD, BEIR or TREC files into questions.jsonl, with the articles beside it."""
    from qa.exchange import import_questions, write_questions

    question_set = import_questions(source, paragraph=paragraph)
    path = write_questions(question_set, folder)
    for why, count in question_set.left_out.items():
        say(f"{count:,} questions left out: {why}.")
    say(f"{len(question_set.questions):,} questions on {len(question_set.articles):,} articles: {path}")


def questions_export_command(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="One question a line.", metavar="QUESTIONS.jsonl")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.", metavar="FOLDER")],
    article: ArticleOption = None,
    formats: FormatsOption = None,
) -> None:
    """Turn questions.jsonl into SQuAD, BEIR and TREC files, for other tools to answer."""
    from qa.exchange import FORMATS, export_questions

    question_set = _question_set(file, None, False, article)
    chosen = formats or FORMATS
    for told in export_questions(question_set, folder, chosen):
        say(told)
    files = {"squad": "squad.json", "beir": "beir/", "trec": "trec/"}
    say(f"Exported to {folder}: {', '.join(files[one] for one in FORMATS if one in chosen)}.")


def _refuse_contradictions(questions: Path | None, squad: Path | None, paragraph: bool) -> None:
    if squad is not None and questions is not None:
        raise typer.BadParameter("give QUESTIONS or --squad, not both", param_hint="--squad")
    if paragraph and squad is None:
        raise typer.BadParameter("it belongs to --squad", param_hint="--paragraph")


def _measure(name: str, option: str) -> str:
    from qa.summary import BY_NAME

    found = {known.lower(): known for known in BY_NAME}.get(name.lower())
    if found is None:
        raise typer.BadParameter(f"no measure is called {name!r}; they are {', '.join(BY_NAME)}", param_hint=option)
    return found


def _floor(text: str) -> tuple[str, float]:
    name, equals, percent = text.rpartition("=")
    try:
        wanted = float(percent) if equals and name else None
    except ValueError:
        wanted = None
    if wanted is None:
        raise typer.BadParameter(f"wanted MEASURE=PERCENT, for example P@1=70, not {text!r}", param_hint="--floor")
    if not 0 <= wanted <= 100:  # nothing is under nan, and everything is under 300: neither would be a gate
        raise typer.BadParameter(f"wanted a percentage from 0 to 100, not {percent!r}", param_hint="--floor")
    return _measure(name, "--floor"), wanted / 100


def _check(questions: Path | None, squad: Path | None, paragraph: bool, article: str | None, as_json: bool) -> None:
    from dataclasses import asdict

    from qa.questions import check_questions, read_squad

    if squad is not None:
        complaints = []
        count = len(read_squad(squad, paragraph=paragraph).questions)
    else:
        path = questions or own_questions()
        complaints = check_questions(path, article_of(article))
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
    """Return the project's own questions, from the checkout or as installed. Raises UserError where neither is."""
    if OWN_QUESTIONS.exists():
        # As it would be typed, where that is possible: a recorded run tells it, and need not tell where home is.
        here = Path.cwd()
        return OWN_QUESTIONS.relative_to(here) if OWN_QUESTIONS.is_relative_to(here) else OWN_QUESTIONS
    from importlib import metadata

    try:
        shipped = metadata.files("article-qa") or []
    except metadata.PackageNotFoundError:
        shipped = []
    for file in shipped:
        if file.parts[-3:] == ("share", "article-qa", "questions.jsonl") and Path(str(file.locate())).exists():
            return Path(str(file.locate())).resolve()
    raise UserError(
        "no file of questions was named, and the project's own were not installed with it. "
        "Give one: article-qa eval QUESTIONS.jsonl (docs/evaluation.md says what a line holds)"
    )


def _question_set(questions: Path | None, squad: Path | None, paragraph: bool, article: str | None) -> QuestionSet:
    from qa.questions import read_question_set, read_squad

    if squad is not None:
        return read_squad(squad, paragraph=paragraph)
    return read_question_set(questions or own_questions(), article_of(article))


def _files_of(question_set: QuestionSet) -> list[str]:
    """The files that questions and articles were read from; a source that is no file names none that exists."""
    return [question_set.source, *(article.source for article in question_set.articles.values())]


def _files_in(*runs: Path | None) -> list[Path]:
    """The files that make up recorded runs, written already or not."""
    from qa.run import FILES

    return [run / name for run in runs if run is not None for name in FILES]


def opener(
    settings: Mapping[str, Any],
    cache: Path | None,
    no_cache: bool,
    *,
    library: str | None = None,
    only: list[str] | None = None,
) -> Callable[[Article], Answerer]:
    """Return what opens an article with these settings of `open_answerer`; None leaves one as it usually is.

    library: all its articles are asked, and an answer counts where it stands in the article that the question is of.
    """
    from qa.answer import open_answerer

    # The library is recorded with the settings and is none of them.
    chosen = {name: value for name, value in settings.items() if value is not None and name not in ("library", "only")}
    if no_cache or cache is not None:
        chosen["cache"] = None if no_cache else cache
    if library is not None:
        from qa.library_answer import AboutArticle, open_library_answerer

        answerer = open_library_answerer(library, only=only or (), **chosen)
        return lambda article: AboutArticle(answerer, article.fingerprint)
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
    """Print JSON, in ASCII where the output could not hold every letter."""
    from qa.show import stream_is_utf8

    if not stream_is_utf8():
        text = json.dumps(json.loads(text), indent=2)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """Tell the person something that is no result: on standard error."""
    print(text, file=sys.stderr)
