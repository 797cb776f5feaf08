"""What is typed on the command line comes in; answers go out on standard output, everything else on standard error.

Exit status: 0 answered (or done), 1 error, 2 wrong usage, 3 the article does not say, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from index.errors import UserError
from qa import cluster_commands, library_commands
from qa.cluster_commands import RayOption, ReplicasOption
from qa.evaluation_commands import mount
from qa.library_commands import AskedLibraryOption, OnlyOption
from qa.options import (
    ArticleOption,
    CacheOption,
    DenseWeightOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    NoCacheOption,
    ReaderOption,
    article_of,
    refuse_inputs,
)

if TYPE_CHECKING:
    from index.build import Progress
    from qa.answer import Answer, Answerer
    from qa.dialogue import Turn
    from qa.library_answer import LibraryAnswerer

EXIT_ERROR = 1
EXIT_DOES_NOT_SAY = 3
EXIT_INTERRUPTED = 130

# Everything that takes time to import is imported by the command that needs it: `--help` answers at once.

cli = typer.Typer(
    name="article-qa",
    help="Ask an article a question in plain English and get the exact sentence that answers it.",
    epilog="Exit status: 0 answered (or done), 1 error, 2 wrong usage, 3 the article does not say.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # an unexpected error is a bug: its plain traceback is what a report needs
    context_settings={"help_option_names": ["-h", "--help"]},
)
cache_cli = typer.Typer(
    help="See or clear what is kept from earlier runs.", no_args_is_help=True, rich_markup_mode=None
)
cli.add_typer(cache_cli, name="cache")


@cli.command(epilog='Example: article-qa ask --article story.txt "Who was arrested?"')
def ask(
    question: Annotated[list[str], typer.Argument(help="The question; quotation marks around it are welcome.")],
    article: ArticleOption = None,
    library: AskedLibraryOption = None,
    only: OnlyOption = None,
    ray: RayOption = None,
    replicas: ReplicasOption = 1,
    k: Annotated[int, typer.Option("-k", min=1, help="How many sentences to show, best first.")] = 1,
    model: ModelOption = None,
    reader: ReaderOption = None,
    min_confidence: MinConfidenceOption = None,
    dense_weight: DenseWeightOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """Answer one question with a sentence of the article, or of one of the articles of a library."""
    answerer = _open(
        article, model, reader, cache, no_cache, min_confidence, dense_weight=dense_weight, library=library, only=only,
        ray=ray, replicas=replicas,
    )  # fmt: skip
    answer = answerer.ask(" ".join(question))
    _print_answer(answer, answerer, k=k, as_json=as_json)
    if not answer.candidates:
        raise typer.Exit(EXIT_ERROR)
    if not answer.answered:
        raise typer.Exit(EXIT_DOES_NOT_SAY)


@cli.command()
def chat(
    article: ArticleOption = None,
    library: AskedLibraryOption = None,
    only: OnlyOption = None,
    ray: RayOption = None,
    replicas: ReplicasOption = 1,
    k: Annotated[int, typer.Option("-k", min=1, help="How many sentences to show, best first.")] = 1,
    model: ModelOption = None,
    reader: ReaderOption = None,
    min_confidence: MinConfidenceOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask one question after another; "Did he survive?" is understood from what was said before."""
    if article == "-":
        raise typer.BadParameter("standard input is where the questions come from", param_hint="--article")
    answerer = _open(
        article, model, reader, cache, no_cache, min_confidence, library=library, only=only, ray=ray, replicas=replicas
    )
    _say(answerer.described)
    _say("Ask away. An empty line is skipped, /new forgets what was said, /quit ends.")
    history: list[Turn] = []
    for line in _typed_lines():
        command = line.strip().lower()
        if command in ("/quit", "/exit", "/q"):
            break
        if command == "/new":
            history.clear()
            _say("What was said is forgotten.")
            continue
        if not command:
            continue
        answer = answerer.ask(line, history)
        _print_answer(answer, answerer, k=k, as_json=as_json)
        if answer.candidates:
            history.append(answer.turn)


