"""A question and the sentences that were read come in; what they say otherwise goes out, in the words of both.

A question takes things for granted. Three of them can be held against the text word by word, and a small reader, which
sees how much two sentences have in common, overlooks all three: a number that the article never gives; a denial that
the sentence does not make; a word whose opposite the sentence has in its place ("mild" where it says "severe"). People
make questions without an answer in these ways (Rajpurkar et al. 2018, arXiv:1806.03822, table 1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.build import ArticleIndex
from qa.opposites import opposites
from qa.strange_numbers import strange_numbers

_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
_MEASURED = re.compile(r"\bhow ([a-z]+)")  # "How old" takes no age for granted, nor "how often" that it is often
_NAME = re.compile(r"(?<=[a-z,;:)\d'’”\"] )[A-Z][\w’'-]*")  # the "New" of New York is no opposite of "old"
_AUXILIARY = (
    r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)(?:n['’]t)?"
)
_YES_OR_NO = re.compile(
    rf"^\W*(?:(?:and|but|so|then|also|well|please|hi|hello|hey|ok|okay)\b\W*)*{_AUXILIARY}\s"
    r"|^(?!\W*(?:who|whom|whose|what|which|when|where|why|how)\b).*"
    r"(?:\bwhether\b|\b(?:tell me|know|idea|say|sure|wonder|ask) if\b)"
    rf"|,\s*(?:right|correct|true|{_AUXILIARY}\s+(?:not\s+)?(?:it|he|she|they|we|you|there))\W*$",
    re.I,
)
# What a question denies with. "Without" and "unable" belong to what is asked more often than they deny it.
_DENIES = re.compile(r"\b(?:not|never|cannot|no longer|fails? to|failed to)\b|n['’]t\b")
# "Why didn't he go?" is answered by what he did instead, and "not only" denies nothing.
_DENIES_NOT = re.compile(
    r"^\W*(?:(?:and|but|so)\s+)?(?:why|how come)\b|\breasons?\b|(?:\bnot|n['’]t) (?:only|just|the only)\b|\bor not\b"
)
# What a sentence may deny with, in so many ways that only their absence tells something: words, stems, prefixes.
_DENYING = r"""
not never no nobody none nothing nowhere nor neither cannot without unless except unlike instead hardly barely scarcely
seldom rarely few little only too lost
stop\w* end(?:ed|s)? avoid\w* miss(?:ed|es|ing)? fail\w* lack\w* refus\w* reject\w* den(?:y|ied|ies|ying)
declin\w* oppos\w* prevent\w* prohibit\w* forb[aio]d\w* ban(?:s|ned)? exclud\w* exempt\w* abandon\w* cancel\w*
kill\w* die[ds]? dead block\w* postpon\w* skip\w* withh\w+
los(?:e|es|ing) dis(?:agree|allow|appear|approv)\w* \w+less non\w*
un(?!der|it|ion|iversit|ifor|ique|til|less|like)\w{4,}
in(?:ab|accu|adeq|capab|compl|correct|depend|direct|effect|secur|suffic|visib)\w+
im(?:possib|prob|pract|perf)\w+ ir(?:reg|relev)\w+ il(?:leg|lit)\w+
""".split()
_DENIED = re.compile(rf"\b(?:rather than|{'|'.join(_DENYING)})\b|n['’]t\b")
# Phrases whose words oppose nothing: "at least half" does not say "least", nor "last week" that it was the last one.
_SET_PHRASE = re.compile(
    r"\bat (?:least|most|last|first)\b|\b(?:first|last) names?\b|\b(?:first|last|next|past|previous|same|late|early) "
    r"(?:\w+day|day|night|morning|evening|week|weekend|month|year|season|spring|summer|autumn|fall|winter|decade|century|"
    r"january|february|march|april|may|june|july|august|september|october|november|december)\b"
)
_LASTS = re.compile(r"\b(how long\b.*?)\blasts?\b")
# As often between two things as opposed to each other: "before" in a sentence does not deny "after" in a question.
_LOOSE = frozenset(
    "before after over under up down for against with without on off away can cannot all none many few several more "
    "less fewer like unlike dislike own present past right left back front near far day night morning evening come "
    "go came went one just state subject still back".split()
)
_NO_FORMS = frozenset("news lights lives living founded goods shorts kinds wells colds hards longs".split())


@dataclass(frozen=True, slots=True)
class Premises:
    """What a question takes for granted, as far as it can be held against a text word by word."""

    strange_numbers: tuple[str, ...]  # as the question writes them; the article never gives them
    denies: bool
    opposable: tuple[tuple[str, frozenset[str]], ...]  # words of the question, each with its opposites


@dataclass(frozen=True, slots=True)
class HeldAgainst:
    """A question's premises and what some sentences make of them, in the order of the sentences."""

    premises: Premises
    undenied: Sequence[bool]  # the question denies something, and no word of the sentence does
    opposed: Sequence[tuple[str, str] | None]  # a word of the question, and its opposite in the sentence, as written


