"""A number or a place in the article comes in; the words a person would use for it go out."""

from __future__ import annotations

from collections.abc import Sequence

from index.sentences import Sentence
from qa.show import in_words

MONTHS = "January February March April May June July August September October November December".split()
WORDS_A_MINUTE = 230  # how fast adults read English news silently


def sureness(confidence: float) -> str:
    """Return how sure the answer is, in words and as a count: "very likely right: 8 of 10 answers like this are"."""
    words = in_words(confidence)
    return f"{words}: {odds(confidence)} answers like this are{'' if words.endswith('y right') else ' right'}"


def odds(confidence: float) -> str:
    """Return a probability as a count of ten, or of a hundred where tenths would say "always" or "never"."""
    tenths = round(confidence * 10)
    if 0 < tenths < 10:
        return f"{tenths} of 10"
    return f"{min(99, max(1, round(confidence * 100)))} of 100"


def place(sentences: Sequence[Sentence], row: int) -> str:
    """Return where sentence `row` stands, counting from 1 as people do."""
    paragraph = sentences[row].paragraph
    first = row
    while first > 0 and sentences[first - 1].paragraph == paragraph:
        first -= 1
    return f"paragraph {paragraph + 1}, sentence {row - first + 1}"


def day(date: str) -> str:
    """Return 2024-05-17 as "17 May 2024", 2024-05 as "May 2024"; a year as it is."""
    year, *rest = date.split("-")
    month = f"{MONTHS[int(rest[0]) - 1]} " if rest else ""
    return f"{int(rest[1])} {month}{year}" if len(rest) == 2 else f"{month}{year}"


def origin(source: str, date: str | None = None) -> str:
    """Return where an article came from, without the folders that only its owner knows, and when where known."""
    name = source if "://" in source else source.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}, {day(date)}" if date else name


def reading_time(words: int) -> str:
    """Return how long that many words take to read."""
    minutes = max(1, round(words / WORDS_A_MINUTE))
    if minutes < 60:
        return f"{minutes} min read"
    hours = round(minutes / 60, 1)
    return f"{hours:g} h read"


def count(number: int, noun: str) -> str:
    """Return "1 sentence", "2 sentences", "12,000 sentences"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
