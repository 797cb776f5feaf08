"""The stems of sentences go in, once; how well each sentence matches the words of a question comes out (BM25).

SQLite's FTS5 keeps which stem stands in which sentence, and grows without being rebuilt. Its own `porter` tokenizer and
its own `bm25()` are not used, for two reasons. It would cut words by other rules than `index.terms`, so that a question
would be understood in one way when one article is asked and in another when a library is: other stems ("ponies" is poni
in Porter, but "news" is new in Porter and news in Snowball), "U.S." in two words, 2,000 in two numbers. And its idf
counts removed sentences and this file alone, where shards must be weighed as one. So what FTS5 is given are the stems
of `index.terms`, and the sum is the one of `index.terms`: lucene's, with its K1 and B, over the sentences that live.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.embeddings import FloatArray
from index.terms import K1, B, Terms, Words, content_terms
from library.vectors import LengthArray, RowArray

# Every letter that is not ASCII counts as a part of a word for this tokenizer, and of the rest a stem may hold these.
SCHEMA = """
CREATE VIRTUAL TABLE words USING fts5(stems, content='', tokenize="ascii tokenchars '.:_''''-'");
CREATE VIRTUAL TABLE word_places USING fts5vocab(words, instance);
"""
REMEMBERED = 4_000_000  # places of words kept in memory, 6 bytes each: what is asked again costs no reading
LONGEST = np.iinfo(np.uint16).max  # content words of a sentence

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """What BM25 must know of all sentences together; of several shards, the sum."""

    sentences: int  # that live
    length: int  # content words of all of them
    having: Mapping[str, int]  # stem -> how many of them have it

    def __add__(self, other: WordStatistics) -> WordStatistics:
        """Return the statistics of both as if they were one library."""
        both = Counter(self.having)
        both.update(other.having)
        having = {stem: both[stem] for stem in {**self.having, **other.having}}
        return WordStatistics(self.sentences + other.sentences, self.length + other.length, having)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a stem stands: in `rows`, so many times each."""

    rows: npt.NDArray[np.int32]
    times: npt.NDArray[np.uint16]


class WordIndex:
    """Reads the words of one library; several threads may share one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Places] = OrderedDict()
        self._size = 0
        self._generation = -1
        self._lock = threading.Lock()

    def places(self, database: sqlite3.Connection, generation: int, stem: str) -> _Places:
        """Return where a stem stands, by row, in the generation that the connection's transaction sees."""
        with self._lock:
            if generation != self._generation:
                self._kept.clear()
                self._size, self._generation = 0, generation
            if stem in self._kept:
                self._kept.move_to_end(stem)
                return self._kept[stem]
        # One text of all numbers, and not a row of the result for each: a third of the time for a common word.
        (listed,) = database.execute("SELECT group_concat(doc) FROM word_places WHERE term = ?", (stem,)).fetchone()
        found = np.fromstring(listed or "", dtype=np.int32, sep=",")
        found.sort()
        # Not np.unique, here and below: it would look each number up in a table, which takes several times as long.
        first = np.flatnonzero(np.diff(found, prepend=np.int32(-1)))
        rows, times = found[first], np.diff(first, append=len(found))
        places = _Places(rows, times.astype(np.uint16))
        with self._lock:
            if generation == self._generation and stem not in self._kept:
                self._kept[stem] = places
                self._size += len(rows)
                while self._size > REMEMBERED and len(self._kept) > 1:
                    _, dropped = self._kept.popitem(last=False)
                    self._size -= len(dropped.rows)
        return places


def insert_words(database: sqlite3.Connection, sentences: Iterable[tuple[int, Sequence[str]]]) -> None:
    """Add the stems of sentences, each with its row, inside the transaction that is open."""
    database.executemany(
        "INSERT INTO words (rowid, stems) VALUES (?, ?)", ((row, " ".join(stems)) for row, stems in sentences)
    )


def bm25(
    stems: Sequence[str],
    places: Mapping[str, _Places],
    lengths: LengthArray,
    of_all: WordStatistics,
) -> tuple[RowArray, FloatArray]:
    """Return the rows that share a stem with the question, int64 (rows,), in order, and BM25 of each; dead ones too.

    stems: those of the question, each as often as it has it.
    """
    asked = {stem: times for stem, times in Counter(stems).items() if of_all.having[stem] and len(places[stem].rows)}
    # Not a sum for every row of the library: of a million, a question touches some ten thousand.
    every = np.concatenate([np.empty(0, np.int32), *(places[stem].rows for stem in asked)])
    every.sort()
    touched = every[np.flatnonzero(np.diff(every, prepend=np.int32(-1)))]
    scores = np.zeros(len(touched), dtype=np.float32)
    average = of_all.length / max(of_all.sentences, 1)
    norm = K1 * (1 - B + B * lengths[touched].astype(np.float32) / average)
    for stem, times_asked in asked.items():
        at = np.searchsorted(touched, places[stem].rows)
        times = places[stem].times.astype(np.float32)
        having = of_all.having[stem]
        idf = math.log(1 + (of_all.sentences - having + 0.5) / (having + 0.5))
        scores[at] += np.float32(times_asked * idf) * (times / (times + norm[at]))
    return touched.astype(np.int64), scores


def words_of_question(question: str, having: Mapping[str, int]) -> Words:
    """Return which content words of the question the library has, and which no sentence of it mentions."""
    known = {stem: column for column, stem in enumerate(having) if having[stem]}
    empty = np.empty(0, dtype=np.float32)
    return Terms(known, empty, np.empty(0, np.int32), np.zeros(len(known) + 1, np.int64), 0).words(question)


def stems_of(text: str) -> list[str]:
    """Return the stems of a text's content words, in order: the rules of `index.terms`."""
    return content_terms(text)
