"""A library comes in; the same goes out without what is dead: rows of removed sentences, their texts and their words.

Nothing is changed in place. The rows that live are written into new files; then one transaction numbers the sentences
anew and names those files, so that a program that is killed leaves the library as it was before or as it is after.
Others may ask meanwhile, and go on with the files that they have open; whoever wants to write waits.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.check import cut_words
from library.errors import LibraryError
from library.nearest import Progress
from library.store import COMPACTED, LENGTHS, VECTORS, WAIT, Library
from library.vectors import BLOCK, RowArray, map_vectors, write_rows

PATIENCE = 1_000  # ms for whoever is asking


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compacting did."""

    rows: int  # dropped
    bytes: int  # that the folder is smaller by


def compact(library: Library, *, progress: Progress | None = None) -> Compacted:
    """Drop the rows of sentences that no article has any more; nothing is embedded.

    What was removed is gone for good after it, from the files too. Raises LibraryMismatch, DamagedLibrary, and
    LibraryError when the disk is full or another program is writing; the library is then as it was.
    """
    said = progress or (lambda _what, _done, _of: None)
    library.refuse_mismatch(None)
    before = _size(library)
    database = library.database()
    # The old files are deleted after the commit, so it must be on the disk and not only in the system's memory.
    database.execute("PRAGMA synchronous = FULL")
    dropped = _drop(library, said) if library.statistics().removed else 0
    # Also where nothing was dropped now: an earlier run may have been killed before it came so far.
    _shrink(library)
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(f"PRAGMA busy_timeout = {int(1000 * WAIT)}")
    library.index_nearest(progress=progress)
    return Compacted(dropped, before - _size(library))


def _drop(library: Library, said: Progress) -> int:
    token = secrets.token_hex(8)
    with library.writing() as database:
        about = dict(database.execute("SELECT name, value FROM about"))
        _sweep(library, about)
        rows = int(about["rows"])
        living = database.execute("SELECT row FROM sentence WHERE live = 1 ORDER BY row")
        kept = np.fromiter((row for (row,) in living), dtype=np.int64)
        named = {**about, "files": token}
        _copy_vectors(library, about, named, kept, said)
        _number_anew(database, kept, said)
        cut_words(database, len(kept), said)
        lengths = database.execute("SELECT length FROM sentence ORDER BY row")
        write_rows(library.file(LENGTHS, named), 0, np.fromiter((n for (n,) in lengths), dtype=np.uint16))
        _flush_names(library.folder)
        changed = {"rows": len(kept), "files": token, "nearest": "", "format": COMPACTED}
        database.executemany(
            "INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [(name, str(value)) for name, value in changed.items()],
        )
    return rows - len(kept)


def _copy_vectors(
    library: Library, about: Mapping[str, str], named: Mapping[str, str], kept: RowArray, said: Progress
) -> None:
    vectors = map_vectors(library.file(VECTORS, about), int(about["rows"]), int(about["dim"]))
    path = library.file(VECTORS, named)
    write_rows(path, 0, vectors[:0])
    for start in range(0, len(kept), BLOCK):
        said("copying vectors", start, len(kept))
        write_rows(path, start, vectors[kept[start : start + BLOCK]])


def _number_anew(database: sqlite3.Connection, kept: RowArray, said: Progress) -> None:
    """Give the rows that live the numbers 0, 1, 2, ... in their order."""
    database.execute("DELETE FROM sentence WHERE live = 0")
    moved = np.flatnonzero(kept != np.arange(len(kept)))
    # In order: a number is free when its turn comes, because all rows below have smaller ones already.
    for start in range(0, len(moved), BLOCK):
        said("numbering rows", start, len(moved))
        pairs = [(int(row), int(kept[row])) for row in moved[start : start + BLOCK]]
        database.executemany("UPDATE sentence SET row = ? WHERE row = ?", pairs)
        database.executemany("UPDATE place SET row = ? WHERE row = ?", pairs)


def _shrink(library: Library) -> None:
    """Delete files that are not in force, and give back what the database no longer needs."""
    database = library.database()
    try:
        database.execute("BEGIN IMMEDIATE")
        _sweep(library, dict(database.execute("SELECT name, value FROM about")))
        database.execute("COMMIT")
        database.execute("PRAGMA temp_store = FILE")  # it may be larger than the memory
        database.execute("VACUUM")
        database.execute("PRAGMA temp_store = MEMORY")
        # Somebody who is asking would be waited for; then it is done when the last one closes the library.
        database.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise LibraryError(
            f"{library.folder}: the library is compacted, but its files could not be made smaller ({error}). "
            "Give the same command again when no other program writes to it."
        ) from error


def _sweep(library: Library, about: Mapping[str, str]) -> None:
    """Delete vectors and lengths of other compactions, of ended and of interrupted ones; only a writer may."""
    in_force = {library.file(name, about) for name in (VECTORS, LENGTHS)}
    for name in (VECTORS, LENGTHS):
        stem, _, suffix = name.partition(".")
        for path in (library.folder / name, *library.folder.glob(f"{stem}-*.{suffix}")):
            if path not in in_force:
                with suppress(OSError):  # on Windows, one that is mapped cannot be deleted: the next sweep does it
                    path.unlink(missing_ok=True)
    if not about.get("nearest"):
        for path in library.folder.glob("nearest-*.faiss"):
            with suppress(OSError):
                path.unlink()


def _flush_names(folder: Path) -> None:
    """Wait until the names of new files are on the disk, where a folder can be opened for that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _size(library: Library) -> int:
    return sum(path.stat().st_size for path in library.folder.iterdir() if path.is_file())
