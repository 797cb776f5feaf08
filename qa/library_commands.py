"""The arguments of `article-qa library ...` come in; a library is filled, listed, checked or mended, and that is said.

Everything that takes time to import is imported by the command that needs it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import UserError
from qa.cluster_commands import build_command
from qa.options import CacheOption, JsonOption, ModelOption

if TYPE_CHECKING:
    from index.embeddings import Encoder
    from library import Incoming, Library
    from library.sources import LeftOut
    from qa.library_answer import LibraryAnswerer

EXIT_ERROR = 1
DEFAULT_LIBRARY = "default"
SHOWN = 20  # of what was left out; --json has all

LibraryOption = Annotated[
    str, typer.Option("--library", "-l", help="A name, or a folder.", show_default=True, metavar="NAME")
]
AskedLibraryOption = Annotated[
    str | None,
    typer.Option("--library", "-l", help="Ask all articles of this library, by name or folder.", metavar="NAME"),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help="With --library: article:TEXT, source:TEXT or date:2024-05..2024-07; may be repeated."),
]


def mount(app: typer.Typer) -> None:
    """Add the library's commands to the command line."""
    library = typer.Typer(
        help="Keep many articles and ask them all at once.", no_args_is_help=True, rich_markup_mode=None
    )
    library.command("add", epilog="Example: article-qa library add stories/ && article-qa ask -l default 'Who left?'")(
        add_command
    )
    library.command("list")(list_command)
    library.command("remove")(remove_command)
    library.command("stats")(stats_command)
    library.command("check", epilog="Exit status: 1 when something is wrong.")(check_command)
    library.command("repair", epilog="Exit status: 1 when something is wrong still.")(repair_command)
    library.command("build", epilog="Example: article-qa library build --ray auto news/ -l /shared/news")(build_command)
    library.command("compact")(compact_command)
    app.add_typer(library, name="library")


def add_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, web addresses, or .jsonl files with one article a line.", metavar="SOURCE..."
        ),
    ],
    library: LibraryOption = DEFAULT_LIBRARY,
    date: Annotated[
        str | None, typer.Option("--date", help="Of articles that say none: 2024, 2024-05 or 2024-05-17.")
    ] = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add articles, or what has changed of them; what is there already costs nothing."""
    from library import create_library, library_folder
    from library.sources import LeftOut, Unchanged, expected, is_date, listed, read_sources
    from qa.progress import ProgressBar
    from qa.show import one_line, source_line

    if date is not None and not is_date(date):
        raise typer.BadParameter(f"{date!r} is no date: write 2024, 2024-05 or 2024-05-17", param_hint="--date")
    folder = library_folder(library)  # before the models: a name that is none is told at once
    places = listed(sources)
    total = expected(places)
    encoder = _encoder(model, cache)
    left_out: list[LeftOut] = []
    untouched = 0
    with create_library(folder, encoder) as filled, ProgressBar() as progress:

        def incoming() -> Iterator[Incoming]:
            nonlocal untouched
            for done, read in read_sources(places, date=date, stamps=filled.stamps()):
                if isinstance(read, LeftOut):
                    left_out.append(read)
                elif isinstance(read, Unchanged):
                    untouched += 1
                else:
                    yield read
                progress("adding articles", done, total)

        try:
            done = filled.add(incoming(), encoder)
            filled.index_nearest(progress=progress)
        except KeyboardInterrupt:
            _say("Interrupted. What was added is kept, and the same command goes on from here.")
            raise
        held = filled.statistics()
    done = dataclasses.replace(done, unchanged=done.unchanged + untouched)
    if as_json:
        _print(
            {
                **dataclasses.asdict(done),
                "left_out": [dataclasses.asdict(one) for one in left_out],
                "articles": held.articles,
                "library": str(held.folder),
            }
        )
    else:
        for one in left_out[:SHOWN]:
            _say(f"Left out: {source_line(one.source)}: {one_line(one.why)}")
        if len(left_out) > SHOWN:
            _say(f"Left out: {len(left_out) - SHOWN:,} more; --json lists all.")
        print(
            f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged, {len(left_out):,} left out;"
            f" {done.embedded:,} of {done.sentences:,} sentences embedded. "
            f"{held.folder.name}: {held.said}."
        )
    if left_out and not done.added + done.changed + done.unchanged:
        raise typer.Exit(EXIT_ERROR)


def list_command(
    library: LibraryOption = DEFAULT_LIBRARY, only: OnlyOption = None, as_json: JsonOption = False
) -> None:
    """List the articles of a library."""
    from library import only as only_these
    from qa.show import one_line, source_line

    with _open(library) as opened:
        articles = opened.articles(only_these(only or []))
    if as_json:
        _print({"articles": [dataclasses.asdict(held) for held in articles]})
        return
    for held in articles:
        title, source = one_line(held.title), source_line(held.source)
        print(f"{held.id:>6}  {held.date or '':10}  {held.sentences:>6,}  {title}  ({source})")
    _say(f"{len(articles):,} articles: number, date, sentences, title, source.")


def remove_command(
    articles: Annotated[
        list[str], typer.Argument(help="Numbers as `library list` shows them, or sources.", metavar="ARTICLE...")
    ],
    library: LibraryOption = DEFAULT_LIBRARY,
) -> None:
    """Take articles out of a library; nothing is built again."""
    with _open(library) as opened:
        held = {one.id: one for one in map(opened.find, articles)}  # all are looked up before one is removed
        gone = opened.remove(list(held))
    _say(f"{len(held):,} removed, and {gone:,} sentences that stood nowhere else.")


def stats_command(library: LibraryOption = DEFAULT_LIBRARY, as_json: JsonOption = False) -> None:
    """Say how large a library is and how it is searched."""
    with _open(library) as opened:
        found = opened.statistics()
    if as_json:
        _print({**dataclasses.asdict(found), "folder": str(found.folder)})
        return
    dates = f", {found.first_date} to {found.last_date}" if found.first_date else ""
    print(f"{found.folder}: {found.articles:,} article{'s' * (found.articles != 1)}{dates}")
    dead = ""
    if found.removed:
        share = 100 * found.removed / (found.removed + found.sentences)
        size = found.removed * (2 * found.dim + 2) / 1e6
        dead = f" ({share:.0f} %, {size:,.1f} MB of vectors and their texts; `library compact` drops them)"
    print(f"{found.sentences:,} sentences in {found.places:,} places, {found.removed:,} rows of removed ones{dead}")
    print(f"{found.model}, {found.dim} dimensions, float16; written to {found.generation:,} times")
    if found.nearest is None:
        print("searched exactly: every sentence is compared")
    else:
        near = found.nearest
        print(
            f"searched by {near.kind}, {near.probes} cells a question, for the first {near.rows:,} rows: "
            f"{100 * near.recall:.1f} % of the ten nearest found; the rest exactly"
        )
    for name, size in found.bytes.items():
        print(f"{size / 1e6:>12,.1f} MB  {name}")


def check_command(library: LibraryOption = DEFAULT_LIBRARY, as_json: JsonOption = False) -> None:
    """Compare every part of a library with every other."""
    from library import check
    from qa.progress import ProgressBar

    with _open(library, whole=False) as opened, ProgressBar() as progress:
        complaints = check(opened, progress=progress)
    _report(complaints, as_json=as_json)


def repair_command(
    library: LibraryOption = DEFAULT_LIBRARY,
    model: ModelOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make again from the texts what is missing or damaged."""
    from library import repair
    from qa.progress import ProgressBar

    with _open(library, whole=False) as opened, ProgressBar() as progress:
        complaints = repair(opened, _encoder(model, cache), progress=progress)
    _report(complaints, as_json=as_json)


