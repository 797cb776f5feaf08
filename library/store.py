"""Articles go in; a folder that holds their sentences, words and vectors stands on the disk, and is asked here.

    FOLDER/library.sqlite    articles, sentences (each text once), the places where they stand, words; what counts
    FOLDER/vectors.f16       row i: the vector of sentence i, float16; rows are only ever added
    FOLDER/lengths.u16       row i: how many content words sentence i has
    FOLDER/nearest-*.faiss   in a large library, codes of the vectors; can be made again from them

After a compaction (library/compact.py) rows are numbered anew, and lie in vectors-TOKEN.f16 and lengths-TOKEN.u16.

The database decides. Vectors are written and flushed before the transaction that counts them is committed, and nothing
counts them before; so a program that is killed at any moment leaves a library as it was after its last finished
articles, and what lies behind the last row that counts is overwritten by the next writer. SQLite's own lock lets one
writer in at a time; readers see the generation that they began with, however long they read (write-ahead log).

A sentence that ten articles have is one row with ten places. A sentence that no article has any more keeps its row,
is no longer found, and costs nothing when it comes back.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from index.article import Article
from index.embeddings import Encoder, FloatArray, default_threads
from index.sentences import SPLITTER, Sentence, split_sentences
from index.terms import CUTTING, Words, cut_alike
from library.errors import DamagedLibrary, LibraryError, LibraryMismatch, NoSuchLibrary
from library.nearest import Nearest, NearestFile, Progress, build, wanted
from library.only import Only
from library.vectors import HalfArray, LengthArray, RowArray, cosines_of, map_lengths, map_vectors, write_rows
from library.words import (
    LONGEST,
    SCHEMA,
    BoolArray,
    WordIndex,
    WordStatistics,
    bm25,
    insert_words,
    stems_of,
    words_of_question,
)

FORMAT = 1  # of the folder; count up when an older program could not read what is written
COMPACTED = 2  # the same, with files named after the token that the database tells
DATABASE = "library.sqlite"
VECTORS = "vectors.f16"
LENGTHS = "lengths.u16"
HOME = "ARTICLE_QA_LIBRARIES"  # environment variable: where libraries that are named and no path lie
GROUP = 512  # new sentences embedded and written together: what an interruption can cost
GROUP_ARTICLES = 256
CANDIDATES = 100  # nearest, and again best by words
AT_ONCE = 256  # sentences looked up in one statement
MASKS_REMEMBERED = 4
ASIDE_FROM = 20_000  # rows from which the nearest are looked for on another core: below, a thread costs what it saves
MOST_PLACES = 1_000  # of one sentence that are looked up: "All rights reserved." may stand in every article
HalfRow = HalfArray  # one row of it, float16 (dim,)
Near = tuple[RowArray, FloatArray]  # rows, nearest first, and their cosines
WAIT = 60.0  # seconds for another writer
STALE = 3600  # seconds after which a file of codes that is not in force is nobody's work any more

_SCHEMA = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE article (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    date TEXT,
    fingerprint TEXT NOT NULL,
    stamp TEXT,
    added TEXT NOT NULL,
    sentences INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX article_date ON article (date);
CREATE TABLE sentence (
    row INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    length INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    live INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX dead ON sentence (row) WHERE live = 0;
CREATE TABLE place (
    article INTEGER NOT NULL,
    number INTEGER NOT NULL,
    row INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    paragraph INTEGER NOT NULL,
    PRIMARY KEY (article, number)
) WITHOUT ROWID;
CREATE INDEX place_of ON place (row);
{SCHEMA}
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An article that is to be in the library."""

    article: Article  # its source is what it is known by
    date: str | None = None  # of the article, ISO 8601: 2024, 2024-05 or 2024-05-17
    stamp: str | None = None  # changes when the file does, and costs less to find out than its text


@dataclass(frozen=True, slots=True)
class Held:
    """An article of the library, without its text."""

    id: int
    title: str
    source: str
    date: str | None
    fingerprint: str
    sentences: int
    added: str  # UTC, ISO 8601


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence stands: text[start:end] of the article."""

    article: int
    title: str
    source: str
    date: str | None
    number: int  # the sentence's in its article, from 0
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that a library offers for a question."""

    row: int
    cosine: float  # -1 to 1, of the float16 vector, to 6 decimals
    bm25: float  # 0 and up


@dataclass(frozen=True, slots=True)
class Added:
    """What adding did."""

    added: int = 0  # articles that are new
    changed: int = 0
    unchanged: int = 0
    sentences: int = 0  # of the new and changed articles
    embedded: int = 0  # of those: the texts that the library did not have


