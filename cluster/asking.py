"""A question comes in; what one library of all shards would find goes out, to the last rank, and how many were missing.

    question ─► word statistics of every shard ─► their sum ─► every shard searches, weighed by it ─► the best of all
                ShardSet, in an actor                          ShardSet                               ClusterLibrary

BM25 weighs a word by how many sentences have it, of all shards together; so it is asked first and sums come second.
A sentence that several shards have is one sentence: it counts once, it is known by the number that it has in the first
of them, and its places are those in all. `ClusterLibrary` offers what `library.Library` offers to whoever asks, so the
same program reads and decides. Nothing here knows of Ray: `Hosts` is how the shards are reached.

Every reply says of which generation of the library it is, which shards were asked, and how many sentences each of them
had. One that does not say exactly what the list of shards says is no reply: these shards are missing. So an answer is
that of one library of all, or says which shards it is without.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cluster.errors import ClusterError, ShardsMissing
from cluster.shards import SHARDS, Manifest
from index.article import Article
from index.embeddings import Encoder, FloatArray
from index.terms import CUTTING, Words, cut_alike
from library.errors import DamagedLibrary, LibraryMismatch, NoSuchLibrary
from library.only import Only
from library.store import (
    CANDIDATES,
    LENGTHS,
    MOST_PLACES,
    Asked,
    Found,
    Held,
    Library,
    Place,
    Snapshot,
    best_of,
    open_library,
)
from library.vectors import HalfArray, RowArray, map_lengths
from library.words import BoolArray, WordIndex, WordStatistics, words_of_question

# ── Where the shards are ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reply:
    """What some shards say to a call, and who says it."""

    generation: str  # of the library
    searched: Mapping[str, int]  # id of the shard -> sentences that lived in it, as the same transaction saw it
    value: Any


def wrong(reply: Reply, manifest: Manifest, which: Sequence[int]) -> str | None:
    """Return why a reply cannot be what these shards of this library say; None when it is."""
    if reply.generation != manifest.generation:
        return f"it is of generation {reply.generation} and {manifest.generation} was asked"
    wanted = {manifest.shards[number].id: manifest.shards[number].sentences for number in which}
    if reply.searched == wanted:
        return None
    unlike = sorted(one for one in wanted.keys() | reply.searched.keys() if wanted.get(one) != reply.searched.get(one))
    had = ", ".join(f"{one} {reply.searched.get(one, 0):,} of {wanted.get(one, 0):,} sentences" for one in unlike[:3])
    return f"{len(unlike):,} of {len(wanted):,} shards were not searched as they are listed: {had}"


@dataclass(frozen=True, slots=True)
class _Shard:
    """One shard, opened. What leaves it is numbered as in the whole library."""

    id: str
    written: int  # see `cluster.shards.Shard`
    library: Library
    first_row: int
    first_article: int
    numbers: RowArray  # row -> number of the sentence
    rows: Mapping[int, int]  # the other way round, of the sentences that an earlier shard has too
    copied: BoolArray  # rows of these
    copied_length: int  # content words of all these
    words: WordIndex  # of these

    def row_of(self, number: int) -> int | None:
        """The row of a sentence; None where this shard does not have it."""
        here = number - self.first_row
        return here if 0 <= here < len(self.numbers) else self.rows.get(number)


class ShardSet:
    """Some shards of a library; any number of threads may ask at once."""

    def __init__(self, folder: Path, manifest: Manifest, which: Sequence[int], copies: RowArray) -> None:
        """which: places in the manifest. copies: from `read_copies`, of these shards at least.

        Raises NoSuchLibrary, LibraryMismatch or DamagedLibrary.
        """
        self.generation = manifest.generation
        self._shards: dict[int, _Shard] = {}
        for number in which:
            self._shards[number] = _opened(folder, manifest, number, copies)

    def close(self) -> None:
        """Close the files."""
        for shard in self._shards.values():
            shard.library.close()

    def reply(self, method: str, *arguments: Any) -> Reply:
        """Return what one of the methods below returns, with who says it; those of one shard are told its place first.

        Raises LibraryError, and KeyError for an article that is not there.
        """
        numbers = [arguments[0]] if method in OF_ONE else list(self._shards)
        call = OF_ONE[method] if method in OF_ONE else _OF_ALL[method]
        with ExitStack() as stack:
            held = [
                _Held(self._shards[number], stack.enter_context(self._shards[number].library.reading()))
                for number in numbers
            ]
            for one in held:
                if one.snapshot.generation != one.shard.written:  # rows may mean other sentences than they did
                    raise DamagedLibrary(
                        f"{one.shard.library.folder} was written to after it was built. Delete it, and give the same "
                        "`library build` again."
                    )
            value = call(held[0], *arguments[1:]) if method in OF_ONE else call(held, *arguments)
            return Reply(self.generation, {one.shard.id: one.snapshot.sentences for one in held}, value)


@dataclass(frozen=True, slots=True)
class _Held:
    """A shard during one call."""

    shard: _Shard
    snapshot: Snapshot


# What all shards are asked.


def _ready(_held: Sequence[_Held]) -> None:
    """The shards are open."""


def _statistics(held: Sequence[_Held], question: str) -> WordStatistics:
    """What BM25 must know of these shards to weigh a question."""
    return total(_statistics_of(one.shard, one.snapshot, question) for one in held)


def _search(
    held: Sequence[_Held], question: str, vector: FloatArray, of_all: WordStatistics, k: int, which: Only | None
) -> list[Found]:
    """The k nearest and the k best by words of these shards, weighed by the statistics of all."""
    found: list[Found] = []
    for one in held:
        asked = one.snapshot.asked(question, vector, which=_here(which, one.shard), of_all=of_all)
        rows = _rows_found(asked, k, in_order=not one.shard.rows)
        found += [replace(some, row=int(one.shard.numbers[some.row])) for some in asked.found(rows)]
    return merged([found], k=k)


def _places(held: Sequence[_Held], sentences: Sequence[int], which: Only | None) -> dict[int, list[Place]]:
    """Where sentences stand in these shards; those that stand nowhere here are left out."""
    found: dict[int, list[Place]] = defaultdict(list)
    for one in held:
        here = {row: number for number in sentences if (row := one.shard.row_of(number)) is not None}
        for row, places in one.snapshot.places(list(here), _here(which, one.shard)).items():
            first = one.shard.first_article
            if places:
                found[here[row]] += [replace(place, article=place.article + first) for place in places]
    return dict(found)


def _count(held: Sequence[_Held], which: Only | None) -> int:
    """How many articles there are."""
    return sum(one.shard.library.count(_here(which, one.shard)) for one in held)


def _newest(held: Sequence[_Held], count: int, which: Only | None) -> list[Held]:
    """The articles that came last, with their numbers in the whole library, the last first."""
    found = [
        replace(article, id=article.id + one.shard.first_article)
        for one in held
        for article in one.shard.library.newest(count, _here(which, one.shard))
    ]
    return sorted(found, key=lambda article: -article.id)[:count]


def _with_text(held: Sequence[_Held], fingerprint: str) -> Held | None:
    """The first article of that text, with its number in the whole library."""
    for one in held:
        with suppress(NoSuchLibrary):
            article = one.shard.library.with_text(fingerprint)
            return replace(article, id=article.id + one.shard.first_article)
    return None


# What the shard of an article is asked.


def _article(held: _Held, number: int) -> Article:
    """An article by its number in the whole library. Raises KeyError."""
    return held.snapshot.article(number - held.shard.first_article)


def _sentences_of(held: _Held, number: int) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The sentences of an article, in reading order, and (start, end, paragraph) of each."""
    rows, places = held.snapshot.sentences_of(number - held.shard.first_article)
    return held.shard.numbers[rows].tolist() if rows else [], places