def asks_yes_or_no(question: str) -> bool:
    """Return whether the question wants "yes" or "no"."""
    return bool(_YES_OR_NO.search(question))


def premises(question: str, text: str) -> Premises:
    """Return what a question takes for granted; `text` is the whole article's, for its numbers."""
    strange = strange_numbers(question, text)
    if asks_yes_or_no(question):  # whether it is so is what is asked: a sentence that says the opposite answers it
        return Premises(strange, denies=False, opposable=())
    if _DENIES.search(question.lower()):  # "What is not allowed?": the opposite of a word denied says the same
        return Premises(strange, denies=not _DENIES_NOT.search(question.lower()), opposable=())
    asked = _LASTS.sub(r"\1", _SET_PHRASE.sub(" ", question.lower()))
    words = set(_WORD.findall(asked))
    names = {word for name in _NAME.findall(question) for word in _WORD.findall(name.lower())}
    table = opposites()
    measured = names.union(_MEASURED.findall(asked))
    opposable = tuple(
        # "When did they accept it?" is opposed by "rejected"; "Which rose and which fell?" takes neither for granted.
        (
            word,
            frozenset().union(*({other, *(_forms(other) - _NO_FORMS)} for other in table[word] if other not in _LOOSE)),
        )
        for word in sorted(words - _LOOSE - measured)
        if word in table and not words.intersection(table[word])
    )
    return Premises(strange, denies=False, opposable=opposable)


def undenied(premised: Premises, sentence: str) -> bool:
    """Return whether the question denies something and no word of the sentence can be said to deny."""
    return premised.denies and not _DENIED.search(sentence.lower())


def opposed(premised: Premises, sentence: str, beside: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return a word of the question and its opposite, which the sentence has in its place; None where there is none.

    beside: the sentences around it; where one of them has the question's word, nothing is in its place.
    """
    if not premised.opposable:
        return None
    said = set(_WORD.findall(_SET_PHRASE.sub(" ", sentence.lower())))
    for word, others in premised.opposable:
        found = sorted(said.intersection(others))
        if found and said.isdisjoint(_forms(word)) and not any(_has(text, word) for text in beside):
            return word, _as_written(found[0], sentence)
    return None


def held_against(question: str, article_index: ArticleIndex, rows: Sequence[int]) -> HeldAgainst:
    """Return what the article's numbers and the sentences of these rows say otherwise than the question."""
    article = article_index.article
    premised = premises(question, f"{article.title}\n{article.date or ''}\n{article.text}")
    sentences = article_index.sentences
    return HeldAgainst(
        premised,
        [undenied(premised, sentences[row].text) for row in rows],
        [
            opposed(premised, sentences[row].text, [one.text for one in sentences[max(row - 1, 0) : row + 2]])
            for row in rows
        ],
    )


def _opposing_forms(word: str) -> frozenset[str]:
    return frozenset({word, *(_forms(word) - _NO_FORMS)})


def _as_written(word: str, text: str) -> str:
    found = re.search(rf"(?<![\w'’-]){re.escape(word)}(?![\w'’-])", text, re.I)
    return found[0] if found else word


def _has(text: str, word: str) -> bool:
    return not _forms(word).isdisjoint(_WORD.findall(text.lower()))


def _forms(word: str) -> frozenset[str]:
    """The word with the regular endings of a verb: a question's "did ... accept" meets "rejected" in the text."""
    stem = word[:-1] if word.endswith(("e", "y")) else word
    ends = ("", "s", "es", "ed", "ing") if stem == word else ("ed", "es", "ing", "ied", "ies")
    return frozenset({word, *(stem + end for end in ends)})
