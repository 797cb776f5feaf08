"""A question comes in; an Answer goes out: the exact sentence and how likely it is right, or that there is none.

`Answerer` is the one object that the command line, the app and the evaluation ask. It runs dialogue -> retrieve ->
reader -> confidence on one article and adds nothing that they could disagree about.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.article import Article
from index.build import ArticleIndex, Progress, cache_folder, open_index
from index.embeddings import Encoder, open_encoder
from index.errors import ModelNotFound
from index.sentences import Sentence, is_list_item
from qa import small_talk
from qa.confidence import Calibration, load_calibration
from qa.contradiction import held_against
from qa.dialogue import TURNS_SHOWN, Turn, Understood, understand, words_of
from qa.reader import FusedReader, Reader, Reading, ReadSentence
from qa.retrieve import DENSE_WEIGHT, retrieve
from qa.speakers import told_speaker
from qa.spelling import mended, vocabulary

if TYPE_CHECKING:
    from library.store import Place

LONGEST_QUESTION = 1_000  # characters; the longest of 12,000 real questions looked at had 360
SHORT_SENTENCE = 5  # words: "He did." is not understood without the sentence before it
LONGEST_LIST = 12  # sentences after the colon that announces it
SENTENCES_BEFORE = 2  # a chain of pronouns longer than this is a paragraph, which the reader can see anyway
SURE = 0.8  # from this confidence on, an opposite of a word of the question in the answer is no objection any more
DEFAULT_READER = "trained"
USER_CACHE = Path("~")  # stands for `index.build.cache_folder()`, which reads the environment when it is asked

# A sentence that begins with one of these leans on the one before it.
_LEANING = re.compile(
    r"^\W*(?:he|she|it|they|him|her|his|hers|its|their|theirs|this|that|these|those|both|such|one"
    r"|another|others|the latter|the former"
    r"|but|and|so|yet|or|nor|however|instead|therefore|thus|then|also|moreover|furthermore|meanwhile"
    r"|nevertheless|nonetheless"
    r"|otherwise|still|as a result|because of this|in addition|for example|for instance|in contrast|afterwards|later"
    r"|there)\b",
    re.IGNORECASE,
)
# Invisible characters that come with pasted text: they part a word in two without anyone seeing why it is not found.
_INVISIBLE = re.compile(
    "[\\u00ad\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufe00-\\ufe0f\\U000e0000-\\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the article: text == article.text[start:end]."""

    start: int  # characters (Unicode code points) from the beginning of the article's text
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the article says to a question, or that it does not say."""

    question: str  # as asked, without invisible characters and needless white space
    understood: str  # the same where the question stands alone and is spelt well; see `qa.dialogue`, `qa.spelling`
    answered: bool
    confidence: float  # 0 to 1: calibrated probability that the best sentence is right, also when not answered
    sentence: Passage | None  # None when not answered
    span: Passage | None  # the short answer inside the sentence, where one is known
    passage: Passage | None  # the sentence with the neighbours it needs to be understood
    reason: str | None  # plain words, when not answered
    nearest_miss: Passage | None  # the best sentence all the same, when not answered
    unmentioned: tuple[str, ...]  # content words of the question that the article never mentions
    candidates: tuple[ReadSentence, ...]  # best first, all that were ranked; empty when the question could not be asked
    ms: Mapping[str, float]  # stage -> milliseconds: understand, retrieve, read, decide, total

    @property
    def turn(self) -> Turn:
        """What a follow-up question should know of this one; the answer is empty when the article did not say."""
        said = self.span or self.sentence
        return Turn(self.question, said.text if said else "", self.places[0].article if self.places else None)

    @property
    def not_searched(self) -> str:
        """What could not be searched, in a sentence for people; empty but where a cluster was asked."""
        return ""

    read: int = 0  # how many sentences the reader really read; the others keep the order of the retriever
    # Where a library was asked: the article that the offsets count in, and where the best sentence stands, once for
    # each article that has it, that one first.
    home: ArticleIndex | None = None
    places: tuple[Place, ...] = ()
    # A word of the question, and its opposite, which the best sentence has in its place: ("mild", "severe"); None also
    # where the confidence is high enough to do without a word of warning.
    contrast: tuple[str, str] | None = None
    # Where the sentence is quoted and does not say from whom: the speaker's name or role, in its place in the article.
    speaker: Passage | None = None


class Answerer:
    """Answers questions about one article."""

    def __init__(
        self,
        article_index: ArticleIndex,
        encoder: Encoder,
        reader: Reader,
        calibration: Calibration,
        *,
        min_confidence: float | None = None,
        dense_weight: float | None = None,
    ) -> None:
        """`min_confidence` takes the place of the calibration's threshold, `dense_weight` that of `DENSE_WEIGHT`.

        Raises ValueError unless each is 0 to 1.
        """
        for name, value in (("min_confidence", min_confidence), ("dense_weight", dense_weight)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}, wanted 0 to 1")
        self.article_index = article_index
        self.encoder = encoder
        self.reader = reader
        self.calibration = calibration
        self.min_confidence = calibration.threshold if min_confidence is None else min_confidence
        self.dense_weight = DENSE_WEIGHT if dense_weight is None else dense_weight

    @property
    def article(self) -> Article:
        """The article that is asked about."""
        return self.article_index.article

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return the answer to a question in the light of earlier turns (oldest first). Raises for no question text."""
        clock = Clock()
        heard = hear(question, history, spelt=self._spelt)
        if heard.complaint:
            return unasked(heard.asked, heard.complaint, clock.laps("decide"))
        understood = heard.understood
        clock.lap("understand")
        candidates = retrieve(understood.search, self.article_index, self.encoder, dense_weight=self.dense_weight)
        clock.lap("retrieve")
        reading = self.reader.read(heard.plain, understood.turns, self.article_index, candidates)
        clock.lap("read")
        answer = replace(self.decide(heard.plain, understood.shown, reading), question=heard.asked)
        return replace(answer, ms=clock.laps("decide"))

    def _spelt(self, asked: str) -> str:
        """The question as the article spells its words."""
        return mended(asked, self.article_index.terms.words(asked).unmentioned, lambda: vocabulary(self.article))

    @property
    def described(self) -> str:
        """What is asked, in a line for people."""
        from qa.show import one_line

        return f"{one_line(self.article.title)}: {len(self.article_index.sentences):,} sentences."

    def as_text(self, answer: Answer, *, k: int = 1, bold: bool = False) -> str:
        """Return an answer of this article as lines for people; see `qa.show.as_text`."""
        from qa.show import as_text

        return as_text(answer, self.article_index, k=k, bold=bold)

    def as_dict(self, answer: Answer) -> dict[str, Any]:
        """Return an answer of this article as JSON types; see `qa.show.as_dict`."""
        from qa.show import as_dict

        return as_dict(answer, self.article_index)

    def decide(self, asked: str, understood: str, reading: Reading) -> Answer:
        """Return what a reading of at least one sentence comes to, as yet without its times."""
        words = self.article_index.terms.words(asked)
        best = reading.sentences[0]
        place = best.candidate.sentence
        sentence = Passage(place.start, place.end, place.text)
        foreign = _foreign(asked) and not words.mentioned
        confidence = self.calibration.confidence(reading, mentioned_share=words.mentioned_share)
        answered = confidence >= self.min_confidence and not foreign
        contrast = None
        if not answered or confidence < SURE:
            contrast = held_against(asked, self.article_index, [best.candidate.row]).opposed[0]
        if foreign:
            reason = "The question is not in English, the only language this program reads."
        else:
            reason = why_not(words.unmentioned, contrast)
        return Answer(
            question=asked,
            understood=understood,
            answered=answered,
            confidence=confidence,
            sentence=sentence if answered else None,
            span=self._passage(*best.span) if answered and best.span is not None else None,
            passage=self._passage(*self._with_neighbours(best.candidate.row)) if answered else None,
            reason=None if answered else reason,
            nearest_miss=None if answered else sentence,
            unmentioned=words.unmentioned,
            candidates=reading.sentences,
            ms={},
            read=reading.read,
            contrast=contrast,
            speaker=self._speaker(best.candidate.row) if answered else None,
        )

    def _speaker(self, row: int) -> Passage | None:
        """Who says a sentence, where that is sure enough to be told (how often rightly: `qa/weights/README.md`)."""
        named = told_speaker(self.article_index.sentences, row)
        return self._passage(*named) if named else None

    def _passage(self, start: int, end: int) -> Passage:
        return Passage(start, end, self.article.text[start:end])

    def _with_neighbours(self, row: int) -> tuple[int, int]:
        """Offsets of the sentence and of those before it that it leans on, within its paragraph."""
        sentences = self.article_index.sentences
        first = row
        while first > 0 and row - first < SENTENCES_BEFORE and _leans(sentences[first]):
            if sentences[first - 1].paragraph != sentences[row].paragraph:
                break
            first -= 1
        return sentences[first].start, sentences[_last_promised(sentences, row)].end


