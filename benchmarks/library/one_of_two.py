"""A folder of sentences, vectors and questions goes in; what one of two programs makes of them comes out.

Run by `benchmarks.library.beside`, here for txtai: with the Python of an environment that has it, so this file imports
nothing of the project.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WARMING = 50

Search = Callable[[str, Any], list[str]]  # question and its vector -> the ten best sentences, best first


def report_asked(folder: Path, place: Path, opened: Callable[[Path], Search]) -> None:
    """Open what was added; print time, memory, and the share of questions whose answer stands among the ten best."""
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    vectors = np.load(folder / "questions.npy")
    before = _memory()
    began = time.perf_counter()
    search = opened(place)
    opening = time.perf_counter() - began
    times, first, ten = [], 0, 0
    for (question, answers), vector in zip(questions.items(), vectors, strict=True):
        began = time.perf_counter()
        found = search(question, vector)
        times.append(1000 * (time.perf_counter() - began))
        right = [any(answer in text for answer in answers) for text in found]
        first += bool(right) and right[0]
        ten += any(right)
    warm = times[min(WARMING, len(times) // 2) :]
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    grown = [after - at_first for after, at_first in zip(_memory(), before, strict=True)]
    print(
        f"opened in {1000 * opening:.0f} ms; search median {statistics.median(warm):.1f} ms, 95 % under "
        f"{np.percentile(warm, 95):.1f} (n {len(warm)}); {size / 1e6:.0f} MB on disk; memory grew by "
        f"{grown[0]:.0f} MB, {grown[1]:.0f} of it not of mapped files; answer first {100 * first / len(times):.1f} %, "
        f"among ten {100 * ten / len(times):.1f} % (n {len(times)})"
    )


def _memory() -> tuple[float, float]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(status["VmRSS"].split()[0]) / 1024, int(status["RssAnon"].split()[0]) / 1024


def add(folder: Path, place: Path) -> None:
    """Put the sentences in txtai: vectors and words, texts kept, all else as it comes."""
    from txtai import Embeddings

    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    rows = {text: row for row, text in enumerate(texts)}

    def transform(some: list[str]) -> Any:
        return vectors[[rows[text] for text in some]]

    began = time.perf_counter()
    made = Embeddings(method="external", transform=transform, hybrid=True, content=True)
    made.index(enumerate(texts))
    made.config.pop("transform")  # a function cannot be kept, and is put back where it is opened
    made.save(str(place))
    print(f"added in {time.perf_counter() - began:.1f} s")


def opened(place: Path) -> Search:
    """Open it and return its search."""
    from txtai import Embeddings

    asked: dict[str, Any] = {}

    def transform(some: list[str]) -> Any:
        return np.stack([asked[text] for text in some])

    embeddings = Embeddings()
    embeddings.load(str(place))
    embeddings.model.transform = transform

    def search(question: str, vector: Any) -> list[str]:
        asked[question] = vector
        return [one["text"] for one in embeddings.search(question, 10)]

    return search


if __name__ == "__main__":
    if sys.argv[1] == "add":
        add(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        import txtai  # noqa: F401  # what importing it needs and takes is not what opening does

        report_asked(Path(sys.argv[2]), Path(sys.argv[3]), opened)
