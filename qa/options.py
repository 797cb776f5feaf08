"""What is typed after a command comes in; the options that several commands share, each defined once, go out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import UserError

if TYPE_CHECKING:
    from index.article import Article

ArticleOption = Annotated[
    str | None,
    typer.Option("--article", "-a", help="File, web address, or - for standard input. [default: the built-in article]"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="A sentence-transformers folder or hub name. [default: the installed all-MiniLM-L6-v2]"
    ),
]
ReaderOption = Annotated[
    str | None, typer.Option("--reader", help='"trained", or "fused" for retrieval alone. [default: trained]')
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        "--min-confidence", min=0.0, max=1.0, help="Answer from this confidence on. [default: the calibrated one]"
    ),
]
DenseWeightOption = Annotated[
    float | None,
    typer.Option(
        "--dense-weight",
        min=0.0,
        max=1.0,
        help="0: search by shared words alone; 1: by meaning alone. [default: 0.5]",
    ),
]
WindowPiecesOption = Annotated[
    int | None,
    typer.Option(
        "--window-pieces", min=16, max=400, help="Word pieces that the reader reads at once. [default: reader.json's]"
    ),
]
MostPiecesOption = Annotated[
    int | None,
    typer.Option(
        "--most-pieces", min=1, help="Word pieces of an article read for a question. [default: reader.json's]"
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", file_okay=False, help="Folder where indexes are kept. [default: the user's cache]"),
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep an index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class InputAtRisk(UserError):
    """A file that a command reads was named as what it writes."""


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[str | Path]) -> None:
    """Raise InputAtRisk when an output is one of the inputs, which nobody could bring back.

    Files are compared, not names: another spelling, a link, and a file yet to be made are seen too.
    """
    read = list(inputs)
    for output in outputs:
        if any(_one_file(output, path) for path in read):
            raise InputAtRisk(f"{output} is read by this command and would be overwritten. Name another file.")


def _one_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file, there already or not."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or Path(one).samefile(other)
    except (OSError, ValueError):  # one of the two is not there, or no file can have such a name
        return False


def article_of(source: str | None) -> Article:
    """Return the article that --article names, or the built-in one. Raises ArticleError."""
    from index.article import builtin_article, read_article

    return builtin_article() if source is None else read_article(source)
