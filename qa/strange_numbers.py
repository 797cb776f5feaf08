"""A question and an article's text come in; the numbers of the question that the text never gives go out.

A number counts as given in whatever way texts mostly write it: in figures or words, with separators or without, as a
cardinal or an ordinal, "1.2 million" or "1,200,000", "10.30am" or "10:30", "2010-12" or "2012", "'80s" or "1980s",
"World War II" or "World War 2". In doubt it is given: to call a sound question strange costs more than it tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
).split()
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_ROMAN = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX".split()
_MAGNITUDES = {
    "hundred": 10**2, "k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6, "bn": 10**9, "b": 10**9,
    "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_VALUES = {
    **{word: number for number, word in enumerate(_UNITS)},
    **{word: number for number, word in enumerate(_ORDINALS)},
    **_TENS,
    **{f"{word[:-1]}ieth": number for word, number in _TENS.items()},
    **dict.fromkeys(("both", "twice", "couple", "pair", "double", "twin", "twins"), 2),
    **dict.fromkeys(("dozen", "dozens"), 12),
    **{f"{word}{end}": 10**zeros for word, zeros in (("hundred", 2), ("thousand", 3)) for end in ("", "s", "th")},
    "thrice": 3, "triple": 3, "million": 10**6, "billion": 10**9,
}  # fmt: skip
_ROMAN_NUMERAL = re.compile(rf"\b(?:{'|'.join(_ROMAN)})\b")
_ALWAYS = frozenset({"1"})  # "a", "an", "the": every text has one of something

_FIGURES = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SCALE = r"(?:\s?(k|mn?|bn?|hundred|thousand|million|billion|trillion)\b)?"
_ASKED = re.compile(rf"(?<!\w){_FIGURES}{_SCALE}")  # not the 4 of "b4" nor the 320 of "A320"
_GIVEN = re.compile(rf"{_FIGURES}{_SCALE}")
_WORD = re.compile(r"[a-z]+")
_TIME = re.compile(r"(?<![\w.:])(\d{1,2})(?::(\d\d)|\.(\d\d)(?=\s?[ap]\.?m))(?!\d)")
_GIVEN_TIME = re.compile(r"(?<!\d)(\d{1,2})[:.](\d\d)(?!\d)")
_DATE = re.compile(
    r"(?<!\w)(?:(?P<year>\d{4})-\d\d?-\d\d?|\d\d?/\d\d?/(?P<after>\d{2,4})|\d\d?([.-])\d\d?\3(?P<last>\d{2,4})|\d\d?/\d\d?)(?!\w)"
)
_SPAN_OF_YEARS = re.compile(r"(?<!\d)(\d\d)\d\d\s?[-–/]\s?(\d\d)(?!\d)")
_SHORT_YEAR = re.compile(r"(?:(?<=['’‘])\d\d(?!\d)|(?<![\w.,])\d\d(?=['’]?s\b))")
_YEAR = re.compile(r"(?:1\d|20)\d\d")
# How long an answer is wanted, or which of several questions it is, says nothing of the article.
_WANTED = re.compile(
    r"^\W*\d+[.)]\s|\b(?:top|list|name|give(?: me)?|in|the)\s+\d+\s+(?:main |key |best |short )?"
    r"(?:reasons?|facts?|things?|words?|sentences?|points?|ways?|examples?)\b",
    re.I,
)


def strange_numbers(question: str, text: str) -> tuple[str, ...]:
    """Return the numbers of the question that the text never gives, each once, as written there but in lower case."""
    asked = _WANTED.sub(" ", question.lower())
    times = _TIME.finditer(asked)
    found = [time[0] for time in times if not _gives_time(text, int(time[1]), int(time[2] or time[3]))]
    asked = _TIME.sub(" ", asked)
    for date in _DATE.finditer(asked):  # days and months are written in too many ways
        year = date["year"] or date["after"] or date["last"] or ""
        if len(year) == 4 and year not in _given(text):
            found.append(year)
    asked = _SPAN_OF_YEARS.sub(lambda years: f"{years[0][:4]} {years[1]}{years[2]}", _DATE.sub(" ", asked))
    short = {match.start(): match[0] for match in _SHORT_YEAR.finditer(asked)}
    for match in _ASKED.finditer(asked):
        number = match[0].strip()
        if not _forms(match).isdisjoint(_given(text) | _ALWAYS):
            continue
        if match.start() in short and any(year.endswith(short[match.start()]) for year in _YEAR.findall(text)):
            continue
        if _YEAR.fullmatch(number) and re.search(rf"(?:['’‘]|(?<!\d)(?=\d\ds\b)){number[2:]}(?!\d)", text):
            continue
        found.append(number)
    return tuple(dict.fromkeys(found))


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _forms(match: re.Match[str]) -> frozenset[str]:
    """A number as it stands and as its "million" makes it, without separators or needless zeros."""
    figures = Decimal(re.match(_FIGURES, match[0])[0].replace(",", ""))  # type: ignore[index]
    return frozenset({_plain(figures), _plain(figures * _MAGNITUDES.get(match[1] or "", 1))})


@lru_cache(maxsize=16)
def _given(text: str) -> frozenset[str]:
    """All numbers that a text gives, in figures or in words."""
    lower = text.lower()
    figures = {match[0]: match for match in _GIVEN.finditer(lower)}  # each once: a long text has many
    given = {form for match in figures.values() for form in _forms(match)}
    given.update(century + year for century, year in _SPAN_OF_YEARS.findall(text))
    given.update(str(_ROMAN.index(roman) + 1) for roman in set(_ROMAN_NUMERAL.findall(text)))
    return frozenset(given.union(_spelt(_WORD.findall(lower))))


def _spelt(words: Iterable[str]) -> set[str]:
    """The values of all number words, and of those that follow each other: "twenty-five", "three hundred and fifty"."""
    found: set[str] = set()
    total, group = 0, None  # "two thousand and eight": 2000, and 8 so far
    for word in words:
        value = _VALUES.get(word)
        if value is None:
            if word != "and" or group is None or (group % 100 and group):
                total, group = 0, None
            continue
        found.add(str(value))
        if group is None:
            group = value
        elif value == 100 and group < 100:
            group *= value
        elif value > 100:
            total, group = total + group * value, 0
        elif group % 100 == 0 or (value < 10 and group % 100 in _TENS.values()):
            group += value
        elif 10 <= group <= 20 and value >= 10:  # a year: "nineteen eighty-four"
            group = 100 * group + value
        else:
            total, group = 0, value
        found.add(str(total + group))
    return found


def _gives_time(text: str, hour: int, minute: int) -> bool:
    given = {(int(h), int(m)) for h, m in _GIVEN_TIME.findall(text)}
    if (hour, minute) in given or (hour % 12, minute) in {(h % 12, m) for h, m in given}:
        return True
    return not minute and not {str(hour), str(hour % 12)}.isdisjoint(_given(text))
