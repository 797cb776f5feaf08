"""Sentences go in, more and more of them; what a library of them costs to fill, to open, to keep and to ask comes out.

The first sentences are real, as far as the data reach, and so are the vectors of those that have been embedded. Beyond,
a text is two halves of real ones joined, and a vector is mixed of two real ones with some noise.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.library.data import BETWEEN, read, sentences_of
from benchmarks.library.kept import KeptEncoder
from index.article import article_from_text
from index.embeddings import FloatArray, unit_rows
from library import Added, Incoming, Library, create_library, open_library
from library.store import key_of

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUESTIONS = 200
WARMING = 50
OPENINGS = 5
SENTENCES_OF_ARTICLE = 30
TIMED = 20_000  # sentences whose adding is timed together
NOISE = 4_096  # rows of it, made once: a row for each text would take longer than adding it


class MixedEncoder:
    """Gives back vectors embedded before; that of any other text is mixed of two of them, always in the same way."""

    def __init__(self, kept: KeptEncoder, texts: Sequence[str]) -> None:
        """Mix the vectors of those of the texts that were embedded before."""
        # Not all that is kept: mixed of a question, a vector would be nearer to it than any sentence can be.
        self._mixed = kept.encode_documents([text for text in texts if kept.knows(text)])
        self.name, self.fingerprint, self.dim = kept.name, kept.fingerprint, kept.dim
        self.seconds = 0.0
        self.computed = 0.0  # seconds of processor time
        self._kept = kept
        noise = np.random.default_rng(0).standard_normal((NOISE, self.dim)) * 0.5 / self.dim**0.5
        self._noise = noise.astype(np.float32)

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the known or mixed vectors, float32 (len(texts), dim), rows of length 1."""
        began, began_computing = time.perf_counter(), time.process_time()
        keys = np.frombuffer(b"".join(map(key_of, texts)), dtype=np.uint32).reshape(-1, 4)
        one, two = (self._mixed[keys[:, place] % len(self._mixed)] for place in (0, 1))
        found = one + np.float32(0.5) * two + self._noise[keys[:, 2] % NOISE]
        known = [place for place, text in enumerate(texts) if self._kept.knows(text)]
        if known:
            found[known] = self._kept.encode_documents([texts[place] for place in known])
        found = unit_rows(found)
        self.seconds += time.perf_counter() - began
        self.computed += time.process_time() - began_computing
        return found

    encode_queries = encode_documents


