"""A block comes in; a shard, which is a library folder of its own, stands in the shared folder; so does their list.

    FOLDER/shards/ID/          the shard of block ID: library.sqlite, vectors.f16, ..., and shard.json, what it holds
    FOLDER/shards/.new-*       what a node was writing when it was lost; swept by a later build
    FOLDER/cluster.json        which shards, in which order, are the library; replaced as a whole when all are there
    FOLDER/cluster-GEN.json    the same list under the name of its generation: who asks that one finds it after a build
    FOLDER/copies-GEN.npy      which sentences of a shard an earlier shard has too

A shard is made on the node's own disk, copied beside its place and renamed, and never changed after: a folder with a
block's name is that block, whole. SQLite's write-ahead log needs memory that all readers share, which machines do not;
so a shard that is done is put back to the plain journal, and any number of machines may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cluster.blocks import Block, read_block
from cluster.errors import ClusterError, UnfinishedLibrary
from index.embeddings import Encoder
from index.sentences import SPLITTER
from index.terms import CUTTING
from library.errors import DamagedLibrary
from library.sources import LeftOut
from library.store import FORMAT as SHARD_FORMAT
from library.store import Incoming, create_library, open_library
from library.vectors import RowArray

FORMAT = 1  # of cluster.json; count up when an older program could not read what is written
MANIFEST = "cluster.json"
SHARDS = "shards"
_UNFINISHED = ".new-"
STALE = 86_400  # seconds after which an unfinished folder is nobody's work any more
KEYS_AT_ONCE = 1_000_000  # sentences compared by one process when copies are looked for: 200 MB


@dataclass(frozen=True, slots=True)
class Shard:
    """What a finished shard holds."""

    id: str  # of its block
    articles: int  # the largest number of one
    rows: int
    sentences: int  # rows that live
    written: int  # how often its library had been written to: after that, nobody does
    embedded: int
    bytes: int  # of the sources
    left_out: tuple[LeftOut, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Shard:
        """Return what `asdict` made. Raises TypeError or KeyError for anything else."""
        return cls(**{**data, "left_out": tuple(LeftOut(**one) for one in data["left_out"])})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a library of several shards is."""

    model: str
    model_fingerprint: str
    dim: int
    terms: str
    splitter: str
    shards: tuple[Shard, ...]  # in the order of the sources: sentences and articles are numbered through
    generation: str  # made of all this and of the copies: where it is the same, every answer is

    @property
    def copies(self) -> str:
        """The name of the file that says which sentences several shards have."""
        return f"copies-{self.generation}.npy"

    @property
    def first_rows(self) -> list[int]:
        """For each shard, the number of its row 0 in the whole library; one more, the number of all rows."""
        return [0, *np.cumsum([shard.rows for shard in self.shards], dtype=np.int64).tolist()]

    @property
    def first_articles(self) -> list[int]:
        """For each shard, what is added to the number of an article; one more, the number of all."""
        return [0, *np.cumsum([shard.articles for shard in self.shards], dtype=np.int64).tolist()]


def made_by(encoder: Encoder, date: str | None) -> str:
    """Return what, apart from the sources, decides what a shard holds."""
    return "\0".join((str(SHARD_FORMAT), encoder.fingerprint, SPLITTER, CUTTING, date or ""))


# ── One shard ────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_shard(
    block: Block,
    folder: Path,
    encoder: Encoder,
    *,
    date: str | None = None,
    run: str = "",
    before: Callable[[], None] | None = None,
) -> Shard:
    """Make the shard of a block where it is not there yet, and return what it holds.

    run: a name of this build, which unfinished folders bear. before: called before the shard is put in its place.
    Raises SourceChanged, LibraryError, and ClusterError when the shared folder cannot be written.
    """
    found = finished(folder, block.id)
    if found is not None:
        return found
    left_out: list[LeftOut] = []
    with tempfile.TemporaryDirectory(prefix="article-qa-") as own:
        place = Path(own) / block.id
        with closing(create_library(place, encoder)) as library:
            added = library.add(_articles_of(block, date, left_out), encoder)
            library.index_nearest()
            with library.reading() as snapshot:
                rows, sentences, written = len(snapshot.vectors), snapshot.sentences, snapshot.generation
            articles = max((held.id for held in library.articles()), default=0)
            library.database().execute("PRAGMA journal_mode = DELETE")
        shard = Shard(block.id, articles, rows, sentences, written, added.embedded, block.size, tuple(left_out))
        (place / "shard.json").write_text(json.dumps(asdict(shard)), encoding="utf-8")
        if before is not None:
            before()
        _put(place, folder, block.id, run)
    # Where two nodes were given the same block, the shard is what the faster one made.
    return finished(folder, block.id) or shard


