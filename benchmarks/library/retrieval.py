"""Articles with questions go in; how often each way of ranking finds the right sentence and article comes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.library.data import read, share
from benchmarks.library.kept import KeptEncoder
from index.embeddings import FloatArray
from index.terms import content_terms
from library import create_library
from qa.retrieve import by_max, fuse, order


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


def retrieval(paths: Sequence[Path], kept: KeptEncoder) -> None:
    """Print P@1 and R@10 of the right article and the right sentence, for each way of ranking."""
    articles, asked = read(paths)
    library = create_library(kept.folder / "retrieval", kept)
    library.add(articles, kept)
    with library.reading() as snapshot:
        held = library.articles()
        number = {one.source: place for place, one in enumerate(held)}
        rows, owners, places = [], [], {}
        having: list[set[str]] = []
        titles: list[set[str]] = []
        for place, article in enumerate(held):
            own, spans = snapshot.sentences_of(article.id)
            rows += own
            owners += [place] * len(own)
            places[article.source] = list(zip(own, spans, strict=True))
            having.append(set(content_terms(snapshot.article(article.id).text)))
            titles.append(set(content_terms(article.title)))
        documents: dict[str, int] = defaultdict(int)
        for stems in having:
            for stem in stems:
                documents[stem] += 1
        idf = {stem: float(np.log(1 + (len(held) - n + 0.5) / (n + 0.5))) for stem, n in documents.items()}
        vectors = snapshot.vectors.astype(np.float32)
        questions = kept.encode_queries([one.question for one in asked])
        tallies = {name: Tally([], [], [], [], []) for name in WAYS}
        for one, vector in zip(asked, questions, strict=True):
            gold = {
                row
                for row, (start, end, _) in places[one.source]
                if any(start < stop and begin < end for begin, stop in one.places)
            }
            search = snapshot.asked(one.question, vector)
            cosines, bm25 = vectors @ vector, search.bm25(np.arange(len(vectors)))
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
