"""Questions and an Answerer come in; one Outcome per question goes out, nothing averaged.

An Outcome is a complete record of one question: what was asked, what would have been right, what was answered, where
each stage had put the evidence, and how long it took. Reports, comparisons and exports are made from outcomes alone.

**Which sentence is right.** A sentence is right when it overlaps a stretch of evidence: the sentence that contains the
quote, or, for a quote that runs over several sentences, any of them. Every occurrence of a quote counts.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from index.article import Article
from qa.dialogue import Turn
from qa.metrics import Range, best_exact_match, best_token_f1, overlaps
from qa.questions import Question, QuestionSet

if TYPE_CHECKING:
    from qa.answer import Answer, Answerer

Stage = Literal["dense", "bm25", "fused", "reader"]
STAGES: tuple[Stage, ...] = ("dense", "bm25", "fused", "reader")
CANDIDATE_FIELDS = ("start", "end", "relevance", "reader", "fused", "dense", "bm25")
KEPT_OPEN = 8  # answerers held at once: questions usually come article by article


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence, its relevance, and its rank at each stage; ranks count from 1."""

    start: int
    end: int
    relevance: float  # 0 to 1, the reader's; not calibrated
    reader: int
    fused: int
    dense: int
    bm25: int

    @property
    def range(self) -> Range:
        """Where the sentence stands in its article."""
        return self.start, self.end

    def rank(self, stage: Stage) -> int:
        """Return the sentence's rank at a stage."""
        rank: int = getattr(self, stage)
        return rank


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question. Stretches are (start, end) in characters of the article's text."""

    id: str
    question: str
    kind: str
    article: str  # fingerprint
    history: tuple[Turn, ...] = ()
    line: int = 0
    places: tuple[Range, ...] = ()  # where the evidence stands
    answers: tuple[str, ...] = ()  # accepted short answers
    gold: tuple[Range, ...] = ()  # the right sentences
    sentences: int = 0  # how many sentences the article has
    understood: str = ""
    answered: bool = False
    confidence: float = 0.0  # that the best sentence is right, 0 to 1, also when not answered
    sentence: Range | None = None  # as answered; None when not answered
    span: Range | None = None  # the short answer inside it
    span_text: str = ""  # the short answer that is scored: the span, else the whole sentence, "" when not answered
    reason: str | None = None
    candidates: tuple[Ranked, ...] = ()  # every one, best first
    read: int = 0  # how many of them the reader really read; 0: it reads nothing and goes by the retriever
    ms: Mapping[str, float] = field(default_factory=dict)  # stage -> milliseconds
    error: str | None = None

    @property
    def answerable(self) -> bool:
        """Whether the article answers the question."""
        return bool(self.places)

    @property
    def best(self) -> Range | None:
        """The best sentence, whether or not it was given as the answer."""
        return self.candidates[0].range if self.candidates else None

    def gold_ranks(self, stage: Stage) -> list[int]:
        """Return the ranks of the right sentences at a stage, best first; those that are no candidates have none."""
        gold = set(self.gold)
        return sorted(ranked.rank(stage) for ranked in self.candidates if ranked.range in gold)

    @property
    def best_is_right(self) -> bool:
        """Whether the best sentence is a right one (never, for a question the article does not answer)."""
        return self.best is not None and self.best in self.gold

    @property
    def right(self) -> bool:
        """Whether the reader of the answer was served: a right sentence shown, or nothing where nothing is said."""
        if self.error is not None:
            return False
        return self.best_is_right if self.answered and self.answerable else self.answered == self.answerable

    @property
    def decided_right(self) -> bool:
        """Whether it was right to answer, or right not to; which sentence was shown does not matter here."""
        return self.error is None and self.answered == self.answerable

    @property
    def exact_match(self) -> bool | None:
        """SQuAD's exact match of the short answer; a refusal is an empty answer; None where none is accepted."""
        return best_exact_match(self.span_text, golds=self.answers)

    @property
    def token_f1(self) -> float | None:
        """SQuAD's F1 of the short answer; a refusal is an empty answer; None where none is accepted."""
        return best_token_f1(self.span_text, golds=self.answers)

    def to_json(self) -> dict[str, Any]:
        """Return what one line of outcomes.jsonl holds; `outcome_from_json` reads it back."""
        gold = set(self.gold)
        found = {ranked.range: ranked for ranked in self.candidates if ranked.range in gold}
        return {
            "id": self.id,
            "question": self.question,
            "kind": self.kind,
            "article": self.article,
            "history": [turn.pair for turn in self.history],
            "line": self.line,
            "places": [list(place) for place in self.places],
            "answers": list(self.answers),
            # The ranks stand in `candidates` too; here they are for people and for other tools.
            "evidence": [
                {"start": start, "end": end}
                | {stage: found[start, end].rank(stage) if (start, end) in found else None for stage in STAGES}
                for start, end in self.gold
            ],
            "sentences": self.sentences,
            "understood": self.understood,
            "answered": self.answered,
            "right": self.right,
            "confidence": self.confidence,
            "sentence": list(self.sentence) if self.sentence else None,
            "span": list(self.span) if self.span else None,
            "span_text": self.span_text,
            "reason": self.reason,
            "candidates": [[getattr(ranked, name) for name in CANDIDATE_FIELDS] for ranked in self.candidates],
            "read": self.read,
            "ms": dict(self.ms),
            "error": self.error,
        }


def outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    """Return the Outcome that `Outcome.to_json` wrote. Raises KeyError or TypeError when it did not write it."""
    return Outcome(
        id=data["id"],
        question=data["question"],
        kind=data["kind"],
        article=data["article"],
        history=tuple(Turn(*turn) for turn in data["history"]),
        line=data["line"],
        places=tuple((start, end) for start, end in data["places"]),
        answers=tuple(data["answers"]),
        gold=tuple((sentence["start"], sentence["end"]) for sentence in data["evidence"]),
        sentences=data["sentences"],
        understood=data["understood"],
        answered=data["answered"],
        confidence=data["confidence"],
        sentence=tuple(data["sentence"]) if data["sentence"] else None,
        span=tuple(data["span"]) if data["span"] else None,
        span_text=data["span_text"],
        reason=data["reason"],
        candidates=tuple(Ranked(*row) for row in data["candidates"]),
        read=data["read"],
        ms=data["ms"],
        error=data["error"],
    )


def gold_sentences(sentences: Sequence[Range], places: Sequence[Range]) -> tuple[Range, ...]:
    """Return the sentences that overlap any stretch of evidence, in the order given."""
    return tuple(sentence for sentence in sentences if any(overlaps(sentence, place) for place in places))


def evaluate(
    question_set: QuestionSet, open_answerer: Callable[[Article], Answerer], *, skip: AbstractSet[str] = frozenset()
) -> Iterator[Outcome]:
    """Ask every question of its article and yield an Outcome for each, in the set's order, as soon as it is there.

    `open_answerer` is called once per article (again only when more than KEPT_OPEN others came between). Questions
    whose id is in `skip` are passed over. What goes wrong with one question is in its outcome's `error` and stops
    nothing.
    """
    answerers: OrderedDict[str, Answerer] = OrderedDict()
    for question in question_set.questions:
        if question.id in skip:
            continue
        article = question_set.articles[question.article]
        started = time.perf_counter()
        opened: float | None = None
        try:
            if article.fingerprint not in answerers:
                answerers[article.fingerprint] = open_answerer(article)
                opened = 1000 * (time.perf_counter() - started)
                if len(answerers) > KEPT_OPEN:
                    answerers.popitem(last=False)
            answerers.move_to_end(article.fingerprint)
            answerer = answerers[article.fingerprint]
            sentences = [(sentence.start, sentence.end) for sentence in answerer.article_index.sentences]
            outcome = outcome_of(question, sentences, answerer.ask(question.question, question.history), opened=opened)
        except Exception as error:  # recorded, counted, and the run goes on: 1,999 answers are not thrown away for one
            outcome = failed_outcome(question, error)
        yield outcome


def outcome_of(
    question: Question, sentences: Sequence[Range], answer: Answer, *, opened: float | None = None
) -> Outcome:
    """Return the record of a question that was answered or refused. `opened`: milliseconds to open the article."""
    candidates = tuple(
        Ranked(
            start=read.candidate.sentence.start,
            end=read.candidate.sentence.end,
            relevance=float(read.relevance),
            reader=rank,
            fused=int(read.candidate.rank),
            dense=int(read.candidate.dense_rank),
            bm25=int(read.candidate.bm25_rank),
        )
        for rank, read in enumerate(answer.candidates, start=1)
    )
    scored = answer.span or answer.sentence
    return replace(
        unasked_outcome(question),
        gold=gold_sentences(sentences, question.places),
        sentences=len(sentences),
        understood=answer.understood,
        answered=answer.answered,
        confidence=float(answer.confidence),
        sentence=(answer.sentence.start, answer.sentence.end) if answer.sentence else None,
        span=(answer.span.start, answer.span.end) if answer.span else None,
        span_text=scored.text if answer.answered and scored else "",
        error=None if answer.candidates else answer.reason,  # what cannot be asked was not refused
        reason=answer.reason,
        candidates=candidates,
        read=answer.read,
        ms={stage: float(ms) for stage, ms in answer.ms.items()} | ({} if opened is None else {"open": opened}),
    )


def failed_outcome(question: Question, error: Exception) -> Outcome:
    """Return the record of a question that could not be asked."""
    return replace(unasked_outcome(question), error=f"{type(error).__name__}: {error}")


def unasked_outcome(question: Question) -> Outcome:
    """Return the record of a question before anything was done about it."""
    return Outcome(
        id=question.id,
        question=question.question,
        kind=question.kind,
        article=question.article,
        history=question.history,
        line=question.line,
        places=question.places,
        answers=question.answers,
    )