class Clock:
    """Milliseconds of each stage of one question."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps = dict.fromkeys(("understand", "retrieve", "read", "decide"), 0.0)

    def lap(self, stage: str) -> None:
        """Say that a stage is over."""
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1000
        self._last = now

    def laps(self, stage: str) -> dict[str, float]:
        """Say that the last stage is over, and return all of them with their total."""
        self.lap(stage)
        return {**self._laps, "total": (self._last - self._start) * 1000}


@dataclass(frozen=True, slots=True)
class Heard:
    """A question as it was typed, and as it is meant."""

    asked: str  # without invisible characters and needless white space
    plain: str  # the same with slips of the finger mended
    understood: Understood
    complaint: str | None = None  # why it cannot be asked at all; then the rest is what was typed


def hear(question: str, history: Sequence[Turn], *, spelt: Callable[[str], str] = str) -> Heard:
    """Return a question in the light of earlier turns (oldest first), made ready to be searched for and read.

    spelt: gives the question as what is asked about spells its words.
    """
    asked = tidy(question)
    complaint = complaint_about(asked, question, alone=not history)
    if complaint:
        short = asked[:LONGEST_QUESTION]
        return Heard(short, short, Understood(short, short, ()), complaint)
    turns = [
        turn._replace(question=spelt(tidy(turn.question)[:LONGEST_QUESTION]), answer=tidy(turn.answer))
        for turn in history[-TURNS_SHOWN:]
    ]
    plain = spelt(asked)
    return Heard(asked, plain, understand(plain, turns))


def tidy(text: str) -> str:
    """Return the text without invisible and control characters, with single spaces; unpaired surrogates become "?"."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text.encode("utf-8", "replace").decode("utf-8"))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def unasked(question: str, complaint: str, ms: Mapping[str, float]) -> Answer:
    """Return the Answer to a question that could not be asked, with the reason."""
    return Answer(
        question=question,
        understood=question,
        answered=False,
        confidence=0.0,
        sentence=None,
        span=None,
        passage=None,
        reason=complaint,
        nearest_miss=None,
        unmentioned=(),
        candidates=(),
        ms=ms,
    )