def _articles_of(block: Block, date: str | None, left_out: list[LeftOut]) -> Iterator[Incoming]:
    for read in read_block(block, date=date):
        if isinstance(read, LeftOut):
            left_out.append(read)
        else:
            yield read


def _put(place: Path, folder: Path, name: str, run: str) -> None:
    target = folder / SHARDS / name
    beside = folder / SHARDS / f"{_UNFINISHED}{run}-{secrets.token_hex(4)}"
    try:
        beside.mkdir()
        for file in sorted(place.iterdir()):
            with file.open("rb") as source, (beside / file.name).open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
        beside.rename(target)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        if (target / "shard.json").is_file():
            return  # another node was given the same block, and was faster
        raise ClusterError(
            f"{target}: cannot be written ({error.strerror}). What is finished is kept: "
            "free some space and give the same command again."
        ) from error


def finished(folder: Path, name: str) -> Shard | None:
    """Return what a shard holds; None when it is not there."""
    try:
        content = (folder / SHARDS / name / "shard.json").read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        return Shard.from_json(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedLibrary(
            f"{folder / SHARDS / name} is not what was written. Delete it and give the same command again."
        ) from error


def sweep(folder: Path, *, run: str, named: Sequence[str]) -> int:
    """Delete what this run and old ones left unfinished; return the bytes of the shards that are not named.

    These stay, for they may be hours of work and be named again: after a mistyped command, by the next.
    """
    unused = 0
    for place in (folder / SHARDS).iterdir():
        if place.name.startswith(_UNFINISHED):
            mine = place.name.startswith(f"{_UNFINISHED}{run}-")
            if mine or time.time() - place.stat().st_mtime > STALE:
                shutil.rmtree(place, ignore_errors=True)
        elif place.name not in named:
            unused += sum(file.stat().st_size for file in place.iterdir())
    return unused


# ── All shards ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ranges_of_keys(rows: int) -> list[tuple[bytes, bytes]]:
    """Return ranges of sentence keys, from and up to but without, of about KEYS_AT_ONCE sentences each."""
    parts = min(max(1, -(-rows // KEYS_AT_ONCE)), 1 << 16)
    edges = [((part << 32) // parts).to_bytes(4, "big") for part in range(parts)]
    return list(zip(edges, [*edges[1:], b"\xff" * 17], strict=True))


def copies_between(folder: Path, names: Sequence[str], first: bytes, behind: bytes) -> RowArray:
    """Return which sentences with keys in this range stand in an earlier shard too.

    int64 (n, 4): the shard, by its place in `names`, the row, and the shard and row that have the sentence first.
    """
    seen: dict[bytes, tuple[int, int]] = {}
    found: list[tuple[int, int, int, int]] = []
    for number, name in enumerate(names):
        with closing(open_library(folder / SHARDS / name)) as shard:
            cursor = shard.database().execute(
                "SELECT key, row FROM sentence WHERE live = 1 AND key >= ? AND key < ?", (first, behind)
            )
            for key, row in cursor:
                home = seen.setdefault(key, (number, row))
                if home[0] != number:
                    found.append((number, row, *home))
    return np.array(found, dtype=np.int64).reshape(len(found), 4)


def write_manifest(folder: Path, shards: Sequence[Shard], encoder: Encoder, copies: Sequence[RowArray]) -> Manifest:
    """Put the list of shards in force, and return it. `copies`: from `copies_between`, of all ranges."""
    first = np.array([0, *np.cumsum([shard.rows for shard in shards])], dtype=np.int64)
    pairs = np.concatenate([*copies, np.empty((0, 4), np.int64)])
    numbered = np.stack([first[pairs[:, 0]] + pairs[:, 1], first[pairs[:, 2]] + pairs[:, 3]], axis=1)
    numbered = numbered[np.argsort(numbered[:, 0], kind="stable")]
    former = ""
    with suppress(UnfinishedLibrary, DamagedLibrary):
        former = read_manifest(folder).generation
    unnamed = Manifest(encoder.name, encoder.fingerprint, encoder.dim, CUTTING, SPLITTER, tuple(shards), "")
    manifest = replace(unnamed, generation=_generation(unnamed, numbered))
    content = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1)
    beside = folder / f"{MANIFEST}.{secrets.token_hex(4)}"
    try:
        with beside.open("wb") as file:
            np.save(file, numbered, allow_pickle=False)
        beside.replace(folder / manifest.copies)
        for name in (_list_of(manifest.generation), MANIFEST):
            beside.write_text(content, encoding="utf-8")
            beside.replace(folder / name)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ClusterError(
            f"{folder}: the list of shards cannot be written ({error.strerror}). All shards are kept: "
            "free some space and give the same command again."
        ) from error
    _forget_lists(folder, keep=(manifest.generation, former))
    return manifest


def _generation(manifest: Manifest, copies: RowArray) -> str:
    told = json.dumps({**asdict(manifest), "generation": ""}, sort_keys=True).encode()
    return hashlib.blake2b(told + copies.astype("<i8").tobytes(), digest_size=8).hexdigest()


def _list_of(generation: str) -> str:
    return f"cluster-{generation}.json"


def _forget_lists(folder: Path, *, keep: Sequence[str]) -> None:
    """Delete lists that nobody asks any more: whoever opened the one before this may start an actor from it again."""
    for path in folder.glob(_list_of("*")):
        generation = path.stem.removeprefix("cluster-")
        with suppress(OSError):
            if generation not in keep and time.time() - path.stat().st_mtime > STALE:
                path.unlink()
                (folder / f"copies-{generation}.npy").unlink()


def read_manifest(folder: Path, *, generation: str | None = None) -> Manifest:
    """Return the list of shards in force, or that of a generation. Raises UnfinishedLibrary or DamagedLibrary."""
    path = folder / (MANIFEST if generation is None else _list_of(generation))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        form = data.pop("format")
        if form == FORMAT:
            return Manifest(**{**data, "shards": tuple(Shard.from_json(one) for one in data["shards"])})
    except FileNotFoundError:
        if generation is not None:
            raise UnfinishedLibrary(
                f"{path}: not there. The library was built anew since, or this node does not see the folder: "
                "start asking again."
            ) from None
        there = len([one for one in (folder / SHARDS).glob("*") if not one.name.startswith(".")])
        what = f"{there:,} shards are there, and no list of them" if there else "no library of shards is there"
        raise UnfinishedLibrary(
            f"{folder}: {what}. Make it, or finish it, with: article-qa library build --ray ADDRESS SOURCE... "
            f"--library {folder}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedLibrary(
            f"{path} cannot be read ({error}). The shards are unharmed: the same `library build` writes it anew."
        ) from error
    raise DamagedLibrary(f"{path} has format {form} and this program reads {FORMAT}. Upgrade article-qa.")


def read_copies(folder: Path, manifest: Manifest) -> RowArray:
    """Return the sentences that an earlier shard has too, int64 (n, 2): their number, and that of the first."""
    try:
        found: RowArray = np.load(folder / manifest.copies, allow_pickle=False)
        if _generation(manifest, found) != manifest.generation:
            raise ValueError("it is not what was written")
    except (OSError, ValueError) as error:
        raise DamagedLibrary(
            f"{folder / manifest.copies} cannot be read ({error}). The shards are unharmed: "
            "the same `library build` writes it anew."
        ) from error
    return found
