"""An Answerer comes in; a few questions that it answers with confidence go out, made from the article's own words.

Simple forms only ("Who is ...?", "What happened on ...?"): a question is kept only where the answerer itself is sure of
the sentence and that sentence names what was asked about, so that a first click always succeeds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from qa.answer import Answerer
from qa.dialogue import STOP_WORDS

WANTED = 4
TRIED = 14  # questions asked of the answerer at most: each costs as much as a real one
SURE = 0.55  # confidence; below it even a right answer would look like luck
SENTENCES_LOOKED_AT = 400  # names that come up only on page 30 make poor first questions

_MONTH = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec"
)
_DATE = re.compile(rf"\b(?:(?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTH}))\b")
_YEAR = re.compile(r"\bin ((?:1[5-9]|20)\d\d)\b")
_NAME = re.compile(r"\b[A-Z][\w’'-]*[a-z](?: (?:de|van|von|der|al|bin|of|the))?(?: [A-Z][\w’'-]*[a-z])+\b")
_MONEY = re.compile(r"[£$€]\s?\d[\d,.]*\d(?: (?:million|billion|trillion))?")
_PERSON_DOES = r"(?:said|says|told|explained|described|added|argued|claimed|wrote|warned|insisted|promised)"
_NOT_A_PERSON = re.compile(r"\b(?:in|at|near|into|outside|across|the|this|[A-Z][a-z]+ of)\s*$", re.IGNORECASE)


def suggest(answerer: Answerer, *, wanted: int = WANTED) -> list[str]:
    """Return up to `wanted` questions the answerer is sure of, each answered by another sentence; [] for none."""
    kept: list[str] = []
    answered_by: set[int] = set()
    for tried, (question, subject) in enumerate(_questions(answerer)):
        if len(kept) == wanted or tried == TRIED:
            break
        answer = answerer.ask(question)
        if answer.sentence is None or answer.confidence < max(SURE, answerer.min_confidence):
            continue
        if subject not in answer.sentence.text or answer.sentence.start in answered_by:
            continue
        answered_by.add(answer.sentence.start)
        kept.append(question)
    return kept


def _questions(answerer: Answerer) -> Iterator[tuple[str, str]]:
    """Yield (question, what it is about), different kinds in turn."""
    text = " \n".join(s.text for s in answerer.article_index.sentences[:SENTENCES_LOOKED_AT])
    streams = [_about_people(text), _about_days(text), _about_words(text), _about_money(text)]
    seen: set[str] = set()
    while streams:
        for stream in list(streams):
            for question, subject in stream:
                if question not in seen:
                    seen.add(question)
                    yield question, subject
                    break
            else:
                streams.remove(stream)


def _about_people(text: str) -> Iterator[tuple[str, str]]:
    found = list(_NAME.finditer(text))
    # One "in Maida Vale" anywhere, and no "Maida Vale" is a person.
    others = {
        match.group() for match in found if _NOT_A_PERSON.search(text[max(0, match.start() - 20) : match.start()])
    }
    names = Counter(
        match.group()
        for match in found
        if match.group() not in others
        and match.group().split()[0].lower() not in STOP_WORDS
        and not re.match(rf"(?:{_MONTH})\b", match.group())
    )
    for name, _ in names.most_common(8):
        yield f"Who is {name}?", name


def _about_words(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(rf"\b{_PERSON_DOES}\b", text):
        before = text[max(0, match.start() - 60) : match.start()]
        names = list(_NAME.finditer(before))
        if names and names[-1].end() >= len(before) - 2:
            name = names[-1].group()
            article = "the " if before[: names[-1].start()].endswith("the ") or name.startswith("The ") else ""
            name = name.removeprefix("The ")
            yield f"What did {article}{name} say?", name


def _about_days(text: str) -> Iterator[tuple[str, str]]:
    for match in _DATE.finditer(text):
        yield f"What happened on {match.group()}?", match.group()
    for match in _YEAR.finditer(text):
        yield f"What happened in {match.group(1)}?", match.group(1)


def _about_money(text: str) -> Iterator[tuple[str, str]]:
    for match in _MONEY.finditer(text):
        yield f"What cost {match.group()}?", match.group()