def complaint_about(asked: str, typed: str, *, alone: bool = True) -> str | None:
    """Return why the question cannot be asked at all, or None. alone: no turn stands before it."""
    if not typed.strip():
        return "The question is empty. Type a question about the article."
    if len(asked) > LONGEST_QUESTION:
        return (
            f"The question has {len(asked):,} characters and the limit is {LONGEST_QUESTION:,}. Ask something shorter."
        )
    words = words_of(asked)
    if not words:
        return "The question has no word in it. Ask it in words."
    return small_talk.complaint(words, asked, alone=alone)


def _foreign(question: str) -> bool:
    """Whether no letter of the question is a Latin one; a question of digits only is not foreign."""
    letters = [character for character in question if character.isalpha()]
    return bool(letters) and not any(character < "\u0250" for character in letters)


def why_not(
    unmentioned: Sequence[str],
    contrast: tuple[str, str] | None,
    *,
    nothing: str = "No sentence answers this well enough",
    mentions: str = "the article never mentions",
) -> str:
    """Return why nothing is answered, in a sentence: what the nearest says instead, what is mentioned nowhere."""
    reasons = []
    if contrast is not None:
        asked, said = contrast
        reasons.append(f"the nearest one says “{said}”, not “{asked}”")
        unmentioned = [word for word in unmentioned if word != asked]
    if unmentioned:
        reasons.append(f"{mentions} {', '.join(f'“{word}”' for word in unmentioned[:5])}")
    return f"{nothing}{': ' if contrast else ', and ' if reasons else ''}{', and '.join(reasons)}."