@dataclass(frozen=True, slots=True)
class Statistics:
    """How large a library is."""

    folder: Path
    articles: int
    sentences: int  # that live, each text once
    places: int  # where they stand
    removed: int  # rows that no article has any more
    first_date: str | None
    last_date: str | None
    model: str
    dim: int
    generation: int
    nearest: NearestFile | None  # None: every row is compared
    bytes: Mapping[str, int]  # by file

    @property
    def said(self) -> str:
        """How many articles and sentences, for people."""
        return f"{_counted(self.articles, 'article')}, {_counted(self.sentences, 'sentence')}"


def _counted(number: int, of: str) -> str:
    return f"{number:,} {of}{'' if number == 1 else 's'}"


def library_folder(name: str) -> Path:
    """Return the folder that a name means: a path where it has a separator or is one, else below the user's data.

    $ARTICLE_QA_LIBRARIES takes the place of the user's data folder. Raises LibraryError for an empty name.
    """
    if not name.strip():  # it would mean the folder that all libraries lie in
        raise LibraryError(f"{name!r} is no name of a library. Give a name, such as news, or a folder.")
    path = Path(name).expanduser()
    if "/" in name or os.sep in name or name in (".", "..") or (path / DATABASE).is_file():
        return path
    home = os.environ.get(HOME)
    if home:
        return Path(home).expanduser() / name
    import platformdirs

    return Path(platformdirs.user_data_dir("article-qa", appauthor=False)) / "libraries" / name


