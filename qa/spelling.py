"""A question and the article it asks about come in; the question goes out with slips of the finger mended.

About 3 questions in 100 that people type about news stories hold a misspelt word that the article has ("fatalties",
"Shumacher", "Defence" where it says "Defense"). A word is mended only towards a word of the article, only where the
article has no form of it, no English dictionary knows it, and the two begin alike; so nothing is put into a question
that the article does not say, and a name that is merely absent stays absent unless it is a slip away from one there.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping, Sequence

from index.article import Article

SHORTEST = 4  # letters; shorter words are one slip away from too many others
CLOSENESS = 0.8  # 2 * letters in common / letters of both (difflib): one slip in five letters, two in ten

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # "ex-husband" is two: either may be misspelt
_OWNER = re.compile(r"['’]s$")

Vocabulary = Mapping[str, Sequence[str]]  # first letter -> words of the article, as written, each once


@functools.lru_cache(maxsize=4)
def vocabulary(article: Article) -> Vocabulary:
    """Return the words of an article by their first letters, in lower case.

    A word that begins with a capital in one place and without in another is written without: it is no name.
    """
    found: dict[str, dict[str, str]] = {}
    for written in _WORD.findall(article.text):
        bare = _OWNER.sub("", written)
        alike = found.setdefault(bare[0].lower(), {})
        if bare.lower() not in alike or bare.islower():
            alike[bare.lower()] = bare
    return {first: tuple(words.values()) for first, words in found.items()}


def mended(
    question: str,
    unmentioned: Sequence[str],
    words: Callable[[], Vocabulary],
    *,
    known: Callable[[str], bool] | None = None,
) -> str:
    """Return the question with misspelt words replaced by the article's.

    unmentioned: the question's words that the article has in no form (`Terms.words`); only these can change.
    words: called only where one of them could be a slip.
    known: whether a word, in lower case, is English; by default pyspellchecker's dictionary of 160,000 words.
    """
    doubtful = {part for word in unmentioned for part in _WORD.findall(word) if len(part) >= SHORTEST}
    if not doubtful:
        return question
    is_english = known or _english
    by_first = words()

    def meant(match: re.Match[str]) -> str:
        written = match.group()
        bare = _OWNER.sub("", written)
        if bare not in doubtful:
            return written
        alike = {word.lower(): word for word in by_first.get(bare[0].lower(), ()) if abs(len(word) - len(bare)) <= 2}
        # The capital of "Bejing" is no slip, so both are compared in lower case.
        close = difflib.get_close_matches(bare.lower(), list(alike), n=1, cutoff=CLOSENESS)
        if not close or bare.lower() in alike or is_english(bare.lower()):
            return written
        return alike[close[0]] + written[len(bare) :]

    return _WORD.sub(meant, question)


def _english(word: str) -> bool:
    return word in _dictionary()


@functools.lru_cache(maxsize=1)
def _dictionary() -> frozenset[str]:
    from spellchecker import SpellChecker  # 0.1 s and 7 MB of words: only for a question that may have a slip

    return frozenset(SpellChecker(language="en").word_frequency.dictionary)