def compact_command(library: LibraryOption = DEFAULT_LIBRARY, as_json: JsonOption = False) -> None:
    """Drop what removed and changed articles have left behind, for good; nothing is embedded again."""
    from library import compact
    from qa.progress import ProgressBar

    with _open(library) as opened, ProgressBar() as progress:
        done = compact(opened, progress=progress)
    if as_json:
        _print(dataclasses.asdict(done))
    else:
        print(f"{done.rows:,} rows of removed sentences dropped; {done.bytes / 1e6:,.1f} MB freed.")


def open_asked(
    library: str, only: list[str] | None, article: str | None, *, reader: str | None, **options: Any
) -> LibraryAnswerer:
    """Return what answers questions to a library as the options of `ask`, `chat` and `batch` say. Raises UserError."""
    from qa.answer import DEFAULT_READER
    from qa.library_answer import open_library_answerer

    refuse_article(article)
    return open_library_answerer(library, only=only or (), reader=reader or DEFAULT_READER, **options)


def refuse_article(article: str | None) -> None:
    """Raise UserError where an article was named although a library is asked."""
    if article is not None:
        raise UserError(f"{article}: a library was asked, so no article can be named. Use --only to ask some articles.")


def refuse_no_library(library: str) -> None:
    """Raise LibraryError where no library of that name can be asked."""
    with _open(library):
        pass


def refuse_without_library(library: str | None, only: list[str] | None, ray: str | None = None) -> None:
    """Raise typer.BadParameter where an option of a library was given, and no library."""
    for value, option in ((only, "--only"), (ray, "--ray")):
        if value and library is None:
            raise typer.BadParameter("it belongs to --library", param_hint=option)


def place_of(library: str) -> str:
    """Return the folder that a library's name means, the same from wherever it is typed. Raises LibraryError."""
    from library import library_folder

    return str(library_folder(library).resolve())


def _open(name: str, *, whole: bool = True) -> Library:
    """The library of that name; without `whole`, also one that needs repair before it can be asked."""
    from library import library_folder, open_library
    from library.errors import LibraryMismatch
    from library.store import Library

    folder = library_folder(name)
    try:
        return open_library(folder)
    except LibraryMismatch:
        if whole:
            raise
        return Library(folder)


def _encoder(model: str | None, cache: Path | None) -> Encoder:
    from index.build import cache_folder
    from qa.answer import open_models

    return open_models(model, "fused", cache or cache_folder())[0]


def _report(complaints: list[Any], *, as_json: bool) -> None:
    if as_json:
        _print({"ok": not complaints, "complaints": [dataclasses.asdict(one) for one in complaints]})
    else:
        for one in complaints:
            print(f"{one.part}: {one.what}{' (repair mends this)' if one.mends else ''}")
        print("Something is wrong: see above." if complaints else "All is well.")
    if complaints:
        raise typer.Exit(EXIT_ERROR)


def _print(record: dict[str, Any]) -> None:
    from qa.show import print_json

    print_json(record)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
