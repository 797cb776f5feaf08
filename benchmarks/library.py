"""Articles with questions go in; how well and how fast a library finds their answers comes out.

    python -m benchmarks.library retrieval DATA/newsqa.jsonl.gz DATA/squad2.jsonl.gz     right article, right sentence
    python -m benchmarks.library growth DATA/*.jsonl.gz                  time and memory from 1,000 to 1,000,000 rows
    python -m benchmarks.library embedding DATA/newsqa.jsonl.gz          against sentence-transformers' own encode
    python -m benchmarks.library crowd DATA/newsqa.jsonl.gz DATA/*.gz    what other sentences cost in right answers
    python -m benchmarks.library stories DATA/newsqa.jsonl.gz            a folder added, asked, half changed

DATA are files of {id, title, paragraphs[], questions[{question, answers[{text, paragraph, start}]}]} lines.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from index.article import article_from_text
from index.build import cache_folder
from index.embeddings import Encoder, FloatArray, open_encoder, unit_rows
from index.terms import content_terms
from library import Incoming, Library, create_library
from qa.retrieve import by_max, fuse, order

BETWEEN = "\n\n"  # paragraphs
KEPT = "ARTICLE_QA_BENCHMARK"  # environment variable: a folder where libraries are kept from one run to the next


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the places of its answers in one article."""

    question: str
    source: str  # of the article
    places: tuple[tuple[int, int], ...]


def read(paths: Sequence[Path]) -> tuple[list[Incoming], list[Asked]]:
    """Return the articles of data files, and the questions that they answer."""
    articles: list[Incoming] = []
    asked: list[Asked] = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if "paragraphs" not in record:
                    continue
                starts = [0]
                for paragraph in record["paragraphs"]:
                    starts.append(starts[-1] + len(paragraph) + len(BETWEEN))
                text = BETWEEN.join(record["paragraphs"])
                article = article_from_text(text, title=record.get("title") or None, source=record["id"])
                articles.append(Incoming(article))
                if article.text != text:  # offsets would not hold
                    continue
                for question in record["questions"]:
                    places = tuple(
                        (
                            starts[one["paragraph"]] + one["start"],
                            starts[one["paragraph"]] + one["start"] + len(one["text"]),
                        )
                        for one in question.get("answers", ())
                        if one.get("start") is not None
                    )
                    if places and question.get("answerable", True) and not question.get("history"):
                        asked.append(Asked(question["question"], article.source, places))
    return articles, asked


def kept_library(name: str, articles: Sequence[Incoming], encoder: Encoder) -> Library:
    """Return a library of these articles, from an earlier run where it is kept."""
    home = Path(os.environ.get(KEPT) or tempfile.mkdtemp(prefix="article-qa-benchmark-"))
    library = create_library(home / name, encoder)
    library.add(articles, encoder)
    return library


# ── Right article, right sentence ────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Tally:
    """Hits of one way of ranking."""

    sentence1: list[bool]
    sentence10: list[bool]
    article1: list[bool]
    article3: list[bool]
    article10: list[bool]