def _vectors(held: _Held, sentences: Sequence[int]) -> HalfArray:
    """The vectors of sentences that this shard has, float16 (len(sentences), dim)."""
    rows = [row for number in sentences if (row := held.shard.row_of(number)) is not None]
    return np.array(held.snapshot.vectors[rows])


_OF_ALL: Mapping[str, Callable[..., Any]] = {
    "ready": _ready, "statistics": _statistics, "search": _search, "places": _places,
    "count": _count, "newest": _newest, "with_text": _with_text,
}  # fmt: skip
OF_ONE: Mapping[str, Callable[..., Any]] = {"article": _article, "sentences_of": _sentences_of, "vectors": _vectors}


def _opened(folder: Path, manifest: Manifest, number: int, copies: RowArray) -> _Shard:
    shard, first = manifest.shards[number], manifest.first_rows[number]
    library = open_library(folder / SHARDS / shard.id)
    mine = copies[(copies[:, 0] >= first) & (copies[:, 0] < first + shard.rows)]
    rows = mine[:, 0] - first
    numbers = np.arange(first, first + shard.rows, dtype=np.int64)
    numbers[rows] = mine[:, 1]
    copied = np.zeros(shard.rows, dtype=np.bool_)
    copied[rows] = True
    lengths = map_lengths(library.folder / LENGTHS, shard.rows)
    return _Shard(
        shard.id,
        shard.written,
        library,
        first,
        manifest.first_articles[number],
        numbers,
        dict(zip(mine[:, 1].tolist(), rows.tolist(), strict=True)),
        copied,
        int(lengths[rows].sum(dtype=np.int64)),
        WordIndex(),
    )


