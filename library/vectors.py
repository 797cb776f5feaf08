"""Vectors go in at the end of a file and are never moved; the rows that count come out, mapped and not read.

How many rows count is not this file's business: the database says. What lies behind them is what an interrupted
writer left, and the next writer overwrites it. So a file is always at least as long as it must be, and rows that were
once counted never change; a reader may keep its map while others write.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.embeddings import FloatArray
from library.errors import DamagedLibrary

HalfArray = npt.NDArray[np.float16]
LengthArray = npt.NDArray[np.uint16]
RowArray = npt.NDArray[np.int64]

LARGE = 64_000_000  # bytes of vectors; a smaller file may stay in memory
HELD = 4_096  # rows of a large one that may, each with up to 64 kB around it
BLOCK = 8192  # rows turned to float32 at once: 12 MB, which a processor's cache still holds in part


def write_rows(path: Path, first: int, rows: npt.NDArray[np.generic]) -> None:
    """Write rows at their place and wait until they are on the disk; `first` counts rows from the file's beginning.

    Raises OSError, for example when the disk is full; what was counted before is then unharmed.
    """
    width = rows.itemsize * (rows.shape[1] if rows.ndim > 1 else 1)
    # Not "ab": a writer that was killed may have left half a row behind the last that counts.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "r+b") as file:
        file.seek(first * width)
        file.write(np.ascontiguousarray(rows).tobytes())
        file.flush()
        os.fsync(file.fileno())


def map_vectors(path: Path, count: int, dim: int) -> HalfArray:
    """Return the first `count` rows, float16 (count, dim), mapped. Raises DamagedLibrary when there are fewer."""
    return np.asarray(_mapped(path, np.dtype(np.float16), (count, dim)), dtype=np.float16)


def map_lengths(path: Path, count: int) -> LengthArray:
    """Return the first `count` lengths, uint16 (count,), mapped. Raises DamagedLibrary when there are fewer."""
    return np.asarray(_mapped(path, np.dtype(np.uint16), (count,)), dtype=np.uint16)


def _mapped(path: Path, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    wanted = int(np.prod(shape)) * dtype.itemsize
    if wanted == 0:
        return np.empty(shape, dtype)
    found = path.stat().st_size if path.exists() else 0
    if found < wanted:
        raise DamagedLibrary(
            f"{path} has {found:,} bytes, wanted {wanted:,}: vectors are missing. "
            f"Make them again from the texts with: article-qa library repair --library {path.parent}"
        )
    return np.memmap(path, dtype, "r", shape=shape)


def cosines_of(vectors: HalfArray, rows: RowArray, question_vector: FloatArray) -> FloatArray:
    """Return the cosines of some rows, float32 (len(rows),); this sum, in this order, is what every search reports."""
    found = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        part = vectors[rows[start : start + BLOCK]].astype(np.float32)
        # Not part @ question_vector: BLAS may add up in another order for another number of rows.
        found[start : start + BLOCK] = np.einsum("ij,j->i", part, question_vector)
    _touched.add(vectors, len(rows))
    return found


class _Touched:
    """Counts rows read from large files here and there, and lets go of what they have brought into memory.

    Where one page is touched, Linux maps the fifteen around it too: after fifty questions a process would hold a whole
    file of vectors of which each question needs a few hundred rows. Counts may be lost to another thread; no harm.
    """

    def __init__(self) -> None:
        self.rows = 0

    def add(self, vectors: HalfArray, rows: int) -> None:
        if vectors.nbytes > LARGE:
            self.rows += rows
            if self.rows > HELD:
                self.rows = 0
                let_go(vectors)


_touched = _Touched()


def let_go(vectors: HalfArray) -> None:
    """Tell the system that the pages of a mapped file need not stay in this process; the next use maps them again."""
    base: object = vectors
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