def create_library(folder: Path, encoder: Encoder) -> Library:
    """Make a library for the vectors of this encoder where there is none, and open it. Raises LibraryError."""
    if not _is_library(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _create(folder, encoder)
        except OSError as error:
            raise LibraryError(f"{folder}: a library cannot be made there ({error.strerror}). Give another.") from error
    return open_library(folder, encoder=encoder)


def open_library(folder: Path, *, encoder: Encoder | None = None) -> Library:
    """Open a library; the encoder that it is to be asked or filled with is compared with its own.

    Raises NoSuchLibrary, LibraryMismatch or DamagedLibrary.
    """
    if not _is_library(folder):
        raise NoSuchLibrary(
            f"{folder}: no library is there. Make one with: article-qa library add PATH --library {folder.name}"
        )
    library = Library(folder)
    try:
        library.refuse_mismatch(encoder)
    except BaseException:
        library.close()
        raise
    return library


class Library:
    """One library; any number of threads may ask it while one adds. Use `open_library` or `create_library`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._state: _State | None = None
        self._words = WordIndex()
        self._masks: dict[tuple[int, str], BoolArray] = {}
        self.aside = self._new_aside()

    @staticmethod
    def _new_aside() -> ThreadPoolExecutor:
        """Threads, none started yet, that look for the nearest while the words are read."""
        return ThreadPoolExecutor(default_threads(), thread_name_prefix="nearest")

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; the library can be used again and opens what it needs."""
        with self._lock:
            self.aside.shutdown()
            self.aside = self._new_aside()
            for database in self._opened:
                database.close()
            self._opened.clear()
            self._local = threading.local()
            self._state = None

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Yield the library as it is now; whatever others add or remove meanwhile is not seen. Not to be nested."""
        database = self.database()
        with _understood(self.folder):
            state = self._begin(database)
            try:
                yield Snapshot(self, database, state)
            finally:
                if database.in_transaction:
                    database.execute("COMMIT")

    def _begin(self, database: sqlite3.Connection) -> _State:
        """Open a transaction, and return what counts in it."""
        for last_try in (False, False, True):
            database.execute("BEGIN")
            try:
                return self._current(database)
            except BaseException as error:
                database.execute("COMMIT")
                # The file of codes may have been replaced between reading its name and opening it.
                if last_try or not isinstance(error, DamagedLibrary):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _current(self, database: sqlite3.Connection) -> _State:
        about = _about(database)
        generation = int(about["generation"])
        with self._lock:
            former = self._state
            if former is not None and former.generation == generation:
                return former
            rows, dim, files = int(about["rows"]), int(about["dim"]), about.get("files", "")
            if former is not None and former.files != files:
                former = None  # its rows have other numbers
            described = NearestFile.from_json(json.loads(about["nearest"])) if about.get("nearest") else None
            live = np.ones(rows, dtype=np.bool_)
            dead = database.execute("SELECT row FROM sentence WHERE live = 0")
            live[np.fromiter((row for (row,) in dead), dtype=np.int64)] = False
            vectors = map_vectors(self.file(VECTORS, about), rows, dim)
            lengths = map_lengths(self.file(LENGTHS, about), rows)
            state = _State(
                generation,
                files,
                live,
                int(np.count_nonzero(live)),
                int(lengths[live].sum(dtype=np.int64)),
                lengths,
                Nearest(self.folder, vectors, described, former.nearest if former else None),
            )
            self._state = state
            self._masks.clear()
            return state

    # ── Adding and removing ──────────────────────────────────────────────────────────────────────────────────────────

    def stamps(self) -> dict[str, str]:
        """Return what was noted of each source when it was last added, where something was."""
        with _understood(self.folder):
            return dict(self.database().execute("SELECT source, stamp FROM article WHERE stamp IS NOT NULL"))

    def add(
        self, incoming: Iterable[Incoming], encoder: Encoder, *, done: Callable[[Added], None] | None = None
    ) -> Added:
        """Put articles in, or what has changed of them; an article is known by its source.

        Articles are written in groups of about GROUP new sentences: killed or interrupted, the library has all groups
        before. `done` is called after each with what was done so far. Raises LibraryMismatch, LibraryError (disk full).
        """
        self.refuse_mismatch(encoder)
        total = Added()
        for group in _groups(self, incoming):
            total = _sum(total, self._add_group(group, encoder))
            if done is not None:
                done(total)
        return total

    def _add_group(self, group: Sequence[_Prepared], encoder: Encoder) -> Added:
        vectors = self._embedded(_texts(group), encoder)
        with self.writing() as database:
            # Another writer may have been here since the group was prepared.
            here = {prepared.article.source: _held_by_source(database, prepared.article.source) for prepared in group}
            group = [_cut(one) if one.stale(here[one.article.source]) else one for one in group]
            texts = _texts(group)
            held = _rows_of(database, list(texts))
            new = [key for key in texts if key not in held]
            vectors |= self._embedded({key: texts[key] for key in new if key not in vectors}, encoder)
            self._append(database, new, texts, vectors)
            for prepared in group:
                _write_article(database, prepared, here[prepared.article.source])
        changed = [p for p in group if here[p.article.source] is not None]
        real = [p for p in changed if p.keys]
        return Added(
            added=len(group) - len(changed),
            changed=len(real),
            unchanged=len(changed) - len(real),
            sentences=sum(len(p.keys) for p in group),
            embedded=len(new),
        )

    def _embedded(self, texts: Mapping[bytes, str], encoder: Encoder) -> dict[bytes, HalfRow]:
        database = self.database()
        held = _rows_of(database, list(texts))
        missing = [key for key in texts if key not in held]
        if not missing:
            return {}
        found = encoder.encode_documents([texts[key] for key in missing])
        if found.shape != (len(missing), encoder.dim):
            raise ValueError(f"{encoder.name} returned vectors of shape {found.shape} for {len(missing)} sentences")
        return dict(zip(missing, found.astype(np.float16), strict=True))

    def _append(
        self,
        database: sqlite3.Connection,
        new: Sequence[bytes],
        texts: Mapping[bytes, str],
        vectors: Mapping[bytes, HalfRow],
    ) -> None:
        """Write sentences that the library does not have; they count when the transaction is committed."""
        if not new:
            return
        about = _about(database)
        first = int(about["rows"])
        stems = [stems_of(texts[key]) for key in new]
        lengths = np.array([min(len(one), LONGEST) for one in stems], dtype=np.uint16)
        rows = np.stack([vectors[key] for key in new])
        write_rows(self.file(VECTORS, about), first, rows)
        write_rows(self.file(LENGTHS, about), first, lengths)
        database.executemany(
            "INSERT INTO sentence (row, key, length, crc, live, text) VALUES (?, ?, ?, ?, 0, ?)",
            (
                (first + place, key, int(lengths[place]), zlib.crc32(rows[place].tobytes()), texts[key])
                for place, key in enumerate(new)
            ),
        )
        insert_words(database, ((first + place, one) for place, one in enumerate(stems)))
        _set(database, rows=first + len(new))

    def remove(self, ids: Sequence[int]) -> int:
        """Take articles out by their number; return how many sentences are no longer found."""
        with self.writing() as database:
            return sum(_forget_places(database, number, delete=True) for number in ids)

    def find(self, name: str) -> Held:
        """Return the article of that number or source. Raises NoSuchLibrary."""
        with _understood(self.folder):
            rows = list(self.database().execute(f"{_HELD} WHERE source = ?", (name,)))
            if not rows and name.isdecimal():
                rows = list(self.database().execute(f"{_HELD} WHERE id = ?", (int(name),)))
            if not rows:
                rows = list(self.database().execute(f"{_HELD} WHERE source = ?", (str(Path(name).resolve()),)))
        if not rows:
            raise NoSuchLibrary(f"{name}: the library has no such article. `article-qa library list` shows them.")
        return Held(*rows[0])

    def with_text(self, fingerprint: str) -> Held:
        """Return the first article of that text. Raises NoSuchLibrary."""
        with _understood(self.folder):
            row = self.database().execute(f"{_HELD} WHERE fingerprint = ? ORDER BY id", (fingerprint,)).fetchone()
        if row is None:
            raise NoSuchLibrary(f"{self.folder}: no article of that text is in the library. Add it, or leave it out.")
        return Held(*row)

    def articles(self, which: Only | None = None) -> list[Held]:
        """Return the articles, in the order in which they came."""
        where = f" WHERE {which.condition}" if which else ""
        with _understood(self.folder):
            cursor = self.database().execute(f"{_HELD}{where} ORDER BY id", which.parameters if which else ())
            return [Held(*row) for row in cursor]

    def newest(self, count: int, which: Only | None = None) -> list[Held]:
        """Return the articles that came last, the last first."""
        where = f" WHERE {which.condition}" if which else ""
        with _understood(self.folder):
            parameters = (*(which.parameters if which else ()), count)
            return [
                Held(*row) for row in self.database().execute(f"{_HELD}{where} ORDER BY id DESC LIMIT ?", parameters)
            ]

    def count(self, which: Only | None = None) -> int:
        """Return how many articles there are."""
        where = f" WHERE {which.condition}" if which else ""
        with _understood(self.folder):
            (found,) = (
                self.database()
                .execute(f"SELECT count(*) FROM article{where}", which.parameters if which else ())
                .fetchone()
            )
        return int(found)

    # ── The file of codes ────────────────────────────────────────────────────────────────────────────────────────────

    def index_nearest(self, *, force: bool = False, progress: Progress | None = None) -> NearestFile | None:
        """Make the file of codes where the library has outgrown the one it has, and return what is in force."""
        with self.reading() as snapshot:
            vectors = snapshot.vectors
            described = snapshot.described
        if not (force or wanted(len(vectors), described)):
            return described
        try:
            made = build(self.folder, vectors, secrets.token_hex(8), described, progress=progress)
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error).strip().splitlines()[-1]
            raise LibraryError(
                f"{self.folder}: the file of the nearest sentences cannot be written ({why}). The library is unharmed, "
                "and slower to ask. Free some space and add something again."
            ) from error
        with self.writing() as database:
            _set(database, nearest=json.dumps(made.to_json()))
        self._sweep(in_force=made.file, replaced=described.file if described else None)
        return made

    def _sweep(self, *, in_force: str, replaced: str | None) -> None:
        """Delete the file of codes that was replaced, and what interrupted programs left; not what another writes."""
        for path in self.folder.glob("nearest-*.faiss"):
            with suppress(OSError):  # on Windows, one that is mapped cannot be deleted: the next sweep does it
                stale = time.time() - path.stat().st_mtime > STALE
                if path.name != in_force and (stale or path.name == replaced):
                    path.unlink()

    # ── Knowing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def statistics(self) -> Statistics:
        """Return how large the library is."""
        with self.reading() as snapshot:
            database = snapshot.database
            about = _about(database)
            articles, first, last = database.execute("SELECT count(*), min(date), max(date) FROM article").fetchone()
            (places,) = database.execute("SELECT coalesce(sum(sentences), 0) FROM article").fetchone()
            described = snapshot.described
            sentences, rows = snapshot.sentences, len(snapshot.vectors)
        files = sorted(path for path in self.folder.iterdir() if path.is_file())
        return Statistics(
            self.folder, articles, sentences, places, rows - sentences, first, last, about["model"], int(about["dim"]),
            int(about["generation"]), described, {path.name: path.stat().st_size for path in files},
        )  # fmt: skip

    def refuse_mismatch(self, encoder: Encoder | None, *, words: bool = True) -> None:
        """Raise LibraryMismatch when this program or this encoder cannot use the library."""
        with _understood(self.folder):
            about = _about(self.database())
        if int(about.get("format", 0)) not in (FORMAT, COMPACTED):
            raise LibraryMismatch(
                f"{self.folder} has format {about.get('format')} and this program reads {FORMAT} and {COMPACTED}. "
                "Upgrade article-qa, or make the library again."
            )
        if encoder is not None and encoder.fingerprint != about["model_fingerprint"]:
            raise LibraryMismatch(
                f"{self.folder} was filled with {about['model']} ({about['model_fingerprint'][:12]}) but you are using "
                f"{encoder.name} ({encoder.fingerprint[:12]}): their vectors cannot be compared. Use the same --model, "
                "or make another library."
            )
        if words and not cut_alike(about["terms"]):
            raise LibraryMismatch(
                f"{self.folder} was filled by other rules for words ({about['terms']}) than this one's ({CUTTING}). "
                f"Cut them again with: article-qa library repair --library {self.folder}"
            )

    def file(self, name: str, about: Mapping[str, str]) -> Path:
        """Return where VECTORS or LENGTHS lie, by what the database tells about the library."""
        token = about.get("files", "")
        stem, _, suffix = name.partition(".")
        return self.folder / (f"{stem}-{token}.{suffix}" if token else name)

    # ── The database ─────────────────────────────────────────────────────────────────────────────────────────────────

    def database(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "database", None)
        if found is None:
            with _understood(self.folder):
                found = _connect(self.folder / DATABASE)
            self._local.database = found
            with self._lock:
                self._opened.append(found)
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the only writer; what was done counts when the block ends well, and not at all otherwise."""
        database = self.database()
        with _understood(self.folder):
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                _set(database, generation=int(_about(database)["generation"]) + 1)
                database.execute("COMMIT")
            except OSError as error:
                database.execute("ROLLBACK")
                raise LibraryError(
                    f"{self.folder}: cannot be written ({error.strerror}). What was added before is kept. "
                    "Free some space and give the same command again."
                ) from error
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise


@dataclass(frozen=True, slots=True)
class _State:
    """What is read once for each generation."""

    generation: int
    files: str  # which files of vectors and lengths: those of one compaction
    live: BoolArray
    sentences: int  # that live
    length: int  # content words of those
    lengths: LengthArray
    nearest: Nearest


class Snapshot:
    """A library at one moment."""

    def __init__(self, library: Library, database: sqlite3.Connection, state: _State) -> None:
        self.database = database
        self._library = library
        self._state = state

    @property
    def generation(self) -> int:
        """How often the library had been written to."""
        return self._state.generation

    @property
    def vectors(self) -> HalfArray:
        """All vectors, float16 (rows, dim), of removed sentences too."""
        return self._state.nearest.vectors

    @property
    def described(self) -> NearestFile | None:
        """What the file of codes is; None where every row is compared."""
        return self._state.nearest.described

    @property
    def sentences(self) -> int:
        """How many sentences live."""
        return self._state.sentences

    def word_statistics(self, question: str) -> WordStatistics:
        """Return what BM25 must know of this library to weigh a question; add those of all shards."""
        stems = dict.fromkeys(stems_of(question))
        places = {stem: self._library._words.places(self.database, self.generation, stem) for stem in stems}
        having = {stem: int(np.count_nonzero(self._state.live[places[stem].rows])) for stem in stems}
        return WordStatistics(self._state.sentences, self._state.length, having)

    def asked(
        self,
        question: str,
        question_vector: FloatArray,
        *,
        which: Only | None = None,
        of_all: WordStatistics | None = None,
    ) -> Asked:
        """Return the question made ready to be searched for; `of_all`: the word statistics of all shards together."""
        allowed = self._allowed(which)
        near = self._looked_for_aside(question_vector, allowed)
        stems = stems_of(question)
        places = {
            stem: self._library._words.places(self.database, self.generation, stem) for stem in dict.fromkeys(stems)
        }
        weighed = of_all or self.word_statistics(question)
        worded, scores = bm25(stems, places, self._state.lengths, weighed)
        return Asked(self, question, question_vector, allowed, which, weighed, worded, scores, near)

    def nearest(self, question_vector: FloatArray, k: int, allowed: BoolArray) -> tuple[RowArray, FloatArray]:
        """Return the k nearest of the rows that are allowed, nearest first, and their cosines."""
        everything = allowed is self._state.live
        count = self.sentences if everything else int(np.count_nonzero(allowed))
        return self._state.nearest.search(question_vector, k=k, allowed=allowed, count=count)

    def _looked_for_aside(self, question_vector: FloatArray, allowed: BoolArray) -> Future[Near] | None:
        """The CANDIDATES nearest, looked for on another core while the words are read; None where it is not worth it.

        FAISS, SQLite and most of numpy let other threads of Python run meanwhile.
        """
        if len(self._state.live) < ASIDE_FROM:
            return None
        return self._library.aside.submit(self.nearest, question_vector, CANDIDATES, allowed)

    def search(self, question: str, question_vector: FloatArray, *, k: int = CANDIDATES) -> list[Found]:
        """Return the k nearest and the k best by words, each sentence once, nearest first."""
        return self.asked(question, question_vector).candidates(k=k)

    def places(self, rows: Sequence[int], which: Only | None = None) -> dict[int, list[Place]]:
        """Return for each row where it stands, in the order in which the articles came."""
        condition = f" AND {which.condition}" if which else ""
        found: dict[int, list[Place]] = {row: [] for row in rows}
        for row in rows:
            cursor = self.database.execute(
                'SELECT id, title, source, date, number, start, "end" FROM place JOIN article ON id = place.article '
                f"WHERE row = ?{condition} ORDER BY id, number LIMIT {MOST_PLACES}",
                (row, *(which.parameters if which else ())),
            )
            found[row] = [Place(*place) for place in cursor]
        return found

    def article(self, number: int) -> Article:
        """Return an article with its text. Raises KeyError."""
        row = self.database.execute(
            "SELECT title, text, source, fingerprint, date FROM article WHERE id = ?", (number,)
        ).fetchone()
        if row is None:
            raise KeyError(number)
        return Article(*row)

    def sentences_of(self, number: int) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Return the rows of an article's sentences, in reading order, and (start, end, paragraph) of each."""
        cursor = self.database.execute(
            'SELECT row, start, "end", paragraph FROM place WHERE article = ? ORDER BY number', (number,)
        )
        found = list(cursor)
        return [row for row, *_ in found], [(start, end, paragraph) for _, start, end, paragraph in found]

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Return the texts of sentences, with single spaces."""
        get = self.database.execute
        return [str(get("SELECT text FROM sentence WHERE row = ?", (row,)).fetchone()[0]) for row in rows]

    def _allowed(self, which: Only | None) -> BoolArray:
        """Which rows may be found."""
        if which is None:
            return self._state.live
        key = (self.generation, repr((which.condition, which.parameters)))
        kept = self._library._masks
        found = kept.get(key)
        if found is None:
            found = np.zeros(len(self._state.live), dtype=np.bool_)
            cursor = self.database.execute(
                f"SELECT place.row FROM article JOIN place ON place.article = id WHERE {which.condition}",
                which.parameters,
            )
            found[np.fromiter((row for (row,) in cursor), dtype=np.int64)] = True
            if len(kept) >= MASKS_REMEMBERED:
                kept.clear()
            kept[key] = found
        return found


class Asked:
    """A question before one snapshot of a library: what is near it, and how near anything is."""

    def __init__(
        self,
        snapshot: Snapshot,
        question: str,
        vector: FloatArray,
        allowed: BoolArray,
        which: Only | None,
        words: WordStatistics,
        worded: RowArray,
        bm25_scores: FloatArray,
        near: Future[Near] | None,
    ) -> None:
        """worded: the rows that share a word, in order, with bm25_scores; near: the CANDIDATES nearest, being found."""
        self.snapshot, self.vector, self.which, self.word_statistics = snapshot, vector, which, words
        self.question = question
        self._allowed, self._worded, self._scores, self._near = allowed, worded, bm25_scores, near

    @property
    def words(self) -> Words:
        """Which content words of the question any sentence has, and which none."""
        return words_of_question(self.question, self.word_statistics.having)

    def nearest(self, k: int) -> tuple[RowArray, FloatArray]:
        """Return the k rows nearest in meaning, nearest first, and their cosines."""
        if self._near is not None and k <= CANDIDATES:
            rows, cosines = self._near.result()
            return rows[:k], cosines[:k]
        return self.snapshot.nearest(self.vector, k, self._allowed)

    def bm25(self, rows: RowArray) -> FloatArray:
        """Return BM25 of any rows, float32 (len(rows),): 0 where they share no word with the question."""
        at = np.minimum(np.searchsorted(self._worded, rows), max(len(self._worded) - 1, 0))
        if not len(self._worded):
            return np.zeros(len(rows), dtype=np.float32)
        return np.where(self._worded[at] == rows, self._scores[at], np.float32(0))

    def best_by_words(self, k: int) -> tuple[RowArray, FloatArray]:
        """Return the k rows of highest BM25, the best first, and that; only rows that share a word."""
        allowed = self._allowed[self._worded]
        rows, scores = self._worded[allowed], self._scores[allowed]
        if len(rows) > k:  # all that tie with the k-th stay, so that the order of rows can decide
            least = -np.partition(-scores, k - 1)[k - 1]
            rows, scores = rows[scores >= least], scores[scores >= least]
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    def candidates(self, *, k: int = CANDIDATES) -> list[Found]:
        """Return the k nearest and the k best by words, each once, nearest first."""
        near, _ = self.nearest(k)
        worded, _ = self.best_by_words(k)
        rows = np.unique(np.concatenate([near, worded]))
        found = self.found(rows)
        return sorted(found, key=lambda one: (-one.cosine, one.row))

    def found(self, rows: RowArray) -> list[Found]:
        """Return these rows, in their order, with how near they are."""
        cosines = np.round(cosines_of(self.snapshot.vectors, rows, self.vector), 6)
        return list(map(Found, rows.tolist(), cosines.tolist(), self.bm25(rows).tolist()))


def best_of(found: Sequence[Found], *, k: int) -> list[Found]:
    """Return the k nearest and the k best by words of what several searches found, nearest first.

    Of shards that were weighed with the same word statistics, this is what one library of all of them would find.
    """
    near = sorted(found, key=lambda one: (-one.cosine, one.row))[:k]
    worded = sorted((one for one in found if one.bm25 > 0), key=lambda one: (-one.bm25, one.row))[:k]
    kept = {id(one) for one in (*near, *worded)}
    return sorted((one for one in found if id(one) in kept), key=lambda one: (-one.cosine, one.row))


def sentences_in(article: Article, places: Sequence[tuple[int, int, int]]) -> tuple[Sentence, ...]:
    """Return the sentences of an article by (start, end, paragraph)."""
    return tuple(Sentence(start, end, article.text[start:end], paragraph) for start, end, paragraph in places)


# ── Preparing what comes in ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An article cut into sentences; without any, only its title, date or stamp is new."""

    article: Article
    date: str | None
    stamp: str | None
    sentences: tuple[Sentence, ...]
    texts: tuple[str, ...]  # of the sentences, with single spaces
    keys: tuple[bytes, ...]

    def stale(self, held: tuple[int, str] | None) -> bool:
        """Whether it must be cut into sentences still: it is not, and what the library holds is another text."""
        return not self.keys and (held is None or held[1] != self.article.fingerprint)


def key_of(text: str) -> bytes:
    """Return what a sentence with these words is known by, wherever it stands; white space does not matter."""
    return hashlib.blake2b(" ".join(text.split()).encode("utf-8"), digest_size=16).digest()


def _groups(library: Library, incoming: Iterable[Incoming]) -> Iterator[list[_Prepared]]:
    group: list[_Prepared] = []
    new: set[bytes] = set()
    for one in incoming:
        prepared = _prepared(library, one)
        # Twice in one group, an article would be looked up before it is there.
        if any(prepared.article.source == other.article.source for other in group):
            yield group
            group, new = [], set()
        database = library.database()
        group.append(prepared)
        new |= set(prepared.keys) - _rows_of(database, prepared.keys).keys()
        if len(new) >= GROUP or len(group) >= GROUP_ARTICLES:
            yield group
            group, new = [], set()
    if group:
        yield group


def _prepared(library: Library, one: Incoming) -> _Prepared:
    held = _held_by_source(library.database(), one.article.source)
    uncut = _Prepared(one.article, one.date, one.stamp, (), (), ())
    return _cut(uncut) if uncut.stale(held) else uncut


def _cut(uncut: _Prepared) -> _Prepared:
    sentences = tuple(split_sentences(uncut.article.text))
    texts = tuple(" ".join(sentence.text.split()) for sentence in sentences)
    return replace(uncut, sentences=sentences, texts=texts, keys=tuple(map(key_of, texts)))


def _texts(group: Sequence[_Prepared]) -> dict[bytes, str]:
    return {key: text for prepared in group for key, text in zip(prepared.keys, prepared.texts, strict=True)}


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_HELD = "SELECT id, title, source, date, fingerprint, sentences, added FROM article"


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA cache_size = -32000")
    database.execute("PRAGMA temp_store = MEMORY")
    return database


def _is_library(folder: Path) -> bool:
    """Whether a library is there; whoever was killed while making one has left an empty database, which is none."""
    if not (folder / DATABASE).is_file():
        return False
    with _understood(folder):
        database = _connect(folder / DATABASE)
        try:
            return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone())
        finally:
            database.close()


