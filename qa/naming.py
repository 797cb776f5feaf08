"""A question that asks who, and what was read of it, come in; what a short answer has to do with names goes out.

A report brings somebody in by what he is ("A jockey who pulled up was cleared") and names him further on. An indefinite
phrase is there for those whom the reader does not know yet (Heim 1982, "The Semantics of Definite and Indefinite Noun
Phrases"), so it tells whoever asks who less than a name does: of two sentences about as likely, the one that names goes
first. And nobody is who he is told apart from: in "Who did the ex-husband kill?" the one asked for is not "ex-husband
Leon Hart".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from index.article import Article
from qa.dialogue import STOP_WORDS, words_of
from qa.reader import Reading, ReadSentence

NEARLY = 0.5  # of the best sentence's relevance: a name that is less likely than that is another person's too often
FIRST_FEW = 3  # sentences that are looked at for a name

_OPENS = r"^\W*(?:(?:and|but|so)\W+)?"
_ASKS_WHO = re.compile(
    rf"{_OPENS}(?:(?:to|by|for|with|from|of|about|against|on|at|after|behind)\s+)?who(?:m|['’]s)?\b", re.I
)
_ASKS_WHO_SOMEBODY_IS = re.compile(rf"{_OPENS}who(?:['’]s|\s+(?:is|was|are|were))\s+(?P<rest>.*)", re.I)
# The verb after "who" is what is done: "star Ines Mora" is the one who stars.
_ASKS_WHO_DOES = re.compile(
    rf"{_OPENS}who\s+(?!(?:did|do|does|has|have|had|will|would|can|could|may|might|shall|should|must)\b)\w+", re.I
)
_AGENT = re.compile(r"\bby\s+(.*)", re.I)
_AS = re.compile(r"\bas\s.*", re.I)  # "Who works as a nurse?" is answered by "nurse Ines Mora"
_SOMEBODY = re.compile(r"an?\s", re.I)
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_CAPITALISED = re.compile(r"[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)*\Z")
_GOES_ON = re.compile(r"(?: [A-Z][\w-]*)+")


def asks_who(question: str) -> bool:
    """Return whether the question begins with "who" or "whom", a preposition before it or not."""
    return bool(_ASKS_WHO.match(question))


def others_in(question: str) -> frozenset[str]:
    """Return the words by which a question that asks who tells somebody else, in lower case: {"ex", "husband", "kill"}.

    Verbs are among them, because nothing here tells them apart; a name seldom follows one as it does "ex-husband".
    "Who is the driver?" tells nobody else, "Who was hit by the driver?" does.
    """
    if not asks_who(question):
        return frozenset()
    rest = _AS.sub("", question)
    if asked := _ASKS_WHO_SOMEBODY_IS.match(question):
        agent = _AGENT.search(asked["rest"])
        rest = agent[1] if agent else ""
    elif does := _ASKS_WHO_DOES.match(rest):
        rest = rest[does.end() :]
    return frozenset(part for word in words_of(rest) if word[0].islower() for part in _parts(word)) - STOP_WORDS


def is_other(others: frozenset[str], text: str, start: int, end: int, *, low: int) -> bool:
    """Return whether text[start:end] names somebody straight after one of these words: "her ex-husband Leon Hart".

    low: where the sentence begins, before which nothing is looked at.
    """
    if not others:
        return False
    before = max(low, start - 40)
    words = [found for found in _WORD.finditer(text, before, end) if found.end() > start or found.end() == start - 1]
    return any(
        one.group()[0].islower()
        and other.group()[0].isupper()
        and text[one.end() : other.start()] == " "
        and not others.isdisjoint(_parts(one.group())[-1:])
        for one, other in itertools.pairwise(words)
    )


def whole_name(text: str, start: int, end: int, *, high: int) -> tuple[int, int]:
    """Return the place of a name with the rest of it after it, which ends at `high` at the latest: "Yasmin" is half.

    What stands before it is left alone: it is a title or a role as often.
    """
    rest = _GOES_ON.match(text, end, high) if _CAPITALISED.match(text[start:end]) else None
    return start, rest.end() if rest else end


def named_first(question: str, reading: Reading, article: Article) -> Reading:
    """Return the reading with the sentence that names first, where the best one answers who with "a jockey".

    It has then the relevance of that one, and the other way round. A name that the question has itself is none here.
    """
    best = reading.sentences[0]
    if best.span is None or not asks_who(question) or not _SOMEBODY.match(article.text, best.span[0]):
        return reading
    if _has_name(best, question, article):
        return reading
    for place, other in enumerate(reading.sentences[1:FIRST_FEW], start=1):
        if other.relevance < NEARLY * best.relevance:
            break
        if _has_name(other, question, article):
            return replace(reading, sentences=_swapped(reading.sentences, place))
    return reading


def _swapped(sentences: Sequence[ReadSentence], place: int) -> tuple[ReadSentence, ...]:
    best, other = sentences[0], sentences[place]
    changed = list(sentences)
    changed[0] = replace(other, relevance=best.relevance)
    changed[place] = replace(best, relevance=other.relevance)
    return tuple(changed)


def _has_name(read: ReadSentence, question: str, article: Article) -> bool:
    """Whether its short answer has a name that the question has not."""
    if read.span is None:
        return False
    start, end = read.span
    known = {word.casefold() for word in words_of(question)}
    return any(
        found.group()[0].isupper()
        and found.group().casefold().removesuffix("'s").removesuffix("’s") not in known | STOP_WORDS
        and (found.start() > _begins(read, article) or _is_name_elsewhere(found.group(), article))
        for found in _WORD.finditer(article.text, start, end)
    )


def _begins(read: ReadSentence, article: Article) -> int:
    """Where the first word of a sentence stands, which has a capital whatever it is."""
    sentence = read.candidate.sentence
    first = _WORD.search(article.text, sentence.start, sentence.end)
    return first.start() if first else sentence.start


def _is_name_elsewhere(word: str, article: Article) -> bool:
    """Whether the article has the word with a capital inside a sentence."""
    return re.search(rf"(?<=[a-z,;] ){re.escape(word)}\b", article.text) is not None


def _parts(word: str) -> list[str]:
    """["ex", "husband"] of "ex-husband", in lower case; "s" of a genitive and of a plural do not count."""
    plain = word.lower().replace("’", "'").removesuffix("'s")
    return [part.removesuffix("s") for part in re.split(r"[-']", plain) if part]
