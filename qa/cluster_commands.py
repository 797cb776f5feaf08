"""What is typed about a cluster comes in; a library is built or asked on its nodes, and what was done is said.

Ray is imported by what these commands call, and by nothing else.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import UserError
from qa.options import CacheOption, JsonOption, ModelOption

if TYPE_CHECKING:
    from qa.cluster_answer import ClusterAnswerer

SHOWN = 20  # of what was left out; --json has all

RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray", help="With --library: ask the nodes of a Ray cluster; HOST:PORT, auto or local.", metavar="ADDRESS"
    ),
]
ReplicasOption = Annotated[
    int, typer.Option("--replicas", min=1, help="With --ray: nodes that hold each part of the library.")
]


def build_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, web addresses, or .jsonl files with one article a line.", metavar="SOURCE..."
        ),
    ],
    ray: Annotated[str, typer.Option("--ray", help="The Ray cluster: HOST:PORT, auto or local.", metavar="ADDRESS")],
    library: Annotated[
        str, typer.Option("--library", "-l", help="A folder that all nodes share, or a name.", metavar="NAME")
    ] = "default",
    date: Annotated[
        str | None, typer.Option("--date", help="Of articles that say none: 2024, 2024-05 or 2024-05-17.")
    ] = None,
    cpus: Annotated[
        float | None, typer.Option("--cpus", min=0.1, help="Processors for each block. [default: 4, or a node's]")
    ] = None,
    block: Annotated[
        float, typer.Option("--block", min=0.001, help="Megabytes of sources in a block, on average.")
    ] = 4.0,
    model: ModelOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a library of these sources on the nodes of a cluster; only what is missing is made."""
    from cluster.build import build
    from index.build import cache_folder
    from library import library_folder
    from library.sources import is_date, listed
    from qa.answer import open_models
    from qa.progress import ProgressBar
    from qa.show import one_line, source_line

    if date is not None and not is_date(date):
        raise typer.BadParameter(f"{date!r} is no date: write 2024, 2024-05 or 2024-05-17", param_hint="--date")
    places = listed(sources)
    encoder = open_models(model, "fused", cache or cache_folder())[0]
    try:
        with ProgressBar() as progress:
            done = build(
                ray, places, library_folder(library), encoder, model=model, date=date,
                block_bytes=max(1, round(block * 1e6)), cpus=cpus, progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        _say("Interrupted. Finished blocks are kept, and the same command goes on from here.")
        raise
    if as_json:
        record = {**dataclasses.asdict(done), "folder": str(done.folder)}
        print(json.dumps(record), flush=True)
        return
    for one in done.left_out[:SHOWN]:
        _say(f"Left out: {source_line(one.source)}: {one_line(one.why)}")
    if len(done.left_out) > SHOWN:
        _say(f"Left out: {len(done.left_out) - SHOWN:,} more; --json lists all.")
    if done.unused:
        _say(f"{done.unused / 1e6:,.1f} MB of shards of earlier builds lie unused in {done.folder / 'shards'}.")
    print(
        f"{done.made:,} of {done.shards:,} shards made, {len(done.left_out):,} sources left out. "
        f"{done.folder.name}: {done.articles:,} articles, {done.sentences - done.copies:,} sentences."
    )


def open_asked(
    address: str,
    library: str | None,
    only: list[str] | None,
    article: str | None,
    *,
    reader: str | None,
    replicas: int,
    **options: Any,
) -> ClusterAnswerer:
    """Return what answers questions to a library on a cluster until the program ends. Raises UserError."""
    if library is None:
        raise typer.BadParameter("it belongs to --library", param_hint="--ray")
    from qa.answer import DEFAULT_READER
    from qa.cluster_answer import cluster_answerer

    if article is not None:
        raise UserError(f"{article}: a library was asked, so no article can be named. Use --only to ask some articles.")
    stack = ExitStack()
    answerer = stack.enter_context(
        cluster_answerer(
            address, library, replicas=replicas, only=only or (), reader=reader or DEFAULT_READER, **options
        )
    )
    atexit.register(stack.close)  # after Ray has registered its own end, so before it
    return answerer


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