def _create(folder: Path, encoder: Encoder) -> None:
    with _understood(folder):
        database = _connect(folder / DATABASE)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("BEGIN IMMEDIATE")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                for statement in filter(None, map(str.strip, re.split(r";\n", _SCHEMA))):
                    database.execute(statement)
                _set(
                    database, format=FORMAT, rows=0, generation=0, model=encoder.name, dim=encoder.dim,
                    model_fingerprint=encoder.fingerprint, terms=CUTTING, splitter=SPLITTER, dtype="float16",
                    nearest="",
                )  # fmt: skip
            database.execute("COMMIT")
        finally:
            database.close()


def _about(database: sqlite3.Connection) -> dict[str, str]:
    return dict(database.execute("SELECT name, value FROM about"))


def _set(database: sqlite3.Connection, **values: object) -> None:
    database.executemany(
        "INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [(name, str(value)) for name, value in values.items()],
    )


def _rows_of(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, int]:
    """The rows of those of the sentences that the library has."""
    found: dict[bytes, int] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        found.update(
            database.execute(f"SELECT key, row FROM sentence WHERE key IN ({','.join('?' * len(some))})", some)
        )
    return found


def _held_by_source(database: sqlite3.Connection, source: str) -> tuple[int, str] | None:
    found = database.execute("SELECT id, fingerprint FROM article WHERE source = ?", (source,)).fetchone()
    return None if found is None else (int(found[0]), str(found[1]))