def _statistics_of(shard: _Shard, snapshot: Snapshot, question: str) -> WordStatistics:
    found = snapshot.word_statistics(question)
    if not shard.rows:
        return found
    having = {}
    for stem, count in found.having.items():
        places = shard.words.places(snapshot.database, snapshot.generation, stem)
        having[stem] = count - int(np.count_nonzero(shard.copied[places.rows]))
    return WordStatistics(found.sentences - len(shard.rows), found.length - shard.copied_length, having)


def _rows_found(asked: Asked, k: int, *, in_order: bool) -> RowArray:
    """The rows of the k nearest and of the k best by words.

    Of equals the one with the lower number is better. Where the order of rows is not that of numbers, because some of
    them are copies, all that equal the k-th are offered.
    """
    near = asked.nearest(k)[0] if in_order else _with_equals(asked.nearest, k)
    worded = asked.best_by_words(k)[0] if in_order else _with_equals(asked.best_by_words, k)
    return np.unique(np.concatenate([near, worded]))


def _with_equals(search: Callable[[int], tuple[RowArray, FloatArray]], k: int) -> RowArray:
    wanted = k
    while True:
        rows, values = search(wanted)
        if len(rows) < wanted or (wanted > k and values[-1] < values[k - 1]):
            return rows
        wanted *= 2


def _here(which: Only | None, shard: _Shard) -> Only | None:
    """The condition as this shard must be asked it: its articles are numbered from 1, not as in the whole library."""
    if which is None:
        return None
    return replace(which, condition=which.condition.replace("id = CAST(", f"id + {shard.first_article} = CAST("))


# ── Merging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def total(statistics: Iterable[WordStatistics]) -> WordStatistics:
    """Return the word statistics of several shards as if they were one library."""
    return reduce(add, statistics, WordStatistics(0, 0, {}))


def merged(found: Iterable[Sequence[Found]], *, k: int) -> list[Found]:
    """Return the k nearest and the k best by words of what several shards found, each sentence once, nearest first."""
    once: dict[int, Found] = {}
    for one in (one for some in found for one in some):
        once.setdefault(one.row, one)
    return best_of(list(once.values()), k=k)


# ── Asking them all ──────────────────────────────────────────────────────────────────────────────────────────────────


class ShardLost(ClusterError):
    """A shard that was asked for an article does not answer any more: ask the question again, without it."""


class Hosts(Protocol):
    """How shards are reached: in groups, each in one place or in several that are alike."""

    @property
    def groups(self) -> Sequence[Sequence[int]]:
        """The shards of each group, by their place in the manifest."""

    def ask(self, groups: Sequence[int], method: str, *arguments: Any) -> dict[int, Reply]:
        """Return what `ShardSet.reply` returns in each of these groups; a group that does not answer is left out.

        What the call itself raises is raised.
        """

    def close(self) -> None:
        """Let go of what is held."""