@cli.command(epilog='Each line: {"id", "question", "history": [[question, answer], ...]?, "article": path?}')
def batch(
    questions: Annotated[
        Path, typer.Argument(help="A file with one JSON object a line, or -.", metavar="QUESTIONS.jsonl")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="Where the answers go; what they were asked with, beside it. [default: standard output]",
        ),
    ] = None,
    article: ArticleOption = None,
    library: AskedLibraryOption = None,
    only: OnlyOption = None,
    ray: RayOption = None,
    replicas: ReplicasOption = 1,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Keep the answers that are there and go on after them, with the same options."),
    ] = False,
    candidates: Annotated[int, typer.Option("-k", min=1, help="How many candidates to list, at least 10.")] = 10,
    model: ModelOption = None,
    reader: ReaderOption = None,
    min_confidence: MinConfidenceOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
) -> None:
    """Answer a file of questions, one line each; a bad line or article is reported in its own line."""
    from qa.answer import DEFAULT_READER, refuse_unknown_reader
    from qa.batch import answer_file
    from qa.progress import ProgressBar

    if str(questions) == "-" and article == "-":
        raise typer.BadParameter(
            "the questions and the article cannot both come from standard input", param_hint="--article"
        )
    if output is not None and str(output) == "-":
        output = None
    if resume and output is None:
        raise typer.BadParameter("only a file can be taken up again: give -o FILE", param_hint="--resume")
    # All at once, for what is wrong with the options is no error of each line.
    refuse_unknown_reader(reader or DEFAULT_READER)
    library_commands.refuse_without_library(library, only, ray)
    if library is not None:
        library_commands.refuse_article(article)
        if ray is None:
            library_commands.refuse_no_library(library)
    _cache(cache, no_cache)
    if output is not None and article is not None:
        refuse_inputs([output], [article])
    settings = _answer_settings(library, only, model, reader, min_confidence, candidates)
    try:
        with ProgressBar() as progress:
            done = answer_file(
                questions,
                output,
                lambda source: _open(
                    source or article,
                    model,
                    reader,
                    cache,
                    no_cache,
                    min_confidence,
                    progress=progress,
                    library=library,
                    only=only,
                    ray=ray,
                    replicas=replicas,
                ),
                resume=resume,
                settings=settings,
                candidates=candidates,
                progress=progress,
            )
    except KeyboardInterrupt:
        if output is not None:
            _say("Interrupted. The same command with --resume goes on from here.")
        raise
    again = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    bad = f', {done.errors:,} with an error: see "error" in their lines' if done.errors else ""
    _say(f"{done.lines:,} line{'s' * (done.lines != 1)}{again}: {done.answered:,} answered{bad}.")


mount(cli)
library_commands.mount(cli)


