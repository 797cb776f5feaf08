"""Vectors go in, more and more; what each kind of index finds of the ten nearest, and in what time, comes out."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.library.data import read, sentences_of
from benchmarks.library.growth import MixedEncoder, exactly, lines_of
from benchmarks.library.kept import KeptEncoder
from index.embeddings import FloatArray, default_threads
from library.nearest import REFINED, Nearest, build
from library.vectors import cosines_of

SIZES = (10_000, 25_000, 50_000, 100_000, 200_000)
QUESTIONS = 200
K = 10
WANTED = 100  # neighbours that a question to a library asks for
LINKS = 32  # of a node of HNSW


def nearest(paths: Sequence[Path], kept: KeptEncoder, *, largest: int, graph_at: int, until: float) -> None:
    """Print time and recall@10 of comparing all, of IVF with 8-bit codes as the library makes it, and of HNSW."""
    faiss.omp_set_num_threads(default_threads())
    articles, asked = read(paths)
    texts = sentences_of(articles)
    print(f"{sum(map(kept.knows, texts)):,} real vectors first, then mixed ones; {QUESTIONS} real questions")
    questions = kept.encode_queries([one.question for one in asked][:: max(len(asked) // QUESTIONS, 1)][:QUESTIONS])
    encoder = MixedEncoder(kept, texts)
    lines = list(lines_of(texts, min(largest, max(SIZES))))
    for size in (one for one in SIZES if one <= largest):
        if time.monotonic() > until:
            print("The time is up.")
            return
        parts = [encoder.encode_documents(lines[at : min(at + 8192, size)]) for at in range(0, size, 8192)]
        vectors = np.concatenate(parts).astype(np.float16)
        best = exactly(vectors, questions, k=K)
        print(f"\n{size:,} vectors; asked for {WANTED} neighbours, recall counted in the first {K}")
        with tempfile.TemporaryDirectory() as place:
            _report(
                "every vector compared", _searching(Nearest(Path(place), vectors, None, None)), questions, best, 0.0, 0
            )
            began = time.perf_counter()
            described = build(Path(place), vectors, "0", None)
            spent = time.perf_counter() - began
            name = f"{described.kind}, {described.probes} cells"
            codes = _searching(Nearest(Path(place), vectors, described, None))
            _report(name, codes, questions, best, spent, described.bytes)
        if size == graph_at:
            _graph(vectors, questions, best)


def _searching(chosen: Nearest) -> Callable[[FloatArray], np.ndarray]:
    allowed = np.ones(len(chosen.vectors), dtype=np.bool_)
    return lambda vector: chosen.search(vector, k=WANTED, allowed=allowed, count=len(allowed))[0]


def _graph(vectors: np.ndarray, questions: FloatArray, best: np.ndarray) -> None:
    began = time.perf_counter()
    codes: Any = faiss.index_factory(vectors.shape[1], f"HNSW{LINKS}_SQ8", faiss.METRIC_INNER_PRODUCT)
    codes.train(vectors[::4].astype(np.float32))
    codes.add(vectors.astype(np.float32))
    spent = time.perf_counter() - began
    size = len(faiss.serialize_index(codes))
    for effort in (128, 256, 512, 1024):
        parameters = faiss.SearchParametersHNSW(efSearch=max(effort, REFINED * K))  # type: ignore[attr-defined]

        def search(vector: FloatArray, parameters: Any = parameters, effort: int = effort) -> np.ndarray:
            found = codes.search(vector[None], min(REFINED * WANTED, effort), params=parameters)[1][0]
            rows = found[found >= 0]
            return np.asarray(rows[np.argsort(-cosines_of(vectors, rows, vector), kind="stable")])

        _report(f"HNSW{LINKS}, 8 bits, looks at {effort}", search, questions, best, spent, size)


def _report(
    name: str,
    search: Callable[[FloatArray], np.ndarray],
    questions: FloatArray,
    best: np.ndarray,
    made: float,
    size: int,
) -> None:
    search(questions[0])
    times, hits = [], 0
    for vector, rows in zip(questions, best, strict=True):
        began = time.perf_counter()
        found = search(vector)
        times.append(1000 * (time.perf_counter() - began))
        hits += len(np.intersect1d(found[:K], rows))
    print(
        f"  {name:32} median {statistics.median(times):5.1f} ms, 95 % under {np.percentile(times, 95):5.1f}; recall "
        f"{hits / best.size:.4f}; made in {made:.1f} s, {size / 1e6:.0f} MB",
        flush=True,
    )
