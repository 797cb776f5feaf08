"""An Answer comes in; lines for a terminal, or a dictionary for JSON, go out."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from index.build import ArticleIndex
from qa.answer import Answer, Passage
from qa.reader import ReadSentence

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
OPEN, CLOSE = "«", "»"  # mark the short answer where there is no bold

# How many of ten such answers are right, at least, for each wording, best first.
WORDINGS = (
    (9, "almost certainly right"),
    (8, "very likely right"),
    (6, "likely right"),
    (5, "as likely right as wrong"),
    (2, "probably wrong"),
    (0, "almost certainly wrong"),
)


def in_words(confidence: float) -> str:
    """Return what a confidence (0 to 1) means; it is rounded to tenths first, so that words and counts agree."""
    return next(wording for least, wording in WORDINGS if round(confidence * 10) >= least)


def as_text(answer: Answer, article_index: ArticleIndex, *, k: int = 1, bold: bool = False) -> str:
    """Return the answer as lines for people, with the k - 1 sentences that came next; without a final line break.

    bold: mark the short answer by the terminal's bold face; otherwise by « ».
    """
    lines = []
    if answer.understood != answer.question:
        lines.append(f"Understood as: {answer.understood}")
    if answer.sentence is not None:
        lines.append(marked(answer.sentence, answer.span, bold=bold))
        lines.append(
            f"  {_place(answer.candidates[0], article_index)}; {in_words(answer.confidence)} ({answer.confidence:.2f})"
        )
        if answer.speaker is not None:
            lines.append(f"  Speaker: {one_line(answer.speaker.text)}")
        if answer.contrast is not None:
            lines.append("  It says “{1}”, the question “{0}”.".format(*answer.contrast))
        if answer.passage is not None and answer.passage != answer.sentence:
            lines.append(f"  In its place: {one_line(answer.passage.text)}")
    else:
        lines.append("The article does not say.")
        if answer.reason:
            lines.append(f"  {answer.reason}")
        if answer.nearest_miss is not None:
            place = _place(answer.candidates[0], article_index)
            lines.append(f"  Nearest miss ({place}; {answer.confidence:.2f}): {one_line(answer.nearest_miss.text)}")
    others = answer.candidates[1:k]
    if others:
        lines.append("Next best:")
        for rank, other in enumerate(others, start=2):
            text = one_line(other.candidate.sentence.text)
            lines.append(f"  {rank}. {text} ({_place(other, article_index)}; relevance {other.relevance:.2f})")
    return "\n".join(lines)


def marked(sentence: Passage, span: Passage | None, *, bold: bool) -> str:
    """Return the sentence on one line, the short answer in it marked."""
    if span is None or not sentence.start <= span.start < span.end <= sentence.end:
        return one_line(sentence.text)
    before, after = BOLD if bold else OPEN, PLAIN if bold else CLOSE
    start, end = span.start - sentence.start, span.end - sentence.start
    parts = (sentence.text[:start], before, sentence.text[start:end], after, sentence.text[end:])
    return " ".join("".join(part if part in (before, after) else printable(part) for part in parts).split())


def one_line(text: str) -> str:
    """Return the text for a line of a terminal: an article may be hard-wrapped, or hold sequences that steer it."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Return the text without control characters but for white space."""
    return "".join(character for character in text if character.isspace() or unicodedata.category(character) != "Cc")


def source_line(source: str) -> str:
    """Return a path or an address for a line of a terminal; its spaces stay as they are, so that it can be copied."""
    return "".join(character for character in source if unicodedata.category(character) != "Cc")


def answer_dict(answer: Answer) -> dict[str, Any]:
    """Return question and answer as JSON types. Offsets count characters of the article's text."""
    return {
        "question": answer.question,
        "understood": answer.understood,
        "answered": answer.answered,
        "confidence": answer.confidence,
        "answer": passage_dict(answer.span),
        "sentence": passage_dict(answer.sentence),
    }


def as_dict(answer: Answer, article_index: ArticleIndex) -> dict[str, Any]:
    """Return the whole answer as JSON types. Offsets count characters of the article's text."""
    return {
        **answer_dict(answer),
        "passage": passage_dict(answer.passage),
        "reason": answer.reason,
        "nearest_miss": passage_dict(answer.nearest_miss),
        "unmentioned": list(answer.unmentioned),
        "contrast": list(answer.contrast) if answer.contrast else None,
        "speaker": passage_dict(answer.speaker),
        "candidates": candidate_dicts(answer.candidates),
        "article": {
            "title": article_index.article.title,
            "source": article_index.article.source,
            "fingerprint": article_index.article.fingerprint,
            "sentences": len(article_index.sentences),
        },
        "ms": {stage: round(ms, 3) for stage, ms in answer.ms.items()},
    }


def passage_dict(passage: Passage | None) -> dict[str, Any] | None:
    """Return the passage as JSON types."""
    return None if passage is None else {"text": passage.text, "start": passage.start, "end": passage.end}


def candidate_dicts(candidates: Sequence[ReadSentence]) -> list[dict[str, Any]]:
    """Return the candidates as JSON types, best first."""
    return [
        {
            "start": read.candidate.sentence.start,
            "end": read.candidate.sentence.end,
            "text": read.candidate.sentence.text,
            "relevance": read.relevance,
        }
        for read in candidates
    ]


def json_line(record: Mapping[str, Any]) -> str:
    """Return the record as one line of JSON, readable in any script; text that UTF-8 cannot hold is escaped."""
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(record)
    return line


def stream_is_utf8() -> bool:
    """Return whether standard output holds every letter. Where not, JSON is escaped: "?" would be a lie."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"


def print_json(record: Mapping[str, Any]) -> None:
    """Print the record as one line of JSON, for another program to read."""
    sys.stdout.write((json_line(record) if stream_is_utf8() else json.dumps(record)) + "\n")
    sys.stdout.flush()


def _place(read: ReadSentence, article_index: ArticleIndex) -> str:
    sentence = read.candidate.sentence
    inside = 1 + sum(other.paragraph == sentence.paragraph for other in article_index.sentences[: read.candidate.row])
    return f"paragraph {sentence.paragraph + 1}, sentence {inside}"
