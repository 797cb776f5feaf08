"""Sentences go in; how well each matches the words of a question comes out (BM25; the only file that imports bm25s).

bm25s weighs every (sentence, stem) pair once, when the index is built. A question then only adds up the columns of its
stems, which numpy does here: bm25s and its dependencies cost 0.2 s to import, and asking does not need them. The sum is
the one that `bm25s.BM25.get_scores` makes, and is tested against it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from index.embeddings import FloatArray
from index.irregular import BASES

CUTTING = "snowball english, rules 3"
"""How terms are made; a library notes it, because a question must be cut as its articles were."""

# The usual 1.5 and 0.75 are for pages. In a sentence a word said twice says little more than one said once, and a long
# sentence is not padded; on four validation sets these put the right one first more often (`benchmarks.terms`).
K1 = 0.3
B = 0.3

TERMS = f"bm25 lucene k1={K1} b={B}, {CUTTING}"
"""How terms are made and weighed; part of the manifest of an index, which keeps the weights."""


def cut_alike(noted: str) -> bool:
    """Return whether a library that noted this has its terms as they are made now.

    One may have noted the weights of its day before them; they are no matter to it, for it weighs when it is asked.
    """
    return noted.endswith(CUTTING)


STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any anybody anyone anything are as at be because been before
    being below between both but by can cannot could did do does doing done down during each either else ever every few
    for from further get gets getting got had has have having he her here hers herself him himself his how however i if
    in into is it its itself just may me might mine more most must my myself neither no nor not now of off on once one
    only or other others ought our ours ourselves out over own per quite rather really shall she should since so some
    somebody someone something such than that the their theirs them themselves then there these they this those through
    thus to too under until up upon us very via was we were what whatever when whenever where wherever whether which
    while who whoever whom whose why will with within without would yes yet you your yours yourself yourselves
    aren't can't couldn't didn't doesn't don't hadn't hasn't haven't he'd he'll he's i'd i'll i'm i've isn't it's let's
    mustn't she'd she'll she's shouldn't that's there's they'd they'll they're they've wasn't we'd we'll we're we've
    weren't what's where's who's why's how's won't wouldn't you'd you'll you're you've
    arent cant couldnt didnt doesnt dont hadnt hasnt havent hows im isnt ive shouldnt thats theres wasnt werent whats
    whens wheres whos whys wont wouldnt
    """.split()
)

# Words that belong to the asking and not to what is asked about: telling a reader that the article never mentions
# "happened" would only puzzle. They are searched for, but not reported.
ASKING_WORDS = frozenset(
    """
    article articles according account call called describe described detail details exactly explain explained give
    given happen happened happening happens kind kinds know known lot many mean means mention mentioned mentions much
    name named names number people person please possible reason reasons report reported reports say said says sort
    sorts state stated story tell tells text thing things told true type types
    actually afterwards almost already alongside altogether although amid among amongst anyway apart apparently aside
    basically beforehand beside besides beyond certainly concerning currently despite especially even eventually except
    finally generally indeed initially instead literally maybe meanwhile mostly nevertheless next originally otherwise
    particularly perhaps presumably previously probably recently regarding simply sometimes somewhat specifically still
    supposedly therefore though together toward towards ultimately unless usually whereas
    """.split()
)

# Before a hyphen these change a word rather than add one: the article that tells of the husband has what "ex-husband"
# asks for, and one with January need not write "mid-January".
PREFIXES = frozenset("anti co ex half inter mid multi non post pre pro re self semi sub un vice".split())

# After "how" these ask for a measure, and belong to the asking too: an article that says she was 26 does not say "old".
MEASURES = frozenset(
    """
    big close cold deep early expensive far fast frequently heavy high hot large late long near often old quickly small
    soon tall thick warm wide young
    """.split()
)

# One word of a text. A number keeps its separators (2,000 and 3.5 and 10:30) and loses its ending (19th); single
# letters with dots between (U.S.) are one word; an apostrophe inside belongs to the word (O'Brien). Hyphens part words,
# so that "ex-husband" meets "ex husband" and "Covid-19" meets "Covid 19".
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.:]\d+)*)(?:(?:st|nd|rd|th)(?![^\W\d_]))?"
_DOTTED = r"(?<!\w)[^\W\d_](?:\.[^\W\d_])+(?!\w)\.?"
_PLAIN = r"LETTER(?:LETTER|\d)*(?:['’]LETTER+)*"
# Scripts that put no spaces between words (Thai to Khmer, Chinese and Japanese): a run of them is cut into pairs.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u2e80-\u2fdf\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


