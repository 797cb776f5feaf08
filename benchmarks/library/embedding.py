"""Sentences go in; how fast they are embedded comes out, beside sentence-transformers' own `encode`, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.library.data import read, sentences_of
from index.build import cache_folder
from index.embeddings import OnnxEncoder, SentenceTransformerEncoder, default_model_folder, default_threads

ROUNDS = 5


def embedding(paths: Sequence[Path], *, most: int, until: float) -> None:
    """Print sentences a second of both, and how many times as fast ours is, in each of some rounds."""
    texts = sentences_of(read(paths)[0])[:most]
    folder = default_model_folder()
    ours, theirs = OnnxEncoder(folder, cache=cache_folder()), SentenceTransformerEncoder(folder)
    some = texts[: max(len(texts) // 4, 1)]
    # Both are warm after this.
    difference = float(np.abs(ours.encode_documents(texts)[: len(some)] - theirs.encode_documents(some)).max())
    rounds: list[tuple[float, float]] = []
    while len(rounds) < ROUNDS and (not rounds or time.monotonic() < until):
        speeds = []
        for encoder in (ours, theirs):
            began = time.perf_counter()
            encoder.encode_documents(texts)
            speeds.append(len(texts) / (time.perf_counter() - began))
        rounds.append((speeds[0], speeds[1]))
    print(f"{len(texts):,} sentences, {default_threads()} threads; vectors differ by {difference:.1e} at most")
    for name, found in (
        ("ours, a second", [a for a, _ in rounds]),
        ("sentence-transformers", [b for _, b in rounds]),
        ("times as fast", [a / b for a, b in rounds]),
    ):
        print(f"  {name:22} {statistics.median(found):8.2f} ({min(found):.2f} to {max(found):.2f}, n {len(found)})")
