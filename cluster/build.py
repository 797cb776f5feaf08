"""Sources come in; every node of a cluster reads and embeds some of them, and a library of shards stands in a folder.

    blocks ─► a call for each that has no shard yet, on whichever node is free ─► shards ─► copies ─► cluster.json

A node that is lost costs the blocks that it had not finished: Ray gives these to others. A build that is interrupted
costs the same, and the next one makes only what is missing. Ray Data is not used: it is made for rows that flow from
one step to the next, between nodes, and needs pandas and pyarrow; here a block is read, embedded and written in one
call, and nothing flows but its name.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cluster.blocks import BLOCK_BYTES, Block, blocks_of
from cluster.errors import ClusterError, UnlikeNode
from cluster.ray_nodes import EncoderFactory, check_nodes, connected, enough_cpus, nodes, ray_module
from cluster.shards import (
    Manifest,
    Shard,
    copies_between,
    finished,
    made_by,
    ranges_of_keys,
    sweep,
    write_manifest,
    write_shard,
)
from index.build import cache_folder
from index.embeddings import Encoder, open_encoder
from index.errors import UserError
from library.sources import LeftOut

RETRIES = 5  # of a block whose node or process is lost; after that it is the block that is bad
CPUS = 4.0  # of a block: what one model can use
IN_FLIGHT = 2  # blocks given out for each that can be worked on

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Failed:
    """A block that no node could make."""

    first: str  # the place that it begins with
    why: str


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did."""

    folder: Path
    shards: int  # of the library
    made: int  # of those, by this build
    articles: int
    sentences: int  # of all shards; those that several have count in each
    copies: int  # of those, what an earlier shard has too
    left_out: tuple[LeftOut, ...]
    unused: int  # bytes of shards of former builds that are no part of it any more


@dataclass(frozen=True, slots=True)
class ModelOnNode:
    """Opens the model that a node has; called there."""

    model: str | None
    threads: int

    def __call__(self) -> Encoder:
        """Return the encoder. Raises ModelNotFound."""
        return open_encoder(self.model, cache=cache_folder(), threads=self.threads)


def build(
    address: str,
    places: Sequence[str],
    folder: Path,
    encoder: Encoder,
    *,
    factory: EncoderFactory | None = None,
    model: str | None = None,
    date: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    cpus: float | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make a library of these places (from `library.sources.listed`) in a folder that all nodes of a cluster share.

    encoder: as the nodes should have it. factory: makes it on a node; without it, `model` is opened there.
    cpus: processors that a block is worked on with; None is CPUS, or what the smallest node has.
    Raises NoCluster, NotShared, UnlikeNode, ClusterError when blocks failed; what was finished is kept in all cases.
    """
    said = progress or (lambda _what, _done, _of: None)
    folder = folder.resolve()
    with connected(address):
        smallest = min((node.cpus for node in nodes() if node.cpus), default=1.0)
        share = min(CPUS, smallest) if cpus is None else cpus
        enough_cpus(share)
        check_nodes(folder, writes=True)
        said("reading", 0, len(places))
        blocks = list(blocks_of(places, made_by=made_by(encoder, date), size=block_bytes))
        there = {block.id: shard for block in blocks if (shard := finished(folder, block.id)) is not None}
        missing = [block for block in blocks if block.id not in there]
        run = secrets.token_hex(4)
        make = partial(
            _make,
            folder=str(folder),
            factory=factory or ModelOnNode(model, max(1, int(share))),
            fingerprint=encoder.fingerprint,
            date=date,
            run=run,
        )
        try:
            made, failed = _all_made(make, missing, share, said, already=len(there), of=len(blocks))
        finally:
            unused = sweep(folder, run=run, named=[block.id for block in blocks])
        if failed:
            raise ClusterError(
                f"{len(failed):,} of {len(blocks):,} blocks could not be made. The first, from {failed[0].first}: "
                f"{failed[0].why} What is finished is kept: give the same command again."
            )
        there |= made
        shards = [there[block.id] for block in blocks]
        manifest, copies = _listed(folder, shards, encoder, said)
    return Built(
        folder,
        len(manifest.shards),
        len(made),
        sum(shard.articles for shard in shards),
        sum(shard.sentences for shard in shards),
        copies,
        tuple(one for shard in shards for one in shard.left_out),
        unused,
    )


def _all_made(
    make: Callable[[Block], Shard | Failed],
    blocks: Sequence[Block],
    cpus: float,
    said: Progress,
    *,
    already: int,
    of: int,
) -> tuple[dict[str, Shard], list[Failed]]:
    ray = ray_module()
    remote = ray.remote(_called).options(num_cpus=cpus, max_retries=RETRIES, scheduling_strategy="SPREAD")
    call = ray.put(make)
    waiting = deque(blocks)
    flying: dict[Any, Block] = {}
    made: dict[str, Shard] = {}
    failed: list[Failed] = []
    while waiting or flying:
        said("embedding", already + len(made), of)
        # Not all at once: a million calls would fill the head node's memory.
        room = IN_FLIGHT * max(1, int(sum(node.cpus for node in nodes()) / cpus))
        while waiting and len(flying) < room:
            block = waiting.popleft()
            flying[remote.remote(call, block)] = block
        done, _ = ray.wait(list(flying), num_returns=1, timeout=1.0)
        for answer in done:
            block = flying.pop(answer)
            try:
                outcome = ray.get(answer)
            except ray.exceptions.RayTaskError:
                raise  # a bug, and its traceback
            except ray.exceptions.RayError as error:
                outcome = Failed(block.pieces[0].place, f"{RETRIES + 1} processes were lost with it ({error}).")
            if isinstance(outcome, Failed):
                failed.append(outcome)
            else:
                made[block.id] = outcome
    said("embedding", already + len(made), of)
    return made, failed


def _listed(folder: Path, shards: Sequence[Shard], encoder: Encoder, said: Progress) -> tuple[Manifest, int]:
    """Find the sentences that several shards have, and put the list of shards in force."""
    ray = ray_module()
    find = ray.remote(_copies).options(num_cpus=1, max_retries=RETRIES)
    names = ray.put([shard.id for shard in shards])
    ranges = ranges_of_keys(sum(shard.rows for shard in shards))
    found = []
    for place, answer in enumerate([find.remote(str(folder), names, *keys) for keys in ranges]):
        said("comparing shards", place, len(ranges))
        found.append(ray.get(answer))
    return write_manifest(folder, shards, encoder, found), sum(map(len, found))


# ── What runs on a node ──────────────────────────────────────────────────────────────────────────────────────────────

_encoders: dict[str, Encoder] = {}  # of this process, which is given one block after another


def _called(make: Callable[[Block], Shard | Failed], block: Block) -> Shard | Failed:
    return make(block)


def _make(
    block: Block, *, folder: str, factory: EncoderFactory, fingerprint: str, date: str | None, run: str
) -> Shard | Failed:
    """Make a shard, or say why a user must do something first."""
    try:
        encoder = _encoders.get(fingerprint)
        if encoder is None:
            encoder = factory()
            if encoder.fingerprint != fingerprint:
                raise UnlikeNode(
                    f"a node has other weights of {encoder.name} ({encoder.fingerprint[:12]}) than this machine "
                    f"({fingerprint[:12]}). Install the same on all nodes."
                )
            _encoders[fingerprint] = encoder
        return write_shard(block, Path(folder), encoder, date=date, run=run)
    except UserError as error:
        return Failed(block.pieces[0].place, str(error))


def _copies(folder: str, names: Sequence[str], first: bytes, behind: bytes) -> Any:
    return copies_between(Path(folder), names, first, behind)
