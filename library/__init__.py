"""From many articles to one folder that can be asked: their sentences, words and vectors, kept together.

    files, folders, URLs, JSON Lines
      └─ sources.py ──► [Incoming(article, date)], and what was left out and why
           └─ store.py ──► Library: library.sqlite decides, vectors.py and words.py lie beside and in it
                ├─ nearest.py ──► the rows nearest to a question; FAISS, by size
                ├─ only.py    ──► a question limited to some articles
                ├─ check.py   ──► what is wrong with a library, and what of it can be mended
                └─ compact.py ──► the same without what is dead

A library folder is one shard: its searches return cosines and BM25 that can be merged with those of others exactly.
The path of a single article never imports this package.
"""

from __future__ import annotations

from library.check import Complaint, check, repair
from library.compact import Compacted, compact
from library.errors import LibraryError
from library.only import Only, only
from library.store import (
    Added,
    Found,
    Held,
    Incoming,
    Library,
    Place,
    Snapshot,
    best_of,
    create_library,
    library_folder,
    open_library,
)

__all__ = [
    "Added",
    "Compacted",
    "Complaint",
    "Found",
    "Held",
    "Incoming",
    "Library",
    "LibraryError",
    "Only",
    "Place",
    "Snapshot",
    "best_of",
    "check",
    "compact",
    "create_library",
    "library_folder",
    "only",
    "open_library",
    "repair",
]