def _write_article(database: sqlite3.Connection, prepared: _Prepared, held: tuple[int, str] | None) -> None:
    article = prepared.article
    if held is not None and held[1] == article.fingerprint:
        database.execute(
            "UPDATE article SET title = ?, date = ?, stamp = ? WHERE id = ?",
            (article.title, prepared.date, prepared.stamp, held[0]),
        )
        return
    values = (
        article.title, prepared.date, article.fingerprint, prepared.stamp,
        datetime.now(timezone.utc).isoformat(timespec="seconds"), len(prepared.sentences), article.text,
    )  # fmt: skip
    former: list[int] = []
    if held is None:
        cursor = database.execute(
            "INSERT INTO article (title, date, fingerprint, stamp, added, sentences, text, source) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, article.source),
        )
        number = int(cursor.lastrowid or 0)
    else:
        number = held[0]
        former = [row for (row,) in database.execute("SELECT row FROM place WHERE article = ?", (number,))]
        database.execute("DELETE FROM place WHERE article = ?", (number,))
        database.execute(
            "UPDATE article SET title = ?, date = ?, fingerprint = ?, stamp = ?, added = ?, sentences = ?, text = ? "
            "WHERE id = ?",
            (*values, number),
        )
    row_of = _rows_of(database, prepared.keys)
    rows = [row_of[key] for key in prepared.keys]
    database.executemany(
        'INSERT INTO place (article, number, row, start, "end", paragraph) VALUES (?, ?, ?, ?, ?, ?)',
        (
            (number, place, row, sentence.start, sentence.end, sentence.paragraph)
            for place, (row, sentence) in enumerate(zip(rows, prepared.sentences, strict=True))
        ),
    )
    database.executemany("UPDATE sentence SET live = 1 WHERE row = ? AND live = 0", [(row,) for row in rows])
    _bury(database, former)