Scores = Callable[[FloatArray, FloatArray, "Layout"], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which sentence is of which article: pairs, for a sentence may be of several."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    articles: np.ndarray[Any, np.dtype[np.int64]]
    count: int  # articles
    coverage: FloatArray  # for the question at hand: share of its weighed stems that each article has
    titled: FloatArray  # likewise, that its title has

    def best(self, scores: FloatArray) -> FloatArray:
        """Return for each article the score of its best sentence."""
        found = np.full(self.count, -1e9, dtype=np.float32)
        np.maximum.at(found, self.articles, scores[self.rows])
        return found

    def spread(self, of_articles: FloatArray, rows: int) -> FloatArray:
        """Return for each sentence the best of its articles."""
        found = np.full(rows, -1e9, dtype=np.float32)
        np.maximum.at(found, self.rows, of_articles[self.articles])
        return found

    def several(self, scores: FloatArray, *, count: int, decay: float) -> FloatArray:
        """Return for each article its best sentences' scores, each next one worth less by `decay`."""
        ranked = np.lexsort((-scores[self.rows], self.articles))
        articles, values = self.articles[ranked], scores[self.rows][ranked]
        place = np.arange(len(articles)) - np.searchsorted(articles, articles)
        found = np.zeros(self.count, dtype=np.float32)
        chosen = place < count
        np.add.at(found, articles[chosen], np.maximum(values[chosen], 0) * decay ** place[chosen])
        return found


def plain(weight: float) -> Scores:
    """Sentences at once, by fused relevance; an article is worth its best sentence."""

    def scores(cosines: FloatArray, bm25: FloatArray, layout: Layout) -> tuple[FloatArray, FloatArray]:
        fused = fuse(cosines, bm25, dense_weight=weight)
        return fused, layout.best(fused)

    return scores


def with_article(
    weight: float, share: float, *, count: int = 3, decay: float = 0.5, cover: float = 0, title: float = 0
) -> Scores:
    """Article first: the article's worth, from several of its sentences and its words, is added to each sentence's."""

    def scores(cosines: FloatArray, bm25: FloatArray, layout: Layout) -> tuple[FloatArray, FloatArray]:
        fused = fuse(cosines, bm25, dense_weight=weight)
        worth = (
            by_max(layout.several(fused, count=count, decay=decay)) + cover * layout.coverage + title * layout.titled
        )
        return fused + share * layout.spread(worth, len(fused)), worth

    return scores


WAYS: dict[str, Scores] = {
    "dense": plain(1.0),
    "BM25": plain(0.0),
    "fused 0.3": plain(0.3),
    "fused 0.5": plain(0.5),
    "fused 0.7": plain(0.7),
    "article first: best 2": with_article(0.5, 0.5, count=2),
    "article first: best 3": with_article(0.5, 0.5),
    "article first: best 5": with_article(0.5, 0.5, count=5, decay=0.7),
    "article first: best 3, dense 0.7": with_article(0.7, 0.5),
    "its words 0.5": with_article(0.5, 0.5, cover=0.5),
    "its words 1": with_article(0.5, 0.5, cover=1.0),
    "its words 0.5, dense 0.7": with_article(0.7, 0.5, cover=0.5),
    "its title 0.2": with_article(0.5, 0.5, title=0.2),
    "its title 0.5": with_article(0.5, 0.5, title=0.5),
    "its words and title": with_article(0.5, 0.5, cover=0.5, title=0.2),
}


def retrieval(paths: Sequence[Path]) -> None:
    """Print P@1 and R@10 of the right article and the right sentence, for each way of ranking."""
    articles, asked = read(paths)
    encoder = open_encoder(cache=cache_folder())
    library = kept_library("retrieval", articles, encoder)
    with library.reading() as snapshot:
        held = library.articles()
        number = {one.source: place for place, one in enumerate(held)}
        rows, owners, places = [], [], {}
        having: list[set[str]] = []
        titles: list[set[str]] = []
        for place, one in enumerate(held):
            own, spans = snapshot.sentences_of(one.id)
            rows += own
            owners += [place] * len(own)
            places[one.source] = list(zip(own, spans, strict=True))
            having.append(set(content_terms(snapshot.article(one.id).text)))
            titles.append(set(content_terms(one.title)))
        documents: dict[str, int] = defaultdict(int)
        for stems in having:
            for stem in stems:
                documents[stem] += 1
        idf = {stem: float(np.log(1 + (len(held) - n + 0.5) / (n + 0.5))) for stem, n in documents.items()}
        vectors = snapshot.vectors.astype(np.float32)
        questions = encoder.encode_queries([one.question for one in asked])
        tallies = {name: Tally([], [], [], [], []) for name in WAYS}
        for one, vector in zip(asked, questions, strict=True):
            gold = {
                row
                for row, (start, end, _) in places[one.source]
                if any(start < stop and begin < end for begin, stop in one.places)
            }
            search = snapshot.asked(one.question, vector)
            cosines, bm25 = vectors @ vector, search._scores
            stems = set(content_terms(one.question))
            weight = sum(idf.get(stem, 0.0) for stem in stems) or 1.0
            coverage = np.array([sum(idf[s] for s in stems & has) / weight for has in having], dtype=np.float32)
            titled = np.array([sum(idf.get(s, 0.0) for s in stems & has) / weight for has in titles], dtype=np.float32)
            layout = Layout(np.array(rows), np.array(owners), len(held), coverage, titled)
            for name, scores in WAYS.items():
                of_sentences, of_articles = scores(cosines, bm25, layout)
                best, best_articles = order(of_sentences)[:10], order(of_articles)[:10]
                tally = tallies[name]
                tally.sentence1.append(int(best[0]) in gold)
                tally.sentence10.append(not gold.isdisjoint(best.tolist()))
                tally.article1.append(int(best_articles[0]) == number[one.source])
                tally.article3.append(number[one.source] in best_articles[:3])
                tally.article10.append(number[one.source] in best_articles)
    print(f"{len(held):,} articles, {len(vectors):,} sentences, {len(asked):,} questions (half a 95 % interval)")
    print(f"{'':32} " + "   ".join(f"{name:>12}" for name in ("sentence P@1", "R@10", "article P@1", "R@3", "R@10")))
    for name, tally in tallies.items():
        cells = (tally.sentence1, tally.sentence10, tally.article1, tally.article3, tally.article10)
        print(f"{name:32} " + "   ".join(f"{share(hits):>12}" for hits in cells))


# ── Time and memory ──────────────────────────────────────────────────────────────────────────────────────────────────

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUESTIONS = 200
WARMING = 50
SENTENCES_OF_ARTICLE = 30


class KnownVectors:
    """Gives back vectors made before, so that a library's own time is measured; others are mixed of known ones."""

    def __init__(self, encoder: Encoder, texts: Sequence[str], vectors: FloatArray) -> None:
        self.name, self.fingerprint, self.dim = encoder.name, encoder.fingerprint, encoder.dim
        self.seconds = 0.0
        self._rows = {" ".join(text.split()): row for row, text in enumerate(texts)}
        self._vectors = vectors

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the known or mixed vectors, float32 (len(texts), dim), rows of length 1."""
        began = time.perf_counter()
        found = np.empty((len(texts), self.dim), dtype=np.float32)
        for place, text in enumerate(texts):
            row = self._rows.get(text)
            if row is not None:
                found[place] = self._vectors[row]
            else:
                rng = np.random.default_rng(abs(hash(text)))
                one, two = rng.integers(len(self._vectors), size=2)
                noise = rng.standard_normal(self.dim) * 0.5 / self.dim**0.5
                found[place] = self._vectors[one] + 0.5 * self._vectors[two] + noise
        self.seconds += time.perf_counter() - began
        return unit_rows(found)

    encode_queries = encode_documents


def growth(paths: Sequence[Path], *, largest: int = SIZES[-1]) -> None:
    """Print, for growing libraries, what adding, opening and searching cost."""
    home = Path(os.environ.get(KEPT) or tempfile.mkdtemp(prefix="article-qa-benchmark-"))
    home.mkdir(parents=True, exist_ok=True)
    real = open_encoder(cache=cache_folder())
    articles, asked = read(paths)
    texts, vectors = _embedded(articles, real, home, most=largest)
    questions = [one.question for one in asked][:: max(len(asked) // (QUESTIONS + WARMING), 1)][: QUESTIONS + WARMING]
    np.save(home / "questions.npy", real.encode_queries(questions))
    (home / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    print(f"{len(texts):,} real sentences; beyond those, texts are halves of two joined and vectors are mixed of two.")
    known = KnownVectors(real, texts, vectors)
    folder = home / "growth"
    shutil.rmtree(folder, ignore_errors=True)
    lines = _lines(texts)
    with create_library(folder, known) as library:
        have = 0
        for size in (one for one in SIZES if one <= largest):
            known.seconds = 0.0
            began = time.perf_counter()
            library.add(_articles(lines, size - have, first=have), known)
            adding = time.perf_counter() - began - known.seconds
            grown = library.statistics().sentences
            began = time.perf_counter()
            described = library.index_nearest()
            indexing = time.perf_counter() - began
            print(
                f"\n{grown:,} sentences ({min(grown, len(texts)):,} real): added {(grown - have) / adding:,.0f} a"
                f" second after embedding; file of codes in {indexing:.1f} s"
                + (f" ({described.kind}, {described.probes} cells, recall {described.recall})" if described else "")
            )
            have = grown
            print(f"  disk: {sum(library.statistics().bytes.values()) / 1e6:,.0f} MB")
            ran = subprocess.run([sys.executable, "-c", ASKING, str(folder), str(home)], capture_output=True, text=True)
            print(ran.stdout.rstrip() if ran.returncode == 0 else ran.stderr)
            library.close()


ASKING = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from library import open_library
home = Path(sys.argv[2])
questions, vectors = json.loads((home / "questions.json").read_text()), np.load(home / "questions.npy")
from benchmarks.library import WARMING, asking
began = time.perf_counter()
library = open_library(Path(sys.argv[1]))
with library.reading() as snapshot:
    opened = time.perf_counter() - began
    snapshot.asked(questions[0], vectors[0]).candidates()
first = time.perf_counter() - began
asking(library, questions, vectors, opened, first)
"""


def asking(library: Library, questions: Sequence[str], vectors: FloatArray, opened: float, first: float) -> None:
    """Print how long searches take, what memory they need, and what share of the ten nearest they find."""
    times: list[float] = []
    dense: list[float] = []
    for question, vector in zip(questions, vectors, strict=True):
        began = time.perf_counter()
        with library.reading() as snapshot:
            snapshot.asked(question, vector).candidates()
        times.append(1000 * (time.perf_counter() - began))
    # Not getrusage: what it says of a process begins with what the one that started it had.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    memory, private = (int(status[name].split()[0]) / 1024 for name in ("VmHWM", "RssAnon"))
    hits = 0
    with library.reading() as snapshot:
        best = np.full((len(questions), 10), -2, dtype=np.float32)
        rows = np.zeros((len(questions), 10), dtype=np.int64)
        for start in range(0, len(snapshot.vectors), 65_536):
            found = vectors @ snapshot.vectors[start : start + 65_536].astype(np.float32).T
            both = np.concatenate([best, found], axis=1)
            at = np.concatenate([rows, np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)], axis=1)
            top = np.argpartition(-both, 9, axis=1)[:, :10]
            best, rows = np.take_along_axis(both, top, axis=1), np.take_along_axis(at, top, axis=1)
        for question, vector, nearest in zip(questions, vectors, rows, strict=True):
            began = time.perf_counter()
            found, _ = snapshot.asked(question, vector).nearest(10)
            dense.append(1000 * (time.perf_counter() - began))
            hits += len(np.intersect1d(found, nearest))
    warm = times[WARMING:]
    print(
        f"  opened in {1000 * opened:.0f} ms, first search after {1000 * first:.0f} ms; {len(warm)} questions asked for"
        f" the first time: median {statistics.median(warm):.1f} ms, 95 % under {np.percentile(warm, 95):.1f} ms"
    )
    print(f"  meaning alone, words known: median {statistics.median(dense):.1f} ms")
    print(
        f"  memory {memory:,.0f} MB at most, {private:,.0f} MB of it not of files; "
        f"recall@10 {hits / (10 * len(rows)):.4f}"
    )