def growth(paths: Sequence[Path], kept: KeptEncoder, *, largest: int, until: float) -> None:
    """Print, for growing libraries, what adding, opening and searching cost.

    The library is kept, and a run that is broken off or comes to its end goes on when it is started again.
    """
    articles, asked = read(paths)
    texts = sentences_of(articles)
    questions = list(dict.fromkeys(one.question for one in asked))
    questions = questions[:: max(len(questions) // (QUESTIONS + WARMING), 1)][: QUESTIONS + WARMING]
    np.save(kept.folder / "questions.npy", kept.encode_queries(questions))
    (kept.folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    embedded = sum(map(kept.knows, texts))
    print(f"{len(texts):,} real sentences, {embedded:,} of them with their own vectors; beyond, see the script's head.")
    encoder = MixedEncoder(kept, texts)
    folder, place = kept.folder / "growth", kept.folder / "growth.json"
    taken = json.loads(place.read_text(encoding="utf-8"))["lines"] if place.exists() else 0  # lines added before
    with create_library(folder, encoder) as library:
        sizes = [*(one for one in SIZES if one < largest), largest]
        for size in sizes:
            if taken < size:
                before = library.statistics().sentences
                rates = _filled(library, encoder, _articles(texts, taken, size, until=until))
                if time.monotonic() > until:
                    print("The time is up; the same command goes on.")
                    return
                taken = size
                place.write_text(json.dumps({"lines": taken}), encoding="utf-8")
                began = time.perf_counter()
                library.index_nearest()
                grown = library.statistics().sentences
                indexed = f"file of codes in {time.perf_counter() - began:.1f} s"
                print(f"\n{before:,} to {grown:,} sentences: added {rates} a second after embedding; {indexed}")
                _measured(folder, kept.folder)
            elif size == largest:
                _measured(folder, kept.folder)


def _filled(library: Library, encoder: MixedEncoder, articles: Iterator[Incoming]) -> str:
    """Add articles, and say how many sentences a second: all, and the slowest and fastest part of them."""
    began, began_computing = time.perf_counter(), time.process_time()
    before, computed_before = encoder.seconds, encoder.computed
    marks: list[tuple[int, float]] = [(0, 0.0)]

    def done(so_far: Added) -> None:
        if so_far.embedded - marks[-1][0] >= TIMED:
            marks.append((so_far.embedded, time.perf_counter() - began - (encoder.seconds - before)))

    added = library.add(articles, encoder, done=done)
    spent = time.perf_counter() - began - (encoder.seconds - before)
    computed = time.process_time() - began_computing - (encoder.computed - computed_before)
    parts = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in pairwise(marks)]
    several = f" ({min(parts):,.0f} to {max(parts):,.0f}, n {len(parts)})" if parts else ""
    # What an interrupted run had added is passed over, and would only water the figure down.
    again = ", went on from an interrupted run" if added.unchanged else ""
    return f"{added.embedded / spent:,.0f}{several}{again} (of processor time: {added.embedded / computed:,.0f})"


def _measured(folder: Path, home: Path) -> None:
    with open_library(folder) as library:
        held = library.statistics()
    described = held.nearest
    print(f"  {held.sentences:,} sentences, on disk {sum(held.bytes.values()) / 1e6:,.0f} MB; ", end="")
    if described:
        print(f"{described.kind}, {described.probes} cells, finds {described.recall} of made-up questions' nearest")
    else:
        print("every vector is compared")
    for code in (OPENING, ASKING):
        ran = subprocess.run([sys.executable, "-c", code, str(folder), str(home)], capture_output=True, text=True)
        print(ran.stdout.rstrip() if ran.returncode == 0 else ran.stderr)


OPENING = """
import sys
from pathlib import Path
from benchmarks.library.growth import opening
opening(Path(sys.argv[1]))
"""
ASKING = """
import sys
from pathlib import Path
from benchmarks.library.growth import asking
asking(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def opening(folder: Path) -> None:
    """Print how long it takes to open a library so that it can be asked, for the first time in a process and later."""
    times = []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        with open_library(folder) as library, library.reading():
            times.append(1000 * (time.perf_counter() - began))
    print(
        f"  opened in {times[0]:.0f} ms, with the import of FAISS where it is needed; then in "
        f"{statistics.median(times[1:]):.0f} ms ({min(times[1:]):.0f} to {max(times[1:]):.0f}, n {len(times) - 1})"
    )


def asking(folder: Path, home: Path) -> None:
    """Print how long searches take, what memory they need, and what share of the ten nearest they find."""
    questions = json.loads((home / "questions.json").read_text(encoding="utf-8"))
    vectors = np.load(home / "questions.npy")
    library = open_library(folder)
    times: list[float] = []
    computed: list[float] = []  # without what others on the machine took meanwhile, and without waiting for a disk
    words: list[float] = []
    dense: list[float] = []
    for question, vector in zip(questions, vectors, strict=True):
        began, began_computing = time.perf_counter(), time.process_time()
        with library.reading() as snapshot:
            search = snapshot.asked(question, vector)
            words.append(1000 * (time.perf_counter() - began))
            search.candidates()
        times.append(1000 * (time.perf_counter() - began))
        computed.append(1000 * (time.process_time() - began_computing))
    memory = _memory()
    hits = 0
    with library.reading() as snapshot:
        nearest = exactly(snapshot.vectors, vectors, k=10)
        for question, vector, rows in zip(questions, vectors, nearest, strict=True):
            search = snapshot.asked(question, vector)
            began = time.perf_counter()
            found, _ = search.nearest(10)
            dense.append(1000 * (time.perf_counter() - began))
            hits += len(np.intersect1d(found, rows))
    for name, spent in (
        ("search", times[WARMING:]),
        ("  processor time of it", computed[WARMING:]),
        ("  its words", words[WARMING:]),
        ("meaning alone, ten nearest", dense[WARMING:]),
    ):
        print(
            f"  {name}: median {statistics.median(spent):.1f} ms, 95 % under {np.percentile(spent, 95):.1f} ms, most "
            f"{max(spent):.1f} ms (n {len(spent)})"
        )
    print(f"  memory: {memory}; recall@10 {hits / (10 * len(nearest)):.4f} (n {len(nearest)})")


def exactly(vectors: np.ndarray, questions: FloatArray, *, k: int) -> np.ndarray:
    """Return the k rows nearest to each question by comparing all, int64 (questions, k), in no order."""
    best = np.full((len(questions), k), -2, dtype=np.float32)
    rows = np.zeros((len(questions), k), dtype=np.int64)
    for start in range(0, len(vectors), 65_536):
        found = questions @ vectors[start : start + 65_536].astype(np.float32).T
        both = np.concatenate([best, found], axis=1)
        at = np.concatenate([rows, np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)], axis=1)
        top = np.argpartition(-both, k - 1, axis=1)[:, :k]
        best, rows = np.take_along_axis(both, top, axis=1), np.take_along_axis(at, top, axis=1)
    return rows


def _memory() -> str:
    # Not getrusage: what it says of a process begins with what the one that started it had.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    most, private = (int(status[name].split()[0]) / 1024 for name in ("VmHWM", "RssAnon"))
    return f"{most:,.0f} MB at most, {private:,.0f} MB of it not of mapped files"


def lines_of(texts: Sequence[str], count: int) -> Iterator[str]:
    """The texts, and then halves of two joined, up to a count."""
    yield from texts[:count]
    rng = np.random.default_rng(0)
    for _ in range(len(texts), count, NOISE):
        for one, two in rng.integers(len(texts), size=(NOISE, 2)).tolist():
            first, second = texts[one].split(), texts[two].split()
            yield " ".join([*first[: len(first) // 2], *second[len(second) // 2 :]]) or "Nothing."


def _articles(texts: Sequence[str], first: int, last: int, *, until: float) -> Iterator[Incoming]:
    some: list[str] = []
    for number, line in enumerate(lines_of(texts, last)):
        if first <= number < last:
            some.append(line)
        if some and (len(some) == SENTENCES_OF_ARTICLE or number == last - 1):
            if any(any(map(str.isalnum, one)) for one in some):
                article = article_from_text(BETWEEN.join(some), title="An article", source=f"article {number}")
                yield Incoming(article)
            some = []
            if time.monotonic() > until:
                return