class Words(NamedTuple):
    """The content words of a question, as they were typed, each once, in their order."""

    mentioned: tuple[str, ...]  # the article has the word, or another form of it
    unmentioned: tuple[str, ...]  # the article never mentions it

    @property
    def mentioned_share(self) -> float:
        """Return the share of them that the article mentions, 0 to 1; 1 where there are none."""
        content = len(self.mentioned) + len(self.unmentioned)
        return len(self.mentioned) / content if content else 1.0


class _Word(NamedTuple):
    start: int
    end: int
    typed: str
    terms: tuple[str, ...]
    unspaced: bool  # of a script that puts no spaces between words, where a "word" is a run of several


@cache
def _pattern(*, ascii_only: bool) -> re.Pattern[str]:
    letter = r"[^\W\d_]"
    if not ascii_only:
        # \w leaves out combining marks, which would cut Hindi words at every vowel sign.
        marks = "".join(chr(c) for c in range(0x300, 0x10000) if unicodedata.category(chr(c)).startswith("M"))
        letter = rf"(?:[^\W\d_]|[{marks}])"
    return re.compile("|".join((f"[{_UNSPACED}]+", _NUMBER, _DOTTED, _PLAIN.replace("LETTER", letter))))


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(BASES.get(word, word)))


def _fold(word: str) -> str:
    """Lower case, compatibility forms made plain, accents dropped: people type "cafe" for "café"."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    kept = (c for c in decomposed if not "\u0300" <= c <= "\u036f")
    # Once more: a capital in a fancy alphabet is a plain capital only now.
    return unicodedata.normalize("NFC", "".join(kept).casefold()).replace("’", "'")


def _words(text: str) -> Iterator[_Word]:
    for found in _pattern(ascii_only=text.isascii()).finditer(text):
        terms, unspaced = _terms(found.group())
        yield _Word(found.start(), found.end(), found.group(), terms, unspaced)


def _terms(typed: str) -> tuple[tuple[str, ...], bool]:
    """What a word of a text is searched as, and whether it is a run of a script without spaces."""
    if not typed.isascii() and re.match(f"[{_UNSPACED}]", typed):
        return tuple(typed[i : i + 2] for i in range(len(typed) - 1)) or (typed,), True
    plain = _fold(typed)
    if typed[0].isdigit():
        plain = re.sub(r"(?:st|nd|rd|th)$", "", plain).replace(",", "")
    elif "." in plain:
        plain = plain.replace(".", "")
    return (plain,), False


def _shouted(text: str) -> bool:
    """Whether a text has no small letter, so that capitals say nothing."""
    return not any(character.islower() for character in text)


def _is_stop(typed: str, terms: tuple[str, ...], *, shouted: bool) -> bool:
    # "US", "IT" and "WHO" are names where the rest is not in capitals.
    if len(typed) > 1 and typed.isupper() and not shouted:
        return False
    return all(term in STOP_WORDS for term in terms)


def _stems(terms: tuple[str, ...], *, unspaced: bool) -> tuple[str, ...]:
    return terms if unspaced else tuple(_stem(term.removesuffix("'s")) for term in terms)


@lru_cache(maxsize=1 << 16)  # a large library says the same few ten thousand words again and again
def _content_stems(typed: str, *, shouted: bool) -> tuple[str, ...]:
    """The stems of one word of a text, none where it is a stop word."""
    terms, unspaced = _terms(typed)
    return () if _is_stop(typed, terms, shouted=shouted) else _stems(terms, unspaced=unspaced)


def content_terms(text: str) -> list[str]:
    """Return the stems of a text's content words, in order: two texts that share none share no word worth counting."""
    shouted = _shouted(text)
    found = _pattern(ascii_only=text.isascii()).findall(text)
    return [stem for typed in found for stem in _content_stems(typed, shouted=shouted)]