def _embedded(articles: Sequence[Incoming], encoder: Encoder, home: Path, *, most: int) -> tuple[list[str], FloatArray]:
    """Sentences of the articles, each once, and their vectors, kept from one run to the next."""
    from index.sentences import split_sentences

    texts = list(dict.fromkeys(" ".join(s.text.split()) for one in articles for s in split_sentences(one.article.text)))
    texts = texts[:most]
    kept = home / f"vectors-{len(texts)}.npy"
    if not kept.exists():
        began = time.perf_counter()
        parts = [encoder.encode_documents(texts[start : start + 2048]) for start in range(0, len(texts), 2048)]
        np.save(kept, np.concatenate(parts))
        print(f"{len(texts):,} sentences embedded, {len(texts) / (time.perf_counter() - began):,.0f} a second")
    return texts, np.load(kept)


def _lines(texts: Sequence[str]) -> Iterator[str]:
    """The texts, and then for ever halves of two joined."""
    yield from texts
    rng = np.random.default_rng(0)
    while True:
        one, two = (texts[int(place)].split() for place in rng.integers(len(texts), size=2))
        joined = " ".join([*one[: len(one) // 2], *two[len(two) // 2 :]])
        if joined:
            yield joined


def _articles(lines: Iterator[str], sentences: int, *, first: int) -> Iterator[Incoming]:
    for start in range(0, sentences, SENTENCES_OF_ARTICLE):
        some = [next(lines) for _ in range(min(SENTENCES_OF_ARTICLE, sentences - start))]
        if any(any(map(str.isalnum, line)) for line in some):
            yield Incoming(article_from_text(BETWEEN.join(some), title="An article", source=f"article {first + start}"))


def embedding(paths: Sequence[Path]) -> None:
    """Print how fast sentences are embedded, beside sentence-transformers' own encode, in turn."""
    from index.embeddings import OnnxEncoder, SentenceTransformerEncoder, default_model_folder, default_threads
    from index.sentences import split_sentences

    articles, _ = read(paths)
    texts = list(dict.fromkeys(s.text for one in articles for s in split_sentences(one.article.text)))[:2_000]
    folder = default_model_folder()
    ours, theirs = OnnxEncoder(folder, cache=cache_folder()), SentenceTransformerEncoder(folder)
    difference = float(np.abs(ours.encode_documents(texts[:200]) - theirs.encode_documents(texts[:200])).max())
    speeds: dict[str, list[float]] = {"ours": [], "sentence-transformers": []}
    for _ in range(5):
        for name, encoder in (("ours", ours), ("sentence-transformers", theirs)):
            began = time.perf_counter()
            encoder.encode_documents(texts)
            speeds[name].append(len(texts) / (time.perf_counter() - began))
    print(f"{len(texts):,} sentences, {default_threads()} threads; vectors differ by {difference:.1e} at most")
    for name, found in speeds.items():
        print(f"  {name:22} {statistics.median(found):6.0f} a second ({min(found):.0f} to {max(found):.0f})")
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["sentence-transformers"], strict=True)]
    print(f"  times as fast          {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def crowd(paths: Sequence[Path], *, others: int = 100_000, most: int = 400) -> None:
    """Print what other sentences beside those of the first file cost in right articles and right sentences."""
    from qa.answer import open_models
    from qa.confidence import load_calibration
    from qa.library_answer import LibraryAnswerer

    encoder, reader = open_models(None, "trained", cache_folder())
    articles, asked = read(paths[:1])
    asked = asked[:: max(len(asked) // most, 1)][:most]
    rest, _ = read(paths[1:])
    # Copies of the same stories in another set would be right answers counted as wrong.
    mine = {one.article.text[:200] for one in articles}
    rest = [one for one in rest if one.article.text[:200] not in mine]
    home = Path(os.environ.get(KEPT) or tempfile.mkdtemp(prefix="article-qa-benchmark-"))
    library = create_library(home / "crowd", encoder)
    library.add(articles, encoder)
    for round_ in ("alone", "crowded"):
        if round_ == "crowded":
            for start in range(0, len(rest), 50):
                if library.statistics().sentences > others:
                    break
                library.add(rest[start : start + 50], encoder)
            library.index_nearest()
        answerer = LibraryAnswerer(library, encoder, reader, load_calibration(reader.name))
        hits: dict[str, list[bool]] = defaultdict(list)
        told: list[tuple[float, bool]] = []
        spent: list[float] = []
        for one in asked:
            vector = encoder.encode_queries([one.question])[0]
            with library.reading() as snapshot:
                ranked = answerer.rank(snapshot.asked(one.question, vector))
                owners = [library.find(one.source).id]
            hits["article P@1"].append(ranked[0].id in owners)
            hits["article R@10"].append(any(r.id in owners for r in ranked[:10]))
            hits["article read"].append(any(r.id in owners for r in ranked[: answerer.articles_read]))
            answer = answerer.ask(one.question)
            spent.append(answer.ms["total"])
            best = answer.sentence or answer.nearest_miss
            right = best is not None and any(
                place.source == one.source
                and any(place.start < stop and begin < place.end for begin, stop in one.places)
                for place in answer.places
            )
            hits["sentence right"].append(right)
            told.append((answer.confidence, right))
        held = library.statistics()
        print(f"\n{round_}: {held.articles:,} articles, {held.sentences:,} sentences, {len(asked)} questions")
        for name, found in hits.items():
            print(f"  {name:16} {share(found)}")
        print(f"  a question: {statistics.median(spent):.0f} ms (median), 95 % under {np.percentile(spent, 95):.0f} ms")
        for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
            some = [right for confidence, right in told if low <= confidence < high]
            if some:
                print(f"  confidence {low:.1f} to {min(high, 1):.1f}: {len(some):4} answers, {share(some)} right")


def stories(paths: Sequence[Path], *, count: int = 300) -> None:
    """Print how long it takes to add a folder of stories, to ask, to change half of them, and to ask again."""
    from library.sources import listed, read_sources
    from qa.answer import open_models
    from qa.confidence import load_calibration
    from qa.library_answer import LibraryAnswerer

    encoder, reader = open_models(None, "trained", cache_folder())
    articles, asked = read(paths)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "stories"
        folder.mkdir()
        for number, one in enumerate(articles[:count]):
            (folder / f"{number:03}.txt").write_text(one.article.text, encoding="utf-8")
        questions = [one.question for one in asked[:40]]
        with create_library(Path(place) / "library", encoder) as library:
            answerer = LibraryAnswerer(library, encoder, reader, load_calibration(reader.name))

            def add(what: str) -> None:
                began = time.perf_counter()
                read = (one for _, one in read_sources(listed([str(folder)]), stamps=library.stamps()))
                done = library.add((one for one in read if isinstance(one, Incoming)), encoder)
                print(f"{what}: {time.perf_counter() - began:.2f} s; {done}")

            def ask(what: str) -> None:
                times = []
                for question in questions:
                    began = time.perf_counter()
                    answerer.ask(question)
                    times.append(1000 * (time.perf_counter() - began))
                print(f"{what}: {len(times)} questions, median {statistics.median(times):.0f} ms")

            encoder.encode_documents(["Warm."])
            add(f"{count} stories added")
            ask("asked")
            add("the same again")
            for number, path in enumerate(sorted(folder.iterdir())):
                if number % 2:
                    path.write_text(
                        path.read_text(encoding="utf-8") + "\n\nThis was corrected on Monday.\n", encoding="utf-8"
                    )
            add("half of them changed by a sentence")
            ask("asked again")


def share(hits: Sequence[bool]) -> str:
    """Return the share of hits in per cent, with half its 95 % interval (Wald)."""
    found = sum(hits) / max(len(hits), 1)
    return f"{100 * found:.1f} ({196 * (found * (1 - found) / max(len(hits), 1)) ** 0.5:.1f})"


def machine() -> str:
    """Return what the figures were taken on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("faiss-cpu", "numpy", "onnxruntime"))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {libraries}"


def main() -> None:
    """Run one of the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("retrieval", "growth", "embedding", "crowd", "stories"))
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="growth: sentences at most")
    arguments = parser.parse_args()
    print(machine())
    if arguments.what == "growth":
        growth(arguments.data, largest=arguments.largest)
    else:
        {"retrieval": retrieval, "embedding": embedding, "crowd": crowd, "stories": stories}[arguments.what](
            arguments.data
        )


if __name__ == "__main__":
    main()