class ClusterLibrary:
    """A library of several shards, asked as one; any number of threads. What it offers is what `Library` offers."""

    def __init__(self, folder: Path, manifest: Manifest, hosts: Hosts, *, copies: int = 0) -> None:
        """copies: how many sentences of shards an earlier one has too."""
        self.folder, self.manifest, self.hosts, self.copies = folder, manifest, hosts, copies
        self._local = threading.local()

    @property
    def missing(self) -> tuple[int, ...]:
        """The shards that did not answer when this thread last asked, by their place in the manifest."""
        found: tuple[int, ...] = getattr(self._local, "missing", ())
        return found

    def begin(self) -> None:
        """Forget what was missing when this thread last asked."""
        self._local.missing = ()

    def close(self) -> None:
        """Let go of the hosts."""
        self.hosts.close()

    def refuse_mismatch(self, encoder: Encoder | None) -> None:
        """Raise LibraryMismatch when this program or this encoder cannot use the library."""
        if encoder is not None and encoder.fingerprint != self.manifest.model_fingerprint:
            raise LibraryMismatch(
                f"{self.folder} was filled with {self.manifest.model} ({self.manifest.model_fingerprint[:12]}) but you "
                f"are using {encoder.name} ({encoder.fingerprint[:12]}): their vectors cannot be compared. "
                "Use the same --model, or build another library."
            )
        if not cut_alike(self.manifest.terms):
            raise LibraryMismatch(
                f"{self.folder} was filled by other rules for words ({self.manifest.terms}) than this version's "
                f"({CUTTING}). Build it again."
            )

    def count(self, which: Only | None = None) -> int:
        """Return how many articles there are, in the shards that answer."""
        with self.reading() as snapshot:
            return sum(snapshot.everyone("count", which))

    def newest(self, count: int, which: Only | None = None) -> list[Held]:
        """Return the articles that came last, the last first, of the shards that answer."""
        with self.reading() as snapshot:
            found = [held for some in snapshot.everyone("newest", count, which) for held in some]
        return sorted(found, key=lambda held: -held.id)[:count]

    def with_text(self, fingerprint: str) -> Held:
        """Return the first article of that text, in the shards that answer. Raises NoSuchLibrary."""
        with self.reading() as snapshot:
            found = [held for held in snapshot.everyone("with_text", fingerprint) if held is not None]
        if not found:
            raise NoSuchLibrary(f"{self.folder}: no article of that text is in the library. Add it, or leave it out.")
        first: Held = min(found, key=lambda held: held.id)
        return first

    @contextmanager
    def reading(self) -> Iterator[ClusterSnapshot]:
        """Yield the library as one question sees it: a shard that does not answer once is not asked again."""
        snapshot = ClusterSnapshot(self)
        try:
            yield snapshot
        finally:
            self._local.missing = snapshot.missing


