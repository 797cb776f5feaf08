"""Vectors of a library go in; the rows nearest to a question come out (with index/faiss_store.py, all that uses faiss).

    rows 0 ............ covered        the file that `build` made: IVF with 8-bit codes, mapped, never changed
    rows covered ...... the last       compared one by one, as all rows are in a library below EXACT_UP_TO

The 8-bit codes only propose; the cosine that decides is that of the float16 vectors. A file that is not there costs
time and no answer.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.build import sha256_of
from index.embeddings import FloatArray, default_threads
from library.errors import DamagedLibrary
from library.vectors import BLOCK, HalfArray, RowArray, cosines_of
from library.words import BoolArray

EXACT_UP_TO = 50_000  # rows compared one by one: 5 ms on two cores, and 38 MB
OUTGROWN = 4.0  # trained anew when there are this many times the rows it was trained for
WANTED_RECALL = 0.99
SPARE = 3.0  # times the cells that were enough for made-up questions: at 1.25, real ones found 0.973 of a million
MADE_OF = 3  # stored vectors in a made-up question: as near to its nearest sentences as a real one, at a cosine of 0.6
PROBED = 256  # stored vectors that are asked for, to choose how many cells are looked into
PER_CELL = 64  # rows that a cell is trained on; FAISS warns below 39
ITERATIONS = 10
REFINED = 4  # times k: what the codes propose, to be compared again by the vectors
DECIMALS = 6  # those behind depend on the processor

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class NearestFile:
    """What the file of codes is, as the library's manifest says it."""

    kind: str  # as FAISS calls it: IVF2048,SQ8
    file: str  # its name in the library's folder
    rows: int  # it covers 0 to rows
    trained_on: int  # rows there were when its cells were made
    probes: int  # cells looked into for a question
    recall: float  # of the ten nearest by exact comparison, the share found, over `PROBED` stored vectors
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NearestFile:
        """Return what `to_json` wrote. Raises TypeError for anything else."""
        return cls(**data)


@cache
def _faiss() -> Any:
    import faiss

    return faiss