def _forget_places(database: sqlite3.Connection, number: int, *, delete: bool) -> int:
    rows = [row for (row,) in database.execute("SELECT row FROM place WHERE article = ?", (number,))]
    database.execute("DELETE FROM place WHERE article = ?", (number,))
    if delete:
        database.execute("DELETE FROM article WHERE id = ?", (number,))
    return _bury(database, rows)


def _bury(database: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Mark those of the rows that no article has any more; return how many were."""
    gone = [
        (row,)
        for row in set(rows)
        if not database.execute("SELECT 1 FROM place WHERE row = ? LIMIT 1", (row,)).fetchone()
    ]
    database.executemany("UPDATE sentence SET live = 0 WHERE row = ?", gone)
    return len(gone)


def _sum(one: Added, two: Added) -> Added:
    return Added(
        one.added + two.added,
        one.changed + two.changed,
        one.unchanged + two.unchanged,
        one.sentences + two.sentences,
        one.embedded + two.embedded,
    )


@contextmanager
def _understood(folder: Path) -> Iterator[None]:
    """Turn what SQLite says into what a user can do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LibraryError(
                f"{folder}: another program has been writing to it for {WAIT:.0f} s. Try again when it is done."
            ) from error
        if "no such module" in str(error):
            raise LibraryError(
                f"{folder}: this Python's SQLite has no full-text search (FTS5). Use another."
            ) from error
        if any(sign in str(error) for sign in ("full", "readonly", "unable to open", "I/O")):
            raise LibraryError(
                f"{folder}: cannot be written or opened ({error}). What was added before is kept. Free space, or see "
                "who may write there."
            ) from error
        raise
    except sqlite3.DatabaseError as error:
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise
        raise DamagedLibrary(
            f"{folder / DATABASE} is damaged ({error}). Its articles cannot be made again from the vectors: "
            "make the library again from its sources, or take a copy from before."
        ) from error
