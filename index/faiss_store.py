"""Vectors go in, one row per sentence; the rows nearest to a question come out (the only file that imports faiss).

The search is exact: every row is compared (`IndexFlatIP` under an `IndexIDMap2`, so that a row's id is its number).
One article has tens to ten thousands of sentences; at that size an approximate index is no faster and can miss.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from index.embeddings import FloatArray, default_threads

RowArray = npt.NDArray[np.int64]

UNIT_TOLERANCE = 1e-3  # how far from 1 a row's length may be
# The digits after the sixth depend on the processor and on how many questions are asked at once. Without them, two
# sentences of the same words have the same cosine, and their order is that of the article.
DECIMALS = 6


class Neighbours(NamedTuple):
    """The rows nearest to each question, nearest first; equal cosines in the order of the rows."""

    rows: RowArray  # int64 (questions, k)
    cosines: FloatArray  # float32 (questions, k), -1 to 1


@cache
def _faiss() -> Any:
    """The library, told once how many threads it may use."""
    import faiss

    faiss.omp_set_num_threads(default_threads())
    return faiss


class FaissStore:
    """Exact cosine search over the sentences of one article; row i is sentence i."""

    def __init__(self, faiss_index: Any) -> None:
        """Wrap a faiss index whose ids are row numbers; use `from_vectors` or `load`."""
        self._index = faiss_index

    @classmethod
    def from_vectors(cls, vectors: FloatArray) -> FaissStore:
        """Store float32 vectors of shape (n, dim), rows of length 1 (or 0), so that an inner product is the cosine.

        Raises TypeError or ValueError, saying what came and what was wanted, for any other shape, dtype or length.
        """
        _check(vectors, "vectors")
        lengths = np.linalg.norm(vectors, axis=1)
        wrong = np.flatnonzero((np.abs(lengths - 1) > UNIT_TOLERANCE) & (lengths > UNIT_TOLERANCE))
        if wrong.size:
            raise ValueError(
                f"row {wrong[0]} of the vectors has length {lengths[wrong[0]]:.3f}, wanted 1 (or 0): "
                "scale them with unit_rows, or their inner products are not cosines"
            )
        faiss = _faiss()
        store = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        store.add_with_ids(np.ascontiguousarray(vectors), np.arange(len(vectors), dtype=np.int64))
        return cls(store)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    def search(self, question_vectors: FloatArray, *, k: int) -> Neighbours:
        """Return the k rows nearest to each question (all rows when there are fewer than k), nearest first.

        question_vectors: float32 (questions, dim), rows of length 1 (or 0). Cosines are rounded to 6 decimals, and
        rows of equal cosine come in their own order. Raises TypeError or ValueError for anything else.
        """
        _check(question_vectors, "question vectors")
        if question_vectors.shape[1] != self.dim:
            raise ValueError(
                f"the question vectors have {question_vectors.shape[1]} dimensions but the store has {self.dim}: "
                "ask with the encoder that built the index"
            )
        if k < 1:
            raise ValueError(f"k is {k}, wanted 1 or more")
        k = min(k, len(self))
        if k == 0 or len(question_vectors) == 0:
            shape = (len(question_vectors), k)
            return Neighbours(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32))
        # All rows are asked for, because only then can a tie at place k be broken by row: faiss breaks it as it likes.
        cosines, rows = self._index.search(np.ascontiguousarray(question_vectors), len(self))
        cosines = np.round(cosines, DECIMALS)
        order = np.lexsort((rows, -cosines), axis=1)[:, :k]
        return Neighbours(np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosines, order, axis=1))

    def vectors(self) -> FloatArray:
        """Return the stored vectors, float32 (n, dim), row i for sentence i."""
        if len(self) == 0:
            return np.empty((0, self.dim), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(np.arange(len(self), dtype=np.int64)), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write one file. Raises RuntimeError when it cannot be written."""
        _faiss().write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> FaissStore:
        """Read what `save` wrote. Raises RuntimeError or ValueError for anything else."""
        store = _faiss().read_index(str(path))
        if not isinstance(store, _faiss().IndexIDMap2):
            raise ValueError(f"{path} holds a {type(store).__name__}, wanted an IndexIDMap2")
        return cls(store)


def _check(vectors: FloatArray, what: str) -> None:
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32:
        raise TypeError(f"the {what} are {getattr(vectors, 'dtype', type(vectors).__name__)}, wanted float32")
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ValueError(f"the {what} have shape {vectors.shape}, wanted (n, dim)")
    if not np.isfinite(vectors).all():
        raise ValueError(f"the {what} hold a value that is not finite")
