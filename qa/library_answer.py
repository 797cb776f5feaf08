"""A question comes in; the exact sentence of one article among many goes out, or that none of them says it.

    question ─► library: the nearest and the best by words ─► the best articles ─► each is read as if asked alone
             ─► one Reading of all ─► confidence ─► Answer, with every article that has the sentence

A reader gives each article shares for its sentences and for "none". Shares of two articles cannot be compared; a
sentence's share over that article's "none" can, because "none" stands for the same in each. So these odds are put
together: the share of a sentence is its odds over 1 + all odds. With the trained reader, whose "none" has a fixed
logit, that is the softmax over all sentences of all articles read, the one it was trained with.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.build import ArticleIndex, Manifest, cache_folder
from index.embeddings import Encoder, FloatArray, unit_rows
from index.faiss_store import FaissStore
from index.sentences import SPLITTER
from index.terms import TERMS, Terms
from library import Library, Only, Place, Snapshot, library_folder, open_library
from library import only as only_these
from library.store import CANDIDATES, sentences_in
from qa.answer import (
    DEFAULT_READER,
    USER_CACHE,
    Answer,
    Answerer,
    Clock,
    Heard,
    Passage,
    hear,
    open_models,
    unasked,
    why_not,
)
from qa.confidence import Calibration, load_calibration
from qa.dialogue import Turn, Understood
from qa.reader import Reader, Reading, ReadSentence
from qa.retrieve import DENSE_WEIGHT, Candidate, fuse, order, retrieve
from qa.show import answer_dict, as_dict, as_text, one_line, source_line
from qa.spelling import Vocabulary, mended, vocabulary

if TYPE_CHECKING:
    from library.store import Asked

ARTICLES_READ = 3  # the best; each costs as much as a question to it alone
COUNTED, DECAY = 3, 0.5  # sentences of an article that make its worth, and what each next one counts of the last
LONGEST_READ = 1_000  # sentences of an article that are looked at; of a longer one, those around its best
VIEWS_KEPT = 64  # articles ready to be read, of the last questions
PLACED = 10  # of the best sentences, every article is said; of the others, the one where it was read
PLACES_SHOWN = 20  # of one sentence, in a terminal
LEAST_NONE = 1e-30  # a share of 0 would make the odds infinite


@dataclass(frozen=True, slots=True)
class LibraryCandidate(Candidate):
    """A candidate of one of several articles; its row and ranks are those in its article."""

    places: tuple[Place, ...]  # where it stands, once for each article; the first is where it was read


@dataclass(frozen=True, slots=True)
class RankedArticle:
    """An article that may hold the answer."""

    id: int
    worth: float  # the fused relevance of its best sentences, see `worth_of`
    row: int  # of the best of them, in the library
    number: int  # of it, in the article


@dataclass(frozen=True, slots=True)
class _View:
    """An article of the library, ready to be read."""

    article_index: ArticleIndex
    number: int  # of the article
    rows: tuple[int, ...]  # of its sentences, in the library
    first: int  # number of the first of these sentences in the article


class LibraryAnswerer:
    """Answers questions about all articles of a library, or about some."""

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        reader: Reader,
        calibration: Calibration,
        *,
        which: Only | None = None,
        min_confidence: float | None = None,
        dense_weight: float | None = None,
        articles_read: int = ARTICLES_READ,
    ) -> None:
        """`which` limits it to some articles; the other options are those of `Answerer`. Raises LibraryMismatch."""
        library.refuse_mismatch(encoder)
        self.library = library
        self.encoder = encoder
        self.reader = reader
        self.calibration = calibration
        self.which = which
        self.min_confidence = calibration.threshold if min_confidence is None else min_confidence
        self.dense_weight = DENSE_WEIGHT if dense_weight is None else dense_weight
        self.articles_read = articles_read
        self._views: OrderedDict[tuple[int, str, int], _View] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return the answer to a question in the light of earlier turns (oldest first). Raises for no question text."""
        clock = Clock()
        heard = hear(question, history)
        if heard.complaint:
            return unasked(heard.asked, heard.complaint, clock.laps("decide"))
        clock.lap("understand")
        with self.library.reading() as snapshot:
            once, search, views = self._looked_for(snapshot, heard.understood)
            plain = mended(heard.asked, search.words.unmentioned, lambda: _words_of(views))
            if plain != heard.asked:  # the articles that the other words found know how it is spelt
                typed = heard.asked
                heard = hear(question, history, spelt=lambda text: plain if text == typed else text)
                once, search, views = self._looked_for(snapshot, heard.understood)
            if not views:
                return unasked(heard.asked, self._nothing(snapshot), clock.laps("retrieve"))
            understood = heard.understood
            clock.lap("retrieve")
            first = self._same_article(views, understood)
            answer, home = self._read(snapshot, once, heard, first)
            if not answer.answered and len(first) < len(views):
                answer, home = self._read(snapshot, once, heard, views)
            clock.lap("read")
            unmentioned = search.words.unmentioned
        best = answer.candidates[0].candidate
        return replace(
            answer,
            question=heard.asked,
            unmentioned=unmentioned,
            reason=_reason(answer, unmentioned),
            home=home.article_index,
            places=best.places if isinstance(best, LibraryCandidate) else (),
            ms=clock.laps("decide"),
        )

    def _looked_for(self, snapshot: Snapshot, understood: Understood) -> tuple[_Once, Asked, list[_View]]:
        """The question embedded, what is near it, and the best articles ready to be read; none where nothing is near.

        Of a follow-up, the article that answered before stands first, where anything in it is near at all.
        """
        once = _Once(self.encoder, understood.search)
        search = snapshot.asked(understood.search, once.vector, which=self.which)
        before = understood.turns[-1].article if understood.turns else None
        ranked = sorted(self.rank(search), key=lambda one: one.id != before)
        return once, search, [self.view(snapshot, one.id, one.number) for one in ranked[: self.articles_read]]

    def _same_article(self, views: list[_View], understood: Understood) -> list[_View]:
        """Of a follow-up, only the article that answered before: "When was he born?" means its "he", and no other."""
        stays = bool(understood.turns) and understood.turns[-1].article == views[0].number
        return views[:1] if stays else views

    def _read(self, snapshot: Snapshot, once: _Once, heard: Heard, views: Sequence[_View]) -> tuple[Answer, _View]:
        """The answer of some articles, as yet without its times, and the article it stands in."""
        understood = heard.understood
        candidates = [
            retrieve(understood.search, view.article_index, once, dense_weight=self.dense_weight) for view in views
        ]
        readings = [
            self.reader.read(heard.plain, understood.turns, view.article_index, some)
            for view, some in zip(views, candidates, strict=True)
        ]
        reading, which_view = put_together(readings, [view.rows for view in views])
        homes = [views[place] for place in which_view]
        reading = self._placed(reading, homes, snapshot)
        return self._alone(homes[0]).decide(heard.plain, understood.shown, reading), homes[0]

    @property
    def described(self) -> str:
        """What is asked, in a line for people."""
        held = self.library.statistics()
        some = f", only {self.which.said}" if self.which else ""
        return f"{held.folder.name}: {held.said}{some}."

    def as_text(self, answer: Answer, *, k: int = 1, bold: bool = False) -> str:
        """Return an answer of the library as lines for people, with its articles and the k - 1 that came next."""
        if answer.home is None:
            return answer.reason or ""
        lines = [as_text(answer, answer.home, bold=bold)]
        for number, place in enumerate(answer.places[:PLACES_SHOWN]):
            lines.append(f"  {'In' if number == 0 else 'Also in'}: {_named(place)}")
        if len(answer.places) > PLACES_SHOWN:
            lines.append(f"  and in {len(answer.places) - PLACES_SHOWN:,} more")
        others = answer.candidates[1:k]
        if others:
            lines.append("Next best:")
        for rank, other in enumerate(others, start=2):
            where = f"{one_line(_home(other).title)}; relevance {other.relevance:.2f}"
            lines.append(f"  {rank}. {one_line(other.candidate.sentence.text)} ({where})")
        return "\n".join(lines)

    def as_dict(self, answer: Answer) -> dict[str, Any]:
        """Return an answer of the library as JSON types: as of a single article, with the places of each sentence."""
        library: dict[str, Any] = {"folder": str(self.library.folder), "only": self.which.said if self.which else None}
        if answer.home is None:
            return {**answer_dict(answer), "reason": answer.reason, "library": library}
        record = as_dict(answer, answer.home)
        for told, read in zip(record["candidates"], answer.candidates, strict=True):
            told["article"] = _home(read).source
        return {**record, "places": [asdict(place) for place in answer.places], "library": library}

    def rank(self, search: Asked) -> list[RankedArticle]:
        """Return the articles that may hold the answer, the best first.

        An article whose candidates all stand in better ones is left out: of ten copies of a story, one is read.
        """
        found = search.candidates(k=CANDIDATES)
        if not found:
            return []
        cosines = np.array([one.cosine for one in found], dtype=np.float32)
        bm25 = np.array([one.bm25 for one in found], dtype=np.float32)
        fused = fuse(cosines, bm25, dense_weight=self.dense_weight)
        places = search.snapshot.places([one.row for one in found], search.which)
        said: dict[int, list[tuple[float, int, int]]] = {}  # article: its candidates, best first
        for place in order(fused):
            row = found[place].row
            for number, one in {one.article: one for one in reversed(places[row])}.items():
                said.setdefault(number, []).append((float(fused[place]), row, one.number))
        ranked = [
            RankedArticle(number, worth_of([value for value, _, _ in own]), own[0][1], own[0][2])
            for number, own in said.items()
        ]
        ranked.sort(key=lambda article: (-article.worth, article.id))
        told: set[int] = set()
        something_new = []
        for article in ranked:
            rows = {row for _, row, _ in said[article.id]}
            if not rows <= told:
                something_new.append(article)
                told |= rows
        return something_new

    def view(self, snapshot: Snapshot, number: int, around: int = 0) -> _View:
        """Return an article by its number, ready to be read; of a long one, the part around one of its sentences."""
        held = snapshot.article(number)
        rows, places = snapshot.sentences_of(number)
        first = 0
        if len(rows) > LONGEST_READ:
            # Away from the beginning, where the reader gives a sentence credit for standing at the top.
            first = min(max(around - LONGEST_READ // 2, 0), len(rows) - LONGEST_READ)
            rows, places = rows[first : first + LONGEST_READ], places[first : first + LONGEST_READ]
        key = (number, held.fingerprint, first)
        with self._lock:
            kept = self._views.get(key)
            if kept is not None and kept.rows == tuple(rows):  # a compaction numbers rows anew
                self._views.move_to_end(key)
                return kept
        sentences = sentences_in(held, places)
        vectors: FloatArray = unit_rows(snapshot.vectors[rows].astype(np.float32))
        manifest = Manifest(
            format=0, article=held.fingerprint, title=held.title, source=held.source, characters=len(held.text),
            sentences=len(sentences), splitter=SPLITTER, terms=TERMS, model=self.encoder.name,
            model_fingerprint=self.encoder.fingerprint, dim=self.encoder.dim, built="", libraries={},
        )  # fmt: skip
        # Where an article is looked at in part, what the reader remembers of it is of that part.
        article = (
            held
            if len(rows) == len(sentences) and not first
            else replace(held, fingerprint=f"{held.fingerprint} {first}")
        )
        store = FaissStore.from_vectors(vectors)
        terms = Terms.from_sentences([sentence.text for sentence in sentences])
        view = _View(ArticleIndex(article, sentences, store, terms, manifest), number, tuple(rows), first)
        with self._lock:
            self._views[key] = view
            while len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        return view

    def _placed(self, reading: Reading, homes: Sequence[_View], snapshot: Snapshot) -> Reading:
        """The reading with the places of each sentence, once for each article, that where it was read first."""
        sentences = []
        for rank, (read, view) in enumerate(zip(reading.sentences, homes, strict=True)):
            candidate = read.candidate
            row = view.rows[candidate.row]
            article = view.article_index.article
            here = Place(
                view.number, article.title, article.source, article.date, view.first + candidate.row,
                candidate.sentence.start, candidate.sentence.end,
            )  # fmt: skip
            places = {view.number: here}
            if rank < PLACED:
                for place in snapshot.places([row], self.which)[row]:
                    places.setdefault(place.article, place)
            known = {field.name: getattr(candidate, field.name) for field in fields(Candidate)}
            sentences.append(replace(read, candidate=LibraryCandidate(**known, places=tuple(places.values()))))
        return replace(reading, sentences=tuple(sentences))

    def _alone(self, view: _View) -> Answerer:
        """What would answer if this article were asked alone."""
        return Answerer(
            view.article_index, self.encoder, self.reader, self.calibration,
            min_confidence=self.min_confidence, dense_weight=self.dense_weight,
        )  # fmt: skip

    def _nothing(self, snapshot: Snapshot) -> str:
        if self.which is not None:
            return f"No article of the library meets --only {self.which.said}."
        if not snapshot.sentences:
            return "The library is empty. Add articles with: article-qa library add PATH"
        return "No article of the library has anything near the question."


def worth_of(fused: Sequence[float]) -> float:
    """Return what an article is worth by its candidates' fused relevances, best first."""
    return sum(value * DECAY**place for place, value in enumerate(fused[:COUNTED]))


def _home(read: ReadSentence) -> Place:
    candidate = read.candidate
    assert isinstance(candidate, LibraryCandidate)  # all that `ask` returns are
    return candidate.places[0]


def _words_of(views: Sequence[_View]) -> Vocabulary:
    """The words of several articles by their first letters, each once."""
    found: dict[str, dict[str, None]] = {}
    for view in views:
        for first, words in vocabulary(view.article_index.article).items():
            found.setdefault(first, {}).update(dict.fromkeys(words))
    return {first: tuple(words) for first, words in found.items()}


def _named(place: Place) -> str:
    return f"{one_line(place.title)} ({source_line(place.source)}{f', {place.date}' if place.date else ''})"


class AboutArticle(Answerer):
    """A library that is asked what one of its articles is known to say; what stands elsewhere is counted as wrong.

    Its answers have the offsets of that article. What stands in no place of it is given one behind the article's end,
    where no right answer lies.
    """

    def __init__(self, library_answerer: LibraryAnswerer, fingerprint: str) -> None:
        """`fingerprint` is the article's. Raises NoSuchLibrary when the library does not have it."""
        asked = library_answerer
        self._number = asked.library.with_text(fingerprint).id
        with asked.library.reading() as snapshot:
            view = asked.view(snapshot, self._number)
        super().__init__(
            view.article_index, asked.encoder, asked.reader, asked.calibration,
            min_confidence=asked.min_confidence, dense_weight=asked.dense_weight,
        )  # fmt: skip
        self._library = asked

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return what the library answers, seen from the article."""
        answer = self._library.ask(question, history)
        if answer.home is None:
            return answer
        moved: list[ReadSentence] = []
        behind = len(self.article.text) + 1
        for read in answer.candidates:
            candidate = read.candidate
            places = candidate.places if isinstance(candidate, LibraryCandidate) else ()
            start = next((place.start for place in places if place.article == self._number), behind)
            behind += len(candidate.sentence.text) + 1
            by = start - candidate.sentence.start
            sentence = replace(candidate.sentence, start=start, end=candidate.sentence.end + by)
            span = None if read.span is None else (read.span[0] + by, read.span[1] + by)
            moved.append(replace(read, candidate=replace(candidate, sentence=sentence), span=span))
        by = moved[0].candidate.sentence.start - answer.candidates[0].candidate.sentence.start
        return replace(
            answer,
            sentence=_moved(answer.sentence, by),
            span=_moved(answer.span, by),
            passage=_moved(answer.passage, by),
            nearest_miss=_moved(answer.nearest_miss, by),
            candidates=tuple(moved),
        )


def _moved(passage: Passage | None, by: int) -> Passage | None:
    return None if passage is None else Passage(max(passage.start + by, 0), passage.end + by, passage.text)


class _Once:
    """An encoder that embeds one question once, however many articles are asked."""

    def __init__(self, encoder: Encoder, question: str) -> None:
        self.name, self.fingerprint, self.dim = encoder.name, encoder.fingerprint, encoder.dim
        self._encoder, self._question = encoder, question
        self._vectors = encoder.encode_queries([question])

    @property
    def vector(self) -> FloatArray:
        """The question's vector, float32 (dim,)."""
        return np.asarray(self._vectors[0], dtype=np.float32)

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return self._encoder.encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._vectors if list(texts) == [self._question] else self._encoder.encode_queries(texts)


def put_together(readings: Sequence[Reading], rows: Sequence[Sequence[int]]) -> tuple[Reading, list[int]]:
    """Return one reading of all articles, and for each of its sentences which of the readings it is of.

    rows: for each article, the rows of its sentences in the library. A sentence that stands in several of the articles
    is kept where its odds are best.
    """
    odds: dict[int, tuple[float, int, ReadSentence]] = {}
    for place, (reading, own) in enumerate(zip(readings, rows, strict=True)):
        none = max(reading.none, LEAST_NONE)
        for read in reading.sentences:
            row, share = own[read.candidate.row], read.relevance / none
            if row not in odds or share > odds[row][0]:
                odds[row] = (share, place, read)
    total = 1 + sum(share for share, _, _ in odds.values())
    best = sorted(odds.values(), key=lambda one: (-one[0], one[1], one[2].candidate.row))
    sentences = tuple(replace(read, relevance=share / total) for share, _, read in best)
    together = Reading(
        sentences, none=1 / total, read=sum(reading.read for reading in readings),
        follow_up=any(reading.follow_up for reading in readings),
    )  # fmt: skip
    return together, [place for _, place, _ in best]


def _reason(answer: Answer, unmentioned: Sequence[str]) -> str | None:
    if answer.answered or answer.reason is None or "English" in answer.reason:
        return answer.reason
    return why_not(
        unmentioned,
        answer.contrast,
        nothing="No sentence of the library answers this well enough",
        mentions="no article mentions",
    )


def open_library_answerer(
    name: str,
    *,
    only: Sequence[str] = (),
    model: str | None = None,
    reader: str = DEFAULT_READER,
    cache: Path | None = USER_CACHE,
    min_confidence: float | None = None,
    dense_weight: float | None = None,
    window_pieces: int | None = None,
    most_pieces: int | None = None,
) -> LibraryAnswerer:
    """Return what answers questions about a library, by its name or folder. Raises UserError."""
    which = only_these(only)
    folder = library_folder(name)
    library = open_library(folder)  # before the models: a mistyped name is told at once
    kept = cache_folder() if cache is USER_CACHE else cache
    encoder, chosen = open_models(model, reader, kept, window_pieces=window_pieces, most_pieces=most_pieces)
    return LibraryAnswerer(
        library, encoder, chosen, load_calibration(chosen.name, library=True), which=which,
        min_confidence=min_confidence, dense_weight=dense_weight,
    )  # fmt: skip