class ClusterSnapshot:
    """A library of several shards during one question; what it offers is what `Snapshot` offers."""

    def __init__(self, library: ClusterLibrary) -> None:
        self._library = library
        self._alive = list(range(len(library.hosts.groups)))
        self._places: dict[tuple[int, Only | None], list[Place]] = {}
        self._homes: dict[int, int] = {}  # sentence -> a shard that has it

    @property
    def missing(self) -> tuple[int, ...]:
        """The shards that did not answer, by their place in the manifest."""
        groups = enumerate(self._library.hosts.groups)
        return tuple(sorted(shard for group, shards in groups if group not in self._alive for shard in shards))

    @property
    def sentences(self) -> int:
        """How many sentences live in all shards, each counted once."""
        return sum(shard.sentences for shard in self._library.manifest.shards) - self._library.copies

    @property
    def vectors(self) -> _Vectors:
        """The vectors of the sentences of articles that were asked for: an array to be indexed with a list."""
        return _Vectors(self)

    def word_statistics(self, question: str) -> WordStatistics:
        """Return what BM25 must know of all shards to weigh a question."""
        return total(self.everyone("statistics", question))

    def asked(self, question: str, question_vector: FloatArray, *, which: Only | None = None) -> ClusterAsked:
        """Return the question made ready to be searched for."""
        return ClusterAsked(self, question, question_vector, which, self.word_statistics(question))

    def places(self, rows: Sequence[int], which: Only | None = None) -> dict[int, list[Place]]:
        """Return for each sentence where it stands, in the order in which the articles came."""
        unknown = [row for row in rows if (row, which) not in self._places]
        if unknown:
            found: dict[int, list[Place]] = defaultdict(list)
            for some in self.everyone("places", unknown, which):
                for row, places in some.items():
                    found[row] += places
            for row in unknown:
                in_order = sorted(found[row], key=lambda place: (place.article, place.number))
                self._places[row, which] = in_order[:MOST_PLACES]
        return {row: self._places[row, which] for row in rows}

    def article(self, number: int) -> Article:
        """Return an article with its text. Raises KeyError, or ShardLost."""
        found: Article = self._one(self._shard_of(number), "article", number)
        return found

    def sentences_of(self, number: int) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Return the sentences of an article, in reading order, and (start, end, paragraph) of each; or ShardLost."""
        shard = self._shard_of(number)
        rows, places = self._one(shard, "sentences_of", number)
        self._homes.update(dict.fromkeys(rows, shard))
        return rows, places

    def vectors_of(self, rows: Sequence[int]) -> HalfArray:
        """Return the vectors of sentences whose article was asked for, float16 (len(rows), dim). Raises ShardLost."""
        result = np.empty((len(rows), self._library.manifest.dim), dtype=np.float16)
        by_shard: dict[int, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            by_shard[self._homes[row]].append(place)
        for shard, places in by_shard.items():
            result[places] = self._one(shard, "vectors", [rows[place] for place in places])
        return result

    def search(self, asked: ClusterAsked, k: int) -> list[Found]:
        """Return the k nearest and the k best by words of all shards, nearest first."""
        arguments = (asked.question, asked.vector, asked.word_statistics, k, asked.which)
        return merged(self.everyone("search", *arguments), k=k)

    def everyone(self, method: str, *arguments: Any) -> list[Any]:
        """Return what each group of shards says to a call; one that does not answer is asked no more, and is missing.

        Raises ShardsMissing when none answers.
        """
        hosts, manifest = self._library.hosts, self._library.manifest
        replies = hosts.ask(self._alive, method, *arguments)
        found = {
            group: reply.value
            for group, reply in replies.items()
            if wrong(reply, manifest, hosts.groups[group]) is None
        }
        if self._alive and not found:
            raise ShardsMissing(
                f"{self._library.folder}: none of {len(manifest.shards):,} shards answers. "
                "Ask again in a minute: they are started anew as long as the cluster has nodes."
            )
        self._alive = sorted(found)
        return [found[group] for group in self._alive]

    def _one(self, shard: int, method: str, *arguments: Any) -> Any:
        hosts, manifest = self._library.hosts, self._library.manifest
        group = next(number for number, shards in enumerate(hosts.groups) if shard in shards)
        reply = hosts.ask([group], method, shard, *arguments).get(group)
        if reply is None or wrong(reply, manifest, [shard]) is not None:
            raise ShardLost(f"{self._library.folder}: shard {shard} does not answer any more. Ask again.")
        return reply.value

    def _shard_of(self, article: int) -> int:
        firsts = self._library.manifest.first_articles
        shard = int(np.searchsorted(firsts, article, side="left")) - 1
        if not 0 <= shard < len(self._library.manifest.shards):
            raise KeyError(article)
        return shard


class _Vectors:
    """Fetches vectors when it is indexed."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self._snapshot = snapshot

    def __getitem__(self, rows: Sequence[int]) -> HalfArray:
        return self._snapshot.vectors_of(rows)


class ClusterAsked:
    """A question before all shards; what it offers is what `Asked` offers."""

    def __init__(
        self,
        snapshot: ClusterSnapshot,
        question: str,
        vector: FloatArray,
        which: Only | None,
        statistics: WordStatistics,
    ) -> None:
        self.snapshot, self.question, self.vector, self.which = snapshot, question, vector, which
        self.word_statistics = statistics

    @property
    def words(self) -> Words:
        """Which content words of the question any sentence has, and which none."""
        return words_of_question(self.question, self.word_statistics.having)

    def candidates(self, *, k: int = CANDIDATES) -> list[Found]:
        """Return the k nearest and the k best by words, each once, nearest first."""
        return self.snapshot.search(self, k)
