"""A library comes in; what is wrong with it goes out, each with whether it can be mended; `repair` mends.

Everything can be made again from the texts of articles and sentences: vectors, words, lengths, codes, and which
sentences live. Only a damaged database, or a text that is not what was written, is beyond repair.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.build import sha256_of
from index.embeddings import Encoder
from index.terms import CUTTING, cut_alike
from library.errors import DamagedLibrary
from library.nearest import NearestFile, Progress
from library.store import GROUP, LENGTHS, VECTORS, Library, key_of
from library.vectors import BLOCK, write_rows
from library.words import LONGEST, insert_words, stems_of

SHOWN = 10  # of one kind of complaint
_WORD_SUM = 1 << 64


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is wrong with a library."""

    part: str  # database, articles, sentences, vectors, words, lengths or nearest
    what: str
    mends: bool  # whether `repair` can put it right


def check(library: Library, *, progress: Progress | None = None) -> list[Complaint]:
    """Compare every part of a library with every other and return what is wrong; nothing, when all is well.

    Every vector is compared with the sum that was noted when it was written, every place with the text that stands
    there, every word with the text it comes from.
    """
    said = progress or (lambda _what, _done, _of: None)
    database = library.database()
    damage = _damage(database)
    if damage:
        return damage
    database.execute("BEGIN")
    try:
        about = dict(database.execute("SELECT name, value FROM about"))
        rows, dim = int(about["rows"]), int(about["dim"])
        return [
            *_articles(database, said),
            *_sentences(database, rows),
            *_vectors(library.file(VECTORS, about), database, rows, dim, said),
            *_lengths(library.file(LENGTHS, about), database, rows),
            *_words(database, rows, about["terms"], said),
            *_nearest(library, about["nearest"], rows),
        ]
    finally:
        database.execute("COMMIT")


def repair(library: Library, encoder: Encoder, *, progress: Progress | None = None) -> list[Complaint]:
    """Make again what can be made again from the texts, and return what is wrong still.

    Raises LibraryMismatch when the encoder is another than the library's, DamagedLibrary when nothing can be done.
    """
    said = progress or (lambda _what, _done, _of: None)
    library.refuse_mismatch(encoder, words=False)
    damage = _damage(library.database())
    if damage:
        raise DamagedLibrary(f"{library.folder}: {damage[0].what}. Nothing was changed.")
    with library.writing() as database:
        about = dict(database.execute("SELECT name, value FROM about"))
        rows = int(about["rows"])
        _mend_live(database)
        _mend_vectors(library.file(VECTORS, about), database, rows, encoder, said)
        _mend_words(library.file(LENGTHS, about), database, rows, about["terms"], said)
    if list(_nearest(library, about["nearest"], rows)):
        with library.writing() as database:
            database.execute("UPDATE about SET value = '' WHERE name = 'nearest'")
    library.close()  # what was mapped may have been shorter
    library.index_nearest(progress=progress)
    return check(library, progress=progress)


# ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _damage(database: sqlite3.Connection) -> list[Complaint]:
    try:
        found = [str(line) for (line,) in database.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return [] if found == ["ok"] else [Complaint("database", "; ".join(found), mends=False)]


def _articles(database: sqlite3.Connection, said: Progress) -> Iterator[Complaint]:
    """Texts are what was written, and each sentence stands where it is said to."""
    (count,) = database.execute("SELECT count(*) FROM article").fetchone()
    wrong: list[str] = []
    moved: list[str] = []
    articles = database.execute("SELECT id, source, fingerprint, sentences, text FROM article ORDER BY id")
    for done, (number, source, fingerprint, sentences, text) in enumerate(articles):
        said("checking articles", done, count)
        if hashlib.sha256(text.encode("utf-8")).hexdigest() != fingerprint:
            wrong.append(source)
            continue
        places = database.execute(
            'SELECT number, start, "end", sentence.key FROM place LEFT JOIN sentence ON sentence.row = place.row '
            "WHERE article = ? ORDER BY number",
            (number,),
        ).fetchall()
        right = [place for place, *_ in places] == list(range(sentences)) and all(
            0 <= start < end <= len(text) and key_of(text[start:end]) == key for _, start, end, key in places
        )
        if not right:
            moved.append(source)
    yield from _complaints("articles", wrong, "the text is not what was written; remove the article and add it again")
    yield from _complaints("articles", moved, "its sentences are not those of its text; remove it and add it again")
    (lost,) = database.execute(
        "SELECT count(*) FROM place LEFT JOIN article ON id = place.article WHERE id IS NULL"
    ).fetchone()
    if lost:
        yield Complaint("articles", f"{lost:,} places belong to no article", mends=True)


def _sentences(database: sqlite3.Connection, rows: int) -> Iterator[Complaint]:
    count, last = database.execute("SELECT count(*), coalesce(max(row), -1) FROM sentence").fetchone()
    if count != rows or last != rows - 1:
        yield Complaint("sentences", f"{count:,} rows up to {last:,}, wanted {rows:,}", mends=False)
    texts = database.execute("SELECT row, key, text FROM sentence")
    wrong = [str(row) for row, key, text in texts if key_of(text) != key]
    yield from _complaints("sentences", wrong, "the text is not what was written", name="row")
    (unlike,) = database.execute(
        "SELECT count(*) FROM sentence WHERE live <> EXISTS (SELECT 1 FROM place WHERE place.row = sentence.row)"
    ).fetchone()
    if unlike:
        yield Complaint("sentences", f"{unlike:,} are found and stand nowhere, or the other way round", mends=True)


def _vectors(path: Path, database: sqlite3.Connection, rows: int, dim: int, said: Progress) -> Iterator[Complaint]:
    bad = _bad_vectors(path, database, rows, dim, said)
    if bad:
        yield Complaint("vectors", f"{len(bad):,} of {rows:,} are missing or are not what was written", mends=True)


def _bad_vectors(path: Path, database: sqlite3.Connection, rows: int, dim: int, said: Progress) -> list[int]:
    """The rows whose vector is not there, or not the one that was noted."""
    width = 2 * dim
    bad: list[int] = []
    sums = database.execute("SELECT row, crc FROM sentence ORDER BY row")
    with path.open("rb") if path.exists() else io.BytesIO() as file:
        for start in range(0, rows, BLOCK):
            said("checking vectors", start, rows)
            content = file.read(BLOCK * width)
            for place, (row, crc) in enumerate(sums.fetchmany(min(BLOCK, rows - start))):
                vector = content[place * width : (place + 1) * width]
                if len(vector) < width or zlib.crc32(vector) != crc:
                    bad.append(row)
    return bad


def _lengths(path: Path, database: sqlite3.Connection, rows: int) -> Iterator[Complaint]:
    noted = np.fromiter((n for (n,) in database.execute("SELECT length FROM sentence ORDER BY row")), dtype=np.uint16)
    content = path.read_bytes()[: 2 * rows] if path.exists() else b""
    if content != noted[:rows].tobytes():
        yield Complaint("lengths", f"{path.name} is not what was written", mends=True)


def _words(database: sqlite3.Connection, rows: int, terms: str, said: Progress) -> Iterator[Complaint]:
    if not cut_alike(terms):
        yield Complaint("words", f"they were cut by other rules ({terms}) than this version's ({CUTTING})", mends=True)
        return
    if not _words_are_right(database, rows, said):
        yield Complaint("words", "they are not those of the sentences", mends=True)


def _words_are_right(database: sqlite3.Connection, rows: int, said: Progress) -> bool:
    """Whether the words and the texts add up to the same sum, which the order does not change."""
    try:
        kept = 0
        for stem, row in database.execute("SELECT term, doc FROM word_places"):
            kept += zlib.crc32(f"{row} {stem}".encode())
    except sqlite3.DatabaseError:
        return False
    made = 0
    for done, (row, text) in enumerate(database.execute("SELECT row, text FROM sentence")):
        if done % 1000 == 0:
            said("checking words", done, rows)
        made += sum(zlib.crc32(f"{row} {stem}".encode()) for stem in stems_of(text))
    return kept % _WORD_SUM == made % _WORD_SUM


def _nearest(library: Library, described: str, rows: int) -> Iterator[Complaint]:
    if not described:
        return
    try:
        noted = NearestFile.from_json(json.loads(described))
    except (ValueError, TypeError):
        yield Complaint("nearest", "what the manifest says of the file of codes cannot be read", mends=True)
        return
    path = library.folder / noted.file
    if not path.exists():
        yield Complaint("nearest", f"{path.name} is missing", mends=True)
    elif path.stat().st_size != noted.bytes or sha256_of(path) != noted.sha256 or noted.rows > rows:
        yield Complaint("nearest", f"{path.name} is not what was written", mends=True)


def _complaints(part: str, which: Sequence[str], what: str, *, name: str = "") -> Iterator[Complaint]:
    for one in which[:SHOWN]:
        yield Complaint(part, f"{name} {one}: {what}".strip(), mends=False)
    if len(which) > SHOWN:
        yield Complaint(part, f"and {len(which) - SHOWN:,} more", mends=False)


# ── Mending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _mend_live(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM place WHERE article NOT IN (SELECT id FROM article)")
    database.execute(
        "UPDATE sentence SET live = EXISTS (SELECT 1 FROM place WHERE place.row = sentence.row) "
        "WHERE live <> EXISTS (SELECT 1 FROM place WHERE place.row = sentence.row)"
    )


def _mend_vectors(path: Path, database: sqlite3.Connection, rows: int, encoder: Encoder, said: Progress) -> None:
    bad = _bad_vectors(path, database, rows, encoder.dim, said)
    for start in range(0, len(bad), GROUP):
        said("embedding sentences", start, len(bad))
        group = bad[start : start + GROUP]
        vectors = encoder.encode_documents(_texts(database, group)).astype(np.float16)
        breaks = np.flatnonzero(np.diff(group) != 1) + 1
        for run, rows_of_run in zip(np.split(np.array(group), breaks), np.split(vectors, breaks), strict=True):
            write_rows(path, int(run[0]), rows_of_run)
        database.executemany(
            "UPDATE sentence SET crc = ? WHERE row = ?",
            [(zlib.crc32(vector.tobytes()), row) for row, vector in zip(group, vectors, strict=True)],
        )


def _texts(database: sqlite3.Connection, rows: Sequence[int]) -> list[str]:
    get = database.execute
    return [str(get("SELECT text FROM sentence WHERE row = ?", (row,)).fetchone()[0]) for row in rows]


def _mend_words(path: Path, database: sqlite3.Connection, rows: int, terms: str, said: Progress) -> None:
    if not cut_alike(terms) or not _words_are_right(database, rows, said):
        cut_words(database, rows, said)
        database.execute("UPDATE about SET value = ? WHERE name = 'terms'", (CUTTING,))
    lengths = database.execute("SELECT length FROM sentence ORDER BY row")
    write_rows(path, 0, np.fromiter((n for (n,) in lengths), dtype=np.uint16))


def cut_words(database: sqlite3.Connection, rows: int, said: Progress) -> None:
    """Cut the texts of all sentences into words anew, inside the transaction that is open."""
    database.execute("INSERT INTO words (words) VALUES ('delete-all')")
    for start in range(0, rows, BLOCK):
        said("cutting words", start, rows)
        texts = database.execute(
            "SELECT row, text FROM sentence WHERE row >= ? AND row < ?", (start, start + BLOCK)
        ).fetchall()
        stems = [(row, stems_of(text)) for row, text in texts]
        insert_words(database, stems)
        database.executemany(
            "UPDATE sentence SET length = ? WHERE row = ?", [(min(len(one), LONGEST), row) for row, one in stems]
        )