def _last_promised(sentences: Sequence[Sentence], row: int) -> int:
    """Return the last row of what a sentence promises: after a question the next one, after a colon also a list."""
    promises, following = sentences[row].text[-1], sentences[row + 1 : row + 1 + LONGEST_LIST]
    if not following or promises not in ":?":
        return row
    if promises == "?" or following[0].paragraph == sentences[row].paragraph:
        return row + 1
    last = row
    for place, one in enumerate(following, start=row + 1):
        if not is_list_item(one.text) and (last == row or one.paragraph != sentences[last].paragraph):
            break
        last = place
    return last


def _leans(sentence: Sentence) -> bool:
    return bool(_LEANING.match(sentence.text)) or len(words_of(sentence.text)) < SHORT_SENTENCE


def open_reader(
    name: str = DEFAULT_READER, *, window_pieces: int | None = None, most_pieces: int | None = None
) -> Reader:
    """Return the reader of that name: "trained" or "fused", which has no use for the two sizes.

    Raises ModelNotFound, and ValueError for a size that cannot be.
    """
    refuse_unknown_reader(name)
    return READERS[name](window_pieces, most_pieces)


def refuse_unknown_reader(name: str) -> None:
    """Raise ModelNotFound for a name that no reader has."""
    if name not in READERS:
        raise ModelNotFound(f"no reader is called {name!r}. Choose one of: {', '.join(READERS)}.")


def _trained_reader(window_pieces: int | None, most_pieces: int | None) -> Reader:
    from qa.trained_reader import TrainedReader

    return TrainedReader(window_pieces=window_pieces, most_pieces=most_pieces)


def _fused_reader(_window_pieces: int | None, _most_pieces: int | None) -> Reader:
    return FusedReader()


READERS: Mapping[str, Callable[[int | None, int | None], Reader]] = {
    "trained": _trained_reader,
    "fused": _fused_reader,
}

# Several articles are asked about in one run (batch, the app); the models are the same for all of them.
_shared_encoder = functools.lru_cache(maxsize=2)(open_encoder)
_shared_reader = functools.lru_cache(maxsize=2)(open_reader)


def open_models(
    model: str | None,
    reader: str,
    cache: Path | None,
    *,
    window_pieces: int | None = None,
    most_pieces: int | None = None,
) -> tuple[Encoder, Reader]:
    """Return the encoder and the reader of these names, the same ones for all that are open. Raises ModelNotFound."""
    encoder = _shared_encoder(model, cache=cache)
    return encoder, _shared_reader(reader, window_pieces=window_pieces, most_pieces=most_pieces)


def open_answerer(
    article: Article,
    *,
    model: str | None = None,
    reader: str = DEFAULT_READER,
    cache: Path | None = USER_CACHE,
    min_confidence: float | None = None,
    dense_weight: float | None = None,
    window_pieces: int | None = None,
    most_pieces: int | None = None,
    keep: bool = True,
    progress: Progress | None = None,
) -> Answerer:
    """Return an Answerer for the article, its index taken from the cache where it is there.

    model: a sentence-transformers folder or hub name; None is the installed all-MiniLM-L6-v2.
    cache: the folder where indexes and the encoder's graph are kept; None keeps nothing.
    keep: False leaves the index, and with it the article's text, out of the cache.
    dense_weight: the share of meaning in the search, 0 (shared words alone) to 1 (meaning alone); None is the usual.
    window_pieces, most_pieces: word pieces the trained reader reads at once, and of one article; None is the usual.
    Raises UserError, and ValueError for a setting out of its range.
    """
    folder = cache_folder() if cache is USER_CACHE else cache
    encoder, chosen = open_models(model, reader, folder, window_pieces=window_pieces, most_pieces=most_pieces)
    article_index = open_index(article, encoder, cache=folder if keep else None, progress=progress)
    return Answerer(
        article_index,
        encoder,
        chosen,
        load_calibration(chosen.name),
        min_confidence=min_confidence,
        dense_weight=dense_weight,
    )