class Nearest:
    """The rows nearest to a question; one for each generation of a library, and any number of threads."""

    def __init__(self, folder: Path, vectors: HalfArray, described: NearestFile | None, former: Nearest | None) -> None:
        """Map the file described, or compare all rows where there is none; what `former` has loaded is taken over.

        Raises DamagedLibrary when the file is missing or is another one.
        """
        self.vectors = vectors
        self.described = described
        self._lock = threading.Lock()
        self._codes: Any = None
        self._covered = described.rows if described else 0
        if described and former is not None and former.described == described:
            self._codes = former._codes
        elif described:
            self._codes = _read(folder, described)
        self._tail: Any = None
        if former is not None and former._covered == self._covered:
            self._tail = former._tail  # rows that are counted never change

    def search(
        self, question_vector: FloatArray, *, k: int, allowed: BoolArray, count: int
    ) -> tuple[RowArray, FloatArray]:
        """Return the k nearest of the rows that are allowed (`count` of them), nearest first, and their cosines.

        Equal cosines, to 6 decimals, come in the order of the rows.
        """
        k = min(k, count)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if count <= EXACT_UP_TO and count < len(self.vectors) // 2:
            rows = np.flatnonzero(allowed).astype(np.int64)
        else:
            rows = self._proposed(question_vector, REFINED * k, allowed, everything=count == len(self.vectors))
        cosines = np.round(cosines_of(self.vectors, rows, question_vector), DECIMALS)
        order = np.lexsort((rows, -cosines))[:k]
        return rows[order], cosines[order]

    def _proposed(self, question_vector: FloatArray, k: int, allowed: BoolArray, *, everything: bool) -> RowArray:
        faiss = _faiss()
        asked = np.ascontiguousarray(question_vector.reshape(1, -1), dtype=np.float32)
        # FAISS parts questions among threads, and here is one: the other threads would have nothing to do but be waited
        # for, which takes 40 ms where all cores are busy. (Its setting holds for the thread that calls.)
        faiss.omp_set_num_threads(1)
        found: list[RowArray] = []
        if self._codes is not None and self.described is not None:
            bits = None if everything else np.packbits(allowed[: self._covered], bitorder="little")
            parameters = faiss.SearchParametersIVF(nprobe=self.described.probes)
            if bits is not None:
                parameters.sel = faiss.IDSelectorBitmap(bits)
            found.append(self._codes.search(asked, min(k, self._covered), params=parameters)[1][0])
        if len(self.vectors) > self._covered:
            tail = self._grown_tail()
            # The tail may have grown for a later generation than this one.
            mine = np.zeros(tail.ntotal, dtype=np.bool_)
            mine[: len(self.vectors) - self._covered] = allowed[self._covered : len(self.vectors)]
            bits = np.packbits(mine, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
            if everything and tail.ntotal == len(self.vectors) - self._covered:
                parameters = None
            rows = tail.search(asked, min(k, tail.ntotal), params=parameters)[1][0]
            found.append(np.where(rows >= 0, rows + self._covered, -1))
        rows = np.concatenate(found) if found else np.empty(0, np.int64)
        return np.asarray(rows[rows >= 0], dtype=np.int64)

    def _grown_tail(self) -> Any:
        """The rows behind those covered, in memory as FAISS wants them."""
        with self._lock:
            wanted = len(self.vectors) - self._covered
            if self._tail is None or self._tail.ntotal < wanted:
                faiss = _faiss()
                dim = self.vectors.shape[1]
                tail = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
                # The file's bytes are what FAISS would make of them; copied, they need no coding.
                tail.codes.resize(wanted * 2 * dim)
                into = faiss.rev_swig_ptr(tail.codes.data(), wanted * 2 * dim)
                into[:] = np.ascontiguousarray(self.vectors[self._covered :]).view(np.uint8).reshape(-1)
                tail.ntotal = wanted
                self._tail = tail
            return self._tail


def wanted(rows: int, described: NearestFile | None) -> bool:
    """Return whether so many rows should have a new file: more are compared one by one than should be."""
    covered = described.rows if described else 0
    return rows - covered > max(EXACT_UP_TO, covered // 10)


def build(
    folder: Path, vectors: HalfArray, token: str, former: NearestFile | None, *, progress: Progress | None = None
) -> NearestFile:
    """Write a file that covers all vectors and return what it is; raises OSError or RuntimeError when it cannot.

    The cells of the former file are kept until the library has outgrown them.
    """
    said = progress or (lambda _what, _done, _of: None)
    faiss = _faiss()
    faiss.omp_set_num_threads(default_threads())
    count = len(vectors)
    codes = None
    trained_on = count
    if former is not None and count < OUTGROWN * former.trained_on:
        try:
            codes = faiss.read_index(str(folder / former.file))
            trained_on = former.trained_on
        except RuntimeError:
            codes = None
    if codes is None:
        codes = _trained(vectors, said)
    for start in range(int(codes.ntotal), count, BLOCK):
        said("indexing", start, count)
        codes.add(vectors[start : start + BLOCK].astype(np.float32))
    probes, recall = _enough_probes(codes, vectors, said)
    path = folder / f"nearest-{token}.faiss"
    faiss.write_index(codes, str(path))
    return NearestFile(
        kind=f"IVF{codes.nlist},SQ8",
        file=path.name,
        rows=count,
        trained_on=trained_on,
        probes=probes,
        recall=recall,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
    )


def cells_for(count: int) -> int:
    """Return how many cells so many rows are parted in: the power of two next to four times the root."""
    return 1 << max(4, round(math.log2(4 * math.sqrt(max(count, 1)))))


def _trained(vectors: HalfArray, said: Progress) -> Any:
    faiss = _faiss()
    count, dim = vectors.shape
    cells = cells_for(count)
    while cells > 16 and cells * 39 > count:
        cells //= 2
    said("training", 0, 1)
    sample = np.random.default_rng(0).choice(count, size=min(count, PER_CELL * cells), replace=False)
    sample.sort()
    rows = vectors[sample].astype(np.float32)
    # The factory's index owns its cells; put together by hand, Python and FAISS would both delete them.
    codes = faiss.index_factory(dim, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    codes.cp.niter = ITERATIONS
    codes.cp.spherical = True
    codes.train(rows)
    return codes


def _enough_probes(codes: Any, vectors: HalfArray, said: Progress) -> tuple[int, float]:
    """SPARE times the least number of cells that finds WANTED_RECALL of the ten nearest, and what that finds."""
    faiss = _faiss()
    count = len(vectors)
    picked = np.random.default_rng(1).choice(count, size=min(PROBED, count), replace=False)
    picked.sort()
    asked = vectors[picked].astype(np.float32)
    # A sentence is its own nearest, which any index finds; others are mixed in, for a question is no sentence.
    asked = np.sum([np.roll(asked, others, axis=0) for others in range(MADE_OF)], axis=0, dtype=np.float32)
    asked /= np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-9)
    k = min(10, count)
    best = np.full((len(asked), k), -np.inf, dtype=np.float32)
    best_rows = np.full((len(asked), k), -1, dtype=np.int64)
    for start in range(0, count, BLOCK):
        said("measuring", start, count)
        found = asked @ vectors[start : start + BLOCK].astype(np.float32).T
        together = np.concatenate([best, found], axis=1)
        rows = np.concatenate(
            [best_rows, np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)], axis=1
        )
        part = np.argpartition(-together, k - 1, axis=1)[:, :k]
        best, best_rows = np.take_along_axis(together, part, axis=1), np.take_along_axis(rows, part, axis=1)

    def recall(probes: int) -> float:
        proposed = codes.search(asked, REFINED * k, params=faiss.SearchParametersIVF(nprobe=probes))[1]
        hits = 0
        for place in range(len(asked)):
            rows = proposed[place][proposed[place] >= 0]
            exact = vectors[rows].astype(np.float32) @ asked[place]
            hits += len(np.intersect1d(rows[np.argsort(-exact, kind="stable")[:k]], best_rows[place]))
        return hits / (k * len(asked))

    cells = int(codes.nlist)
    steps = sorted({min(cells, round(2 ** (half / 2))) for half in range(2, 40)})
    enough = next((probes for probes in steps if recall(probes) >= WANTED_RECALL), cells)
    probes = min(math.ceil(SPARE * enough), cells)
    return probes, round(recall(probes), 4)


def _read(folder: Path, described: NearestFile) -> Any:
    faiss = _faiss()
    path = folder / described.file
    try:
        if path.stat().st_size != described.bytes:
            raise RuntimeError(f"it has {path.stat().st_size:,} bytes, wanted {described.bytes:,}")
        # FAISS maps files everywhere but on Windows, where it reads them.
        codes = faiss.read_index(str(path), 0 if os.name == "nt" else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        if codes.ntotal != described.rows:
            raise RuntimeError(f"it has {codes.ntotal:,} rows, wanted {described.rows:,}")
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error).strip().splitlines()[-1]
        raise DamagedLibrary(
            f"{path}: the file of the nearest sentences cannot be used ({why}). "
            f"Make it again with: article-qa library repair --library {folder}"
        ) from error
    return codes