@cli.command("index")
def build(
    article: ArticleOption = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build it and keep nothing: a trial.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build an article's index, so that the first question about it is answered at once."""
    import dataclasses

    from index.build import is_kept, open_index
    from index.embeddings import open_encoder
    from qa.progress import ProgressBar
    from qa.show import one_line

    folder = _cache(cache, no_cache)
    read = article_of(article)
    with ProgressBar() as progress:
        encoder = open_encoder(model, cache=folder)
        manifest = open_index(read, encoder, cache=folder, progress=progress).manifest
    kept = folder is not None and is_kept(read, encoder, folder)
    if as_json:
        _print_json({**dataclasses.asdict(manifest), "kept": str(folder) if kept else None})
    else:
        what = f"{manifest.sentences:,} sentences, {manifest.dim} dimensions, {manifest.model}"
        print(f"{one_line(read.title)}: {what}; {f'kept in {folder}' if kept else 'not kept'}")
    if folder is not None and not kept:  # why, has been said on standard error
        raise typer.Exit(EXIT_ERROR)


@cli.command()
def serve(
    article: ArticleOption = None,
    library: AskedLibraryOption = None,
    only: OnlyOption = None,
    ray: RayOption = None,
    replicas: ReplicasOption = 1,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    mcp: Annotated[bool, typer.Option("--mcp", help="Also let assistants ask, by the Model Context Protocol.")] = False,
    model: ModelOption = None,
    reader: ReaderOption = None,
    min_confidence: MinConfidenceOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
) -> None:
    """Open the app: the article, or the articles of a library, at one side, the questions at the other."""
    from qa.answer import DEFAULT_READER

    library_commands.refuse_without_library(library, only, ray)
    kept = _cache(cache, no_cache)
    if library is not None:
        options: dict[str, Any] = {
            "model": model, "reader": reader, "cache": kept, "min_confidence": min_confidence,
        }  # fmt: skip
        answerer = (
            library_commands.open_asked(library, only, article, **options)
            if ray is None
            else cluster_commands.open_asked(ray, library, only, article, replicas=replicas, **options)
        )
        from app import serve_library

        serve_library(answerer, host=host, port=port, open_browser=open_browser, cache=kept, mcp=mcp)
        return
    read = article_of(article)
    from app import serve as open_app

    open_app(
        read,
        host=host,
        port=port,
        open_browser=open_browser,
        model=model,
        reader=reader or DEFAULT_READER,
        min_confidence=min_confidence,
        cache=kept,
        mcp=mcp,
    )


@cache_cli.command("list")
def cache_list(cache: CacheOption = None, as_json: JsonOption = False) -> None:
    """List the indexes that are kept."""
    from index.kept import kept_indexes
    from qa.show import one_line, source_line

    folder = _cache(cache, no_cache=False) or Path()
    kept = kept_indexes(folder)
    if as_json:
        indexes = [
            {
                "folder": str(one.folder),
                "title": one.title,
                "source": one.source,
                "sentences": one.sentences,
                "model": one.model,
                "bytes": one.size,
                "built": one.built.isoformat(),
            }
            for one in kept
        ]
        _print_json({"cache": str(folder), "indexes": indexes})
        return
    for one in kept:
        what = "damaged"
        if one.sentences is not None:
            what = f"{one_line(str(one.title))} ({source_line(str(one.source))}): {one.sentences:,} sentences"
        print(f"{one.built:%Y-%m-%d %H:%M}  {_megabytes(one.size):>9}  {what}")
    _say(f"{len(kept):,} kept in {folder}.")


@cache_cli.command("clear")
def cache_clear(cache: CacheOption = None) -> None:
    """Delete all that is kept; it is made anew when needed."""
    from index.kept import clear

    folder = _cache(cache, no_cache=False) or Path()
    _say(f"{_megabytes(clear(folder))} freed in {folder}.")


@cli.command()
def doctor(cache: CacheOption = None, as_json: JsonOption = False) -> None:
    """Say what is installed, where the models lie and whether all is well."""
    import dataclasses

    from qa.doctor import diagnose

    checks = diagnose(cache)
    well = all(check.ok for check in checks)
    if as_json:
        _print_json({"ok": well, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        for check in checks:
            print(f"{'ok   ' if check.ok else 'WRONG'}  {check.name}: {check.found}")
        print("All is well." if well else "Something is wrong: see above.")
    if not well:
        raise typer.Exit(EXIT_ERROR)


def main() -> None:
    """Run the command line and exit; the one place where a UserError becomes a line and an exit status.

    So does what the system refuses (a full disk, a folder that may not be read) where no command said it better.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter of the article shows "?" instead; what is typed may be in another encoding.
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="article-qa")
    except UserError as error:
        from qa.show import printable

        _say(f"article-qa: {printable(str(error))}")  # it may name a file, or quote one
        _leave(EXIT_ERROR)
    except KeyboardInterrupt:
        _leave(EXIT_INTERRUPTED)
    except BrokenPipeError:
        _leave(EXIT_ERROR)
    except OSError as error:
        _say_refused(error)
        _leave(EXIT_ERROR)
    except SystemExit as left:
        _leave(left.code)


def _leave(code: str | int | None) -> NoReturn:
    """Exit, also when whoever read the output is gone: `article-qa ask ... | head -1` is no error to report."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and code != EXIT_ERROR:  # an error has been told already
            _say_refused(error)
            code = EXIT_ERROR
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _say_refused(error: OSError) -> None:
    """Say what the system refused; an error without a file's name is mostly of standard output."""
    reason = " ".join((error.strerror or str(error)).split())
    _say(f"article-qa: {error.filename or 'the output'}: {reason}. See that it can be read or written, and has room.")


def _open(
    article: str | None,
    model: str | None,
    reader: str | None,
    cache: Path | None,
    no_cache: bool,
    min_confidence: float | None,
    *,
    dense_weight: float | None = None,
    progress: Progress | None = None,
    library: str | None = None,
    only: list[str] | None = None,
    ray: str | None = None,
    replicas: int = 1,
) -> Answerer | LibraryAnswerer:
    """What answers as the options ask for. Raises UserError."""
    library_commands.refuse_without_library(library, only, ray)
    if ray is not None:
        return cluster_commands.open_asked(
            ray, library, only, article, replicas=replicas, model=model, reader=reader, cache=_cache(cache, no_cache),
            min_confidence=min_confidence, dense_weight=dense_weight,
        )  # fmt: skip
    if library is not None:
        return library_commands.open_asked(
            library, only, article, model=model, reader=reader, cache=_cache(cache, no_cache),
            min_confidence=min_confidence, dense_weight=dense_weight,
        )  # fmt: skip

    from qa.answer import DEFAULT_READER, open_answerer
    from qa.progress import ProgressBar

    with ProgressBar() as bar:
        return open_answerer(
            article_of(article),
            model=model,
            reader=reader or DEFAULT_READER,
            cache=_cache(cache, no_cache),
            min_confidence=min_confidence,
            dense_weight=dense_weight,
            progress=progress or bar,
        )


def _answer_settings(
    library: str | None,
    only: list[str] | None,
    model: str | None,
    reader: str | None,
    min_confidence: float | None,
    candidates: int,
) -> dict[str, Any]:
    """What changes the lines of a batch, as options; None is what was left as it usually is. Raises UserError.

    The article is none of them: the answers themselves tell whether they are from the same.
    """
    from qa.answer import DEFAULT_READER
    from qa.batch import LEAST_CANDIDATES

    return {
        "--library": None if library is None else library_commands.place_of(library),
        "--only": sorted(set(only)) if only else None,
        "--model": model,
        "--reader": reader or DEFAULT_READER,
        "--min-confidence": min_confidence,
        "-k": max(candidates, LEAST_CANDIDATES),
    }


def _cache(folder: Path | None, no_cache: bool) -> Path | None:
    """The folder where indexes are kept, or None. Raises typer.BadParameter when both options were given."""
    from index.build import cache_folder

    if no_cache and folder is not None:
        raise typer.BadParameter("--cache and --no-cache contradict each other", param_hint="--cache")
    return None if no_cache else folder or cache_folder()


def _typed_lines() -> Iterator[str]:
    """Lines of standard input until it ends, with a prompt where a person types them."""
    while True:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line


def _print_answer(answer: Answer, answerer: Answerer | LibraryAnswerer, *, k: int, as_json: bool) -> None:
    if as_json:
        _print_json(answerer.as_dict(answer))
    elif not answer.candidates:
        _say(f"article-qa: {answer.reason}")
    else:
        print(answerer.as_text(answer, k=k, bold=_bold()), flush=True)


def _print_json(record: Mapping[str, Any]) -> None:
    from qa.show import print_json

    print_json(record)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _bold() -> bool:
    """Whether standard output understands and wants bold face (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
