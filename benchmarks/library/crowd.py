"""A set of articles with questions goes in; what other articles around them cost in right answers comes out."""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.library.data import Asked, read, share
from benchmarks.library.kept import KeptEncoder
from index.build import cache_folder
from library import Incoming, Library, create_library
from library.store import sentences_in
from qa.answer import open_models
from qa.confidence import load_calibration
from qa.library_answer import LibraryAnswerer
from qa.retrieve import fuse, order

Outcome = dict[str, Any]  # a line of the kept file: what came of one question in one of the two libraries


def crowd(paths: Sequence[Path], kept: KeptEncoder, *, others: int, most: int, until: float) -> None:
    """Print what sentences of the other files, beside those of the first, cost in right articles and sentences.

    What came of each question is kept; a run that is broken off or comes to its end goes on when it is started again.
    """
    articles, asked = read(paths[:1])
    asked = asked[:: max(len(asked) // most, 1)][:most]
    rest, _ = read(paths[1:])
    # Copies of the same stories in another set would be right answers counted as wrong.
    mine = {one.article.text[:200] for one in articles}
    rest = [one for one in rest if one.article.text[:200] not in mine]
    _, reader = open_models(None, "trained", cache_folder())
    rounds: dict[str, list[Outcome]] = {}
    for name in ("alone", "crowded"):
        with create_library(kept.folder / f"crowd-{name}", kept) as library:
            library.add(articles, kept)
            if name == "crowded":
                _add_others(library, rest, kept, others=others, until=until)
            library.index_nearest()
            answerer = LibraryAnswerer(library, kept, reader, load_calibration(reader.name, library=True))
            held = library.statistics()
            file = kept.folder / f"crowd-{name}-{held.sentences}-{most}.jsonl"
            rounds[name] = _asked_of(answerer, asked, kept, file, until=until)
            print(f"\n{name}: {held.articles:,} articles, {held.sentences:,} sentences, {len(rounds[name])} questions")
            _print(rounds[name])
    both = list(zip(rounds["alone"], rounds["crowded"], strict=False))
    print(f"\nlost to the crowd, in points, with half a 95 % interval (n {len(both)}, the same questions):")
    for what in ("sentence P@1 of retrieval", "article read", "sentence right"):
        change = np.array([100.0 * (a[what] - b[what]) for a, b in both])
        print(f"  {what:26} {change.mean():.1f} ({1.96 * change.std() / max(len(both), 1) ** 0.5:.1f})")


def _add_others(library: Library, rest: Sequence[Incoming], kept: KeptEncoder, *, others: int, until: float) -> None:
    first = library.statistics().sentences
    for start in range(0, len(rest), 50):
        if library.statistics().sentences - first >= others or time.monotonic() > until:
            return
        library.add(rest[start : start + 50], kept)


def _asked_of(
    answerer: LibraryAnswerer, asked: Sequence[Asked], kept: KeptEncoder, file: Path, *, until: float
) -> list[Outcome]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    outcomes: list[Outcome] = [json.loads(line) for line in lines]
    vectors = kept.encode_queries([one.question for one in asked])
    with file.open("a", encoding="utf-8") as out:
        for one, vector in list(zip(asked, vectors, strict=True))[len(outcomes) :]:
            if time.monotonic() > until:
                print("The time is up; the same command goes on.")
                break
            outcomes.append(_outcome(answerer, one, vector))
            out.write(json.dumps(outcomes[-1]) + "\n")
            out.flush()
    return outcomes


def _outcome(answerer: LibraryAnswerer, one: Asked, vector: np.ndarray) -> Outcome:
    library = answerer.library
    owner = library.find(one.source).id
    with library.reading() as snapshot:
        search = snapshot.asked(one.question, vector)
        found = search.candidates()
        cosines = np.array([each.cosine for each in found], dtype=np.float32)
        bm25 = np.array([each.bm25 for each in found], dtype=np.float32)
        best = found[int(order(fuse(cosines, bm25, dense_weight=answerer.dense_weight))[0])].row
        rows, spans = snapshot.sentences_of(owner)
        sentences = sentences_in(snapshot.article(owner), spans)
        gold = {
            row
            for row, sentence in zip(rows, sentences, strict=True)
            if any(sentence.start < stop and start < sentence.end for start, stop in one.places)
        }
        ranked = [each.id for each in answerer.rank(search)]
    answer = answerer.ask(one.question)
    said = answer.sentence or answer.nearest_miss
    right = said is not None and any(
        place.source == one.source and any(place.start < stop and start < place.end for start, stop in one.places)
        for place in answer.places
    )
    return {
        "question": one.question,
        "sentence P@1 of retrieval": best in gold,
        "article P@1": owner in ranked[:1],
        "article R@10": owner in ranked[:10],
        "article read": owner in ranked[: answerer.articles_read],
        "sentence right": right,
        "confidence": answer.confidence,
        "ms": answer.ms["total"],
    }


def _print(outcomes: Sequence[Outcome]) -> None:
    for what in ("sentence P@1 of retrieval", "article P@1", "article read", "article R@10", "sentence right"):
        print(f"  {what:26} {share([one[what] for one in outcomes])}")
    spent = [one["ms"] for one in outcomes]
    if spent:
        print(f"  a question: median {statistics.median(spent):.0f} ms, 95 % under {np.percentile(spent, 95):.0f} ms")
    told: dict[int, list[bool]] = defaultdict(list)
    for one in outcomes:
        told[min(int(5 * one["confidence"]), 4)].append(one["sentence right"])
    for fifth, some in sorted(told.items()):
        print(f"  confidence {fifth / 5:.1f} to {fifth / 5 + 0.2:.1f}: {len(some):4} answers, {share(some)} right")
