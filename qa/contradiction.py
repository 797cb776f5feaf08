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

_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
_NUMBER = re.compile(r"(?<![^\W\d])\d+(?:[.,]\d+)*")  # not the 4 of "b4"
_MEASURED = re.compile(r"\bhow ([a-z]+)")  # "How old" takes no age for granted, nor "how often" that it is often
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_YES_OR_NO = re.compile(
    r"^\W*(?:(?:and|but|so|then|also)\s+)?(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|"
    r"should|may|might|must)(?:n['’]t)?\s",
    re.I,
)
# What a question denies with. "Without" and "unable" belong to what is asked more often than they deny it.
_DENIES = re.compile(r"\b(?:not|never|cannot|no longer|fails? to|failed to)\b|n['’]t\b")
# What a sentence may deny with, in so many ways that only their absence tells something: words, stems, prefixes.
_DENYING = r"""
not never no nobody none nothing nowhere nor neither cannot without unless except unlike instead hardly barely scarcely
seldom rarely few little only too lost
stop\w* end(?:ed|s)? avoid\w* miss(?:ed|es|ing)? fail\w* lack\w* refus\w* reject\w* den(?:y|ied|ies|ying)
declin\w* oppos\w* prevent\w* prohibit\w* forb[aio]d\w* ban(?:s|ned)? exclud\w* exempt\w* abandon\w* cancel\w*
los(?:e|es|ing) dis(?:agree|allow|appear|approv)\w* \w+less non\w*
un(?!der|it|ion|iversit|ifor|ique|til|less|like)\w{4,}
in(?:ab|accu|adeq|capab|compl|correct|depend|direct|effect|secur|suffic|visib)\w+
im(?:possib|prob|pract|perf)\w+ ir(?:reg|relev)\w+ il(?:leg|lit)\w+
""".split()
_DENIED = re.compile(rf"\b(?:rather than|{'|'.join(_DENYING)})\b|n['’]t\b")
# As often between two things as opposed to each other: "before" in a sentence does not deny "after" in a question.
_LOOSE = frozenset(
    "before after over under up down for against with without on off away can cannot all none many few several more "
    "less fewer like unlike dislike own present past right left back front near far day night morning evening come "
    "go came went one just state subject still back".split()
)


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
    opposed: Sequence[tuple[str, str] | None]  # a word of the question, and its opposite in the sentence


def asks_yes_or_no(question: str) -> bool:
    """Return whether the question wants "yes" or "no"."""
    return bool(_YES_OR_NO.match(question))


def premises(question: str, text: str) -> Premises:
    """Return what a question takes for granted; `text` is the whole article's, for its numbers."""
    asked = question.lower()
    words = set(_WORD.findall(asked))
    numbers = _NUMBER.findall(asked)
    strange = tuple(number for number in numbers if not _gives(text, number)) if numbers else ()
    if asks_yes_or_no(question):  # whether it is so is what is asked: a sentence that says the opposite answers it
        return Premises(strange, denies=False, opposable=())
    table = opposites()
    measured = set(_MEASURED.findall(asked))
    opposable = tuple(
        # "Did it rise or fall?" takes neither for granted; "Did they accept it?" is opposed by "rejected".
        (word, frozenset(form for other in table[word] if other not in words | _LOOSE for form in _forms(other)))
        for word in sorted(words - _LOOSE - measured)
        if word in table and not words.intersection(table[word])
    )
    return Premises(strange, bool(_DENIES.search(asked)), opposable)


def undenied(premised: Premises, sentence: str) -> bool:
    """Return whether the question denies something and no word of the sentence can be said to deny."""
    return premised.denies and not _DENIED.search(sentence.lower())


def opposed(premised: Premises, sentence: str, beside: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return a word of the question and its opposite, which the sentence has in its place; None where there is none.

    beside: the sentences around it; where one of them has the question's word, nothing is in its place.
    """
    if not premised.opposable:
        return None
    said = set(_WORD.findall(sentence.lower()))
    for word, others in premised.opposable:
        found = sorted(said.intersection(others))
        if found and said.isdisjoint(_forms(word)) and not any(_has(text, word) for text in beside):
            return word, found[0]
    return None


def held_against(question: str, article_index: ArticleIndex, rows: Sequence[int]) -> HeldAgainst:
    """Return what the article's numbers and the sentences of these rows say otherwise than the question."""
    premised = premises(question, article_index.article.text)
    sentences = article_index.sentences
    return HeldAgainst(
        premised,
        [undenied(premised, sentences[row].text) for row in rows],
        [
            opposed(premised, sentences[row].text, [one.text for one in sentences[max(row - 1, 0) : row + 2]])
            for row in rows
        ],
    )


def _has(text: str, word: str) -> bool:
    return not _forms(word).isdisjoint(_WORD.findall(text.lower()))


def _forms(word: str) -> frozenset[str]:
    """The word with the regular endings of a verb: a question's "did ... accept" meets "rejected" in the text."""
    stem = word[:-1] if word.endswith(("e", "y")) else word
    ends = ("", "s", "es", "ed", "ing") if stem == word else ("ed", "es", "ing", "ied", "ies")
    return frozenset({word, *(stem + end for end in ends)})


def _gives(text: str, number: str) -> bool:
    """Whether the text gives the number, in figures with or without separators, or up to twenty in words."""
    plain = number.replace(",", "")
    if any(found.replace(",", "") == plain for found in _NUMBER.findall(text)):
        return True
    if plain.isdigit() and int(plain) < len(_COUNTED):
        spelt = {_COUNTED[int(plain)], *(_ORDINALS[int(plain) : int(plain) + 1])}
        return not spelt.isdisjoint(_WORD.findall(text.lower()))
    return False