class Terms:
    """BM25 over the sentences of one article; row i is sentence i."""

    def __init__(
        self,
        vocabulary: dict[str, int],
        weights: FloatArray,
        rows: npt.NDArray[np.int32],
        starts: npt.NDArray[np.int64],
        count: int,
    ) -> None:
        """Column c, for the stem numbered c, is weights[starts[c]:starts[c + 1]] in sentences rows[...] of `count`."""
        self._vocabulary = vocabulary
        self._weights = weights
        self._rows = rows
        self._starts = starts
        self._count = count

    @classmethod
    def from_sentences(cls, texts: Sequence[str], *, k1: float = K1, b: float = B) -> Terms:
        """Weigh every stem of every sentence."""
        vocabulary: dict[str, int] = {}
        ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in content_terms(text)] for text in texts]
        if not vocabulary:
            return cls({}, np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(1, np.int64), len(texts))
        import bm25s

        bm25 = bm25s.BM25(method="lucene", k1=k1, b=b)
        bm25.index((ids, vocabulary), create_empty_token=False, show_progress=False)
        return cls(
            vocabulary,
            np.asarray(bm25.scores["data"], dtype=np.float32),
            np.asarray(bm25.scores["indices"], dtype=np.int32),
            np.asarray(bm25.scores["indptr"], dtype=np.int64),
            len(texts),
        )

    def __len__(self) -> int:
        return self._count

    def scores(self, question: str) -> FloatArray:
        """Return how well every sentence matches, float32 (n,): its BM25 sum, 0 where no content word is shared."""
        summed = np.zeros(self._count, dtype=np.float32)
        for term in content_terms(question):
            column = self._vocabulary.get(term)
            if column is not None:
                part = slice(self._starts[column], self._starts[column + 1])
                summed[self._rows[part]] += self._weights[part]  # a sentence is at most once in a column
        return summed

    def words(self, question: str) -> Words:
        """Return which content words of the question the article has, in any form, and which it never mentions.

        Words joined by hyphens are one word here, mentioned when all its content parts are; a prefix before a hyphen
        ("ex-", "co-", "mid-") needs no mention.
        """
        shouted = _shouted(question)
        mentioned: dict[str, str] = {}
        unmentioned: dict[str, str] = {}
        before = ""
        for start, end, parts in _joined(question):
            asking = ASKING_WORDS | MEASURES if before == "how" else ASKING_WORDS
            before = parts[-1].terms[-1]
            content = [
                word
                for word in _without_prefixes(parts)
                if not (word.unspaced or word.terms[0] in asking or _is_stop(word.typed, word.terms, shouted=shouted))
            ]
            if content:
                typed = re.sub(r"['’]s$", "", question[start:end])
                known = all(
                    stem in self._vocabulary for word in content for stem in _stems(word.terms, unspaced=word.unspaced)
                )
                (mentioned if known else unmentioned).setdefault(_fold(typed), typed)
        return Words(tuple(mentioned.values()), tuple(unmentioned.values()))

    def save(self, path: Path) -> None:
        """Write one .npz file, without pickle."""
        vocabulary = "\n".join(self._vocabulary).encode("utf-8")
        with path.open("wb") as file:
            np.savez(
                file,
                vocabulary=np.frombuffer(vocabulary, dtype=np.uint8),
                weights=self._weights,
                rows=self._rows,
                starts=self._starts,
                count=np.array(self._count, dtype=np.int64),
            )

    @classmethod
    def load(cls, path: Path) -> Terms:
        """Read what `save` wrote. Raises OSError, ValueError, KeyError or BadZipFile for anything else."""
        with np.load(path, allow_pickle=False) as arrays:
            stems = arrays["vocabulary"].tobytes().decode("utf-8")
            vocabulary = {stem: column for column, stem in enumerate(stems.split("\n") if stems else [])}
            return cls(vocabulary, arrays["weights"], arrays["rows"], arrays["starts"], int(arrays["count"]))


def _without_prefixes(parts: list[_Word]) -> list[_Word]:
    """Return the words of a run joined by hyphens, less the prefixes; the last word is never one."""
    return [word for word in parts[:-1] if word.terms[0] not in PREFIXES] + parts[-1:]


def _joined(text: str) -> Iterator[tuple[int, int, list[_Word]]]:
    """Yield (start, end, words) for each run of words joined by hyphens."""
    run: list[_Word] = []
    for word in _words(text):
        if run and not re.fullmatch(r"[-\u2010\u2011]", text[run[-1].end : word.start]):
            yield run[0].start, run[-1].end, run
            run = []
        run.append(word)
    if run:
        yield run[0].start, run[-1].end, run
