"""A file of questions comes in, one JSON object a line; a file of answers goes out, one line each, in the same order.

    in   {"id", "question", "history": [[question, answer], ...]?, "article": path?}
    out  {"id", "question", "answered", "confidence", "answer": {"text", "start", "end"} | null, "sentence": likewise,
          "candidates": [{"start", "end", "text", "relevance"}, ...], "ms", "error": text | null}

Offsets count characters (Unicode code points) of the article's canonical text. One bad line or article never stops the
batch: it is reported in the "error" of its own line. Lines of white space only are no questions.

Beside a file of answers stands what it was begun with, as FILE.settings.json, so that no other run is mixed into it.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from index.errors import BadQuestionFile, UserError, kind_of
from qa.answer import Answer, Answerer
from qa.dialogue import Turn
from qa.options import refuse_inputs
from qa.run import changed_settings, replace_text
from qa.show import candidate_dicts, json_line, passage_dict

LEAST_CANDIDATES = 10
RECORD_BEGINS = b'{"id": '
ARTICLES_OPEN = 8  # questions about one article mostly stand together; an index of 10,000 sentences takes 20 MB


class CanAnswer(Protocol):
    """One article or a library of them."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return the answer to a question in the light of earlier turns."""


OpenAnswerer = Callable[[str | None], CanAnswer]  # an article's path, or None for the default article
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BatchDone:
    """How a batch went."""

    lines: int  # input lines that hold something
    answered: int
    errors: int
    resumed: int  # lines that an earlier run had written


@dataclass(frozen=True, slots=True)
class _Asked:
    """An input line that could be read."""

    id: Any
    question: str
    history: tuple[Turn, ...]
    article: str | None


class _Earlier(NamedTuple):
    """What an earlier run completed."""

    records: list[dict[str, Any]]
    size: int  # bytes that they fill of the file of answers; what follows them is a line that was cut short


class _BadLineError(Exception):
    """An input line that could not be read; the message says where and why. Never leaves this file."""

    def __init__(self, message: str, fields: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.fields = fields


def answer_file(
    questions: Path,
    answers: Path | None,
    open_answerer: OpenAnswerer,
    *,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    candidates: int = LEAST_CANDIDATES,
    progress: Progress | None = None,
) -> BatchDone:
    """Answer each line of `questions` into `answers` (None: standard output), each flushed as soon as it is answered.

    open_answerer: called with the article's path as seen from here; what it returns is kept for the next questions.
    resume: keep the lines of `answers` that an earlier run completed, those with an error too, and go on after them.
    settings: what changes the answers, option -> value that JSON can hold; kept beside `answers`, and compared when
        resuming. None: neither.
    candidates: how many to list, at least; all when the article has fewer sentences.
    Raises BadQuestionFile when `questions` cannot be opened, `answers` cannot be written, or, when resuming, `answers`
    belongs to other questions, other settings or another article; InputAtRisk when `answers` is what is read.
    """
    lines = _lines(questions)
    folder = Path() if str(questions) == "-" else questions.parent
    if answers is not None:
        refuse_inputs([answers], [questions, *_articles_named(lines, folder)])
    articles = _Articles(open_answerer)
    done, size = _Earlier([], 0)
    if resume and answers is not None:
        done, size = _completed(answers, questions, lines)
        _refuse_other_settings(answers, done, settings)
        _refuse_other_article(answers, done, [line for _, line in lines], articles)
    answered = sum(bool(record.get("answered")) for record in done)
    errors = sum(record.get("error") is not None for record in done)
    with _output(answers, after=size) as write:
        # Not before the file is empty: settings that came too early would stand beside the answers of others.
        _keep_settings(answers, settings)
        for count, (number, line) in enumerate(lines[len(done) :], start=len(done) + 1):
            if progress is not None:
                progress("answering", count - 1, len(lines))
            record = _answer_line(line, f"{questions}:{number}", folder, articles, max(candidates, LEAST_CANDIDATES))
            answered += record["answered"]
            errors += record["error"] is not None
            write(json_line(record) + "\n")
    return BatchDone(len(lines), answered, errors, len(done))


def _answer_line(line: bytes, where: str, folder: Path, articles: _Articles, candidates: int) -> dict[str, Any]:
    """The output record of an input line, whatever is in it."""
    try:
        asked = _parse(line, where)
    except _BadLineError as error:
        return _record(error.fields.get("id"), error.fields.get("question"), str(error))
    try:
        answerer = articles.get(None if asked.article is None else _place(asked.article, folder))
        answer = answerer.ask(asked.question, asked.history)
    except UserError as error:
        return _record(asked.id, asked.question, str(error))
    except Exception as error:
        # A bug in one answer must not cost the user the other thousand; its line says what it was.
        return _record(asked.id, asked.question, f"{where}: {type(error).__name__}: {error}")
    return _record(asked.id, asked.question, None, answer, candidates)


def _record(
    identifier: object, question: object, error: str | None, answer: Answer | None = None, candidates: int = 0
) -> dict[str, Any]:
    if answer is not None and not answer.candidates:
        error = answer.reason  # the question could not be asked: empty, too long, no word in it
    return {
        "id": identifier,
        "question": question,
        "answered": answer is not None and answer.answered,
        "confidence": answer.confidence if answer else 0.0,
        "answer": passage_dict(answer.span) if answer else None,
        "sentence": passage_dict(answer.sentence) if answer else None,
        "candidates": candidate_dicts(answer.candidates[:candidates]) if answer else [],
        "ms": round(answer.ms["total"], 3) if answer else 0.0,
        "error": error,
        # Of a library only: which articles the sentence stands in, the one that the offsets count in first.
        **({"places": [asdict(place) for place in answer.places]} if answer and answer.places else {}),
        # Of a library on a cluster only, and only where shards did not answer.
        **({"not_searched": answer.not_searched} if answer and answer.not_searched else {}),
    }


class _Articles:
    """Answerers of the default article and of those asked about last; why one could not be opened is remembered too."""

    def __init__(self, open_answerer: OpenAnswerer) -> None:
        self._open = open_answerer
        self._kept: OrderedDict[str | None, CanAnswer | UserError] = OrderedDict()

    def get(self, article: str | None) -> CanAnswer:
        """Return the article's Answerer. Raises UserError, the same one each time."""
        if article not in self._kept:
            try:
                self._kept[article] = self._open(article)
            except UserError as error:
                self._kept[article] = error
            if len(self._kept) > ARTICLES_OPEN:
                # Not the default article: standard input, if it comes from there, can be read but once.
                del self._kept[next(name for name in self._kept if name is not None)]
        self._kept.move_to_end(article)
        found = self._kept[article]
        if isinstance(found, UserError):
            raise found
        return found


def _place(article: str, folder: Path) -> str:
    """The article as seen from here: relative to the file that names it, unless it is an address on the web."""
    return article if re.match("https?://", article, re.IGNORECASE) else str(folder / article)


def _articles_named(lines: Sequence[tuple[int, bytes]], folder: Path) -> set[str]:
    """The articles that lines of questions name, as seen from here."""
    asked = (_asked_by(line) for _, line in lines)
    return {_place(one.article, folder) for one in asked if one is not None and one.article is not None}


def _asked_by(line: bytes) -> _Asked | None:
    """What a line asks, or None where it cannot be read, which is told when it is answered."""
    try:
        return _parse(line, "")
    except _BadLineError:
        return None


def _parse(line: bytes, where: str) -> _Asked:
    """Raises _BadLineError."""
    try:
        fields = _loads(line)
    except UnicodeDecodeError as error:
        raise _BadLineError(f"{where}: not UTF-8 text ({error.reason} at byte {error.start})", {}) from error
    except (ValueError, RecursionError) as error:
        raise _BadLineError(f"{where}: not JSON ({error})", {}) from error
    if not isinstance(fields, dict):
        raise _BadLineError(f"{where}: {kind_of(fields)} where an object with id and question was wanted", {})

    def check(right: bool, wanted: str) -> None:
        if not right:
            raise _BadLineError(f"{where}: {wanted}", fields)

    check("id" in fields, '"id" is missing')
    check("question" in fields, '"question" is missing')
    check(isinstance(fields["question"], str), '"question" must be text')
    history = fields.get("history")
    history = [] if history is None else history
    pairs = isinstance(history, list) and all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(text, str) for text in turn) for turn in history
    )
    check(pairs, '"history" must be a list of [question, answer] pairs of text')
    article = fields.get("article")
    # Not standard input either, which "./-" would mean as well: a path is put together without its dots.
    path = isinstance(article, str) and str(Path(article)) != "-"
    check(article is None or path, '"article" must be the path of a file')
    return _Asked(fields["id"], fields["question"], tuple(Turn(*turn) for turn in history), article or None)


def _loads(line: bytes) -> Any:
    """Raises ValueError also for NaN, Infinity and 1e999: JSON has none of them, so that no answer could repeat one."""
    return json.loads(line.decode("utf-8"), parse_constant=_finite, parse_float=_finite)


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise ValueError(f"{number} is not a finite number")
    return float(number)


def _lines(questions: Path) -> list[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1. Cut at line feeds only: U+2028 may stand in JSON."""
    try:
        whole = sys.stdin.buffer.read() if str(questions) == "-" else questions.read_bytes()
    except OSError as error:
        raise BadQuestionFile(f"{questions}: {_why(error)}. Give a file with one JSON object a line.") from error
    lines = whole.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _completed(answers: Path, questions: Path, lines: list[tuple[int, bytes]]) -> _Earlier:
    """The records an earlier run completed, without a torn last line.

    Raises BadQuestionFile when they are not answers to the first of these lines.
    """
    try:
        whole = answers.read_bytes() if answers.exists() else b""
    except OSError as error:
        raise BadQuestionFile(f"{answers}: {_why(error)}.") from error
    records: list[dict[str, Any]] = []
    kept = 0
    for line in _cut(whole):
        record = _completed_record(line)
        if record is None:
            break
        records.append(record)
        kept += len(line)
    if not _is_torn(whole[kept:]):
        raise BadQuestionFile(
            f"{answers}:{len(records) + 1}: not an answer. Resume what `batch` wrote, or drop --resume to overwrite it."
        )
    for record, (number, line) in zip(records, lines, strict=False):
        expected = _field_of(line, "id")
        if record["id"] != expected:
            raise BadQuestionFile(
                f"{answers} has the answer to {record['id']!r} where {questions}:{number} asks {expected!r}: "
                "they do not belong together. Drop --resume to answer everything anew."
            )
        if record.get("question") != _field_of(line, "question"):
            raise BadQuestionFile(
                f"{answers} has the answer to another question than {questions}:{number} asks by the id {expected!r}. "
                "Drop --resume to answer everything anew."
            )
    if len(records) > len(lines):
        raise BadQuestionFile(
            f"{answers} has {len(records):,} answers but {questions} only {len(lines):,} questions: they do not belong "
            "together. Drop --resume to answer everything anew."
        )
    return _Earlier(records, kept)


def _settings_file(answers: Path) -> Path:
    """Where it is kept what a file of answers was begun with: beside it, also where a link leads to it."""
    file = Path(os.path.realpath(answers))
    return file.with_name(f"{file.name}.settings.json")


def _keep_settings(answers: Path | None, settings: Mapping[str, Any] | None) -> None:
    """Write beside the answers what they are begun with, where they are a file."""
    if answers is None or settings is None or not answers.is_file():
        return
    # Where it cannot be written, the answers still can; they are taken up again as those of earlier versions are.
    with suppress(OSError):
        replace_text(_settings_file(answers), json.dumps(settings, indent=2) + "\n")


def _refuse_other_settings(
    answers: Path, done: Sequence[Mapping[str, Any]], settings: Mapping[str, Any] | None
) -> None:
    """Raise BadQuestionFile when the answers so far were begun with other settings, as far as that is known."""
    file = _settings_file(answers)
    if settings is None or not done or not file.exists():
        return
    try:
        before = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadQuestionFile(f"{file} cannot be read: {error}. Delete it to go on without comparing.") from error
    if not isinstance(before, dict):
        raise BadQuestionFile(f"{file} holds no settings. Delete it to go on without comparing.")
    changed = changed_settings(before, settings)
    if changed:
        begun, asked = (", ".join(_as_typed(name, of.get(name)) for name in changed) for of in (before, settings))
        raise BadQuestionFile(
            f"{answers} was begun with {begun} and would go on with {asked}: they do not belong together. "
            "Give the same as before, or drop --resume to answer everything anew."
        )


def _as_typed(option: str, value: object) -> str:
    """An option as it stands on the command line."""
    if value is None:
        return f"no {option}"
    return " ".join(f"{option} {one}" for one in (value if isinstance(value, list) else [value]))


def _refuse_other_article(
    answers: Path, done: Sequence[Mapping[str, Any]], lines: Sequence[bytes], articles: _Articles
) -> None:
    """Raise BadQuestionFile when the default article is still to be asked, and is not that of the answers so far.

    Nothing is opened where no question of it is left. Answers hold no name of their article that would still mean the
    same another day; their sentences are compared, each in its place.
    """
    default = [asked is not None and asked.article is None for asked in map(_asked_by, lines)]
    earlier = [place for place, record in enumerate(done) if default[place] and record.get("candidates")]
    if not earlier or not any(default[len(done) :]):
        return
    try:
        answerer = articles.get(None)
    except UserError:
        return  # each line says so
    for place in earlier:
        if not _is_of(done[place], answerer):
            raise BadQuestionFile(
                f"{answers}:{place + 1}: an answer from another article than the one that is asked now. "
                "Give the same --article or --library, or drop --resume to answer everything anew."
            )


def _is_of(record: Mapping[str, Any], answerer: CanAnswer) -> bool:
    """Whether a record's sentences stand in the article. Of a library it is only seen that it was one, by "places"."""
    if not isinstance(answerer, Answerer):
        return "places" in record
    text = answerer.article.text
    try:
        found = all(text[one["start"] : one["end"]] == one["text"] for one in record["candidates"])
    except (KeyError, TypeError):
        return False
    return found and "places" not in record


def _cut(whole: bytes) -> list[bytes]:
    """The lines of `whole` with their line feeds."""
    *full, rest = whole.split(b"\n")
    return [line + b"\n" for line in full] + ([rest] if rest else [])


def _completed_record(line: bytes) -> dict[str, Any] | None:
    """A record that `batch` wrote whole, or None."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and {"id", "answered", "error"} <= record.keys() else None


def _is_torn(rest: bytes) -> bool:
    """Whether an interruption may have left this after the last whole record; if not, it is somebody's and is not cut.

    That is the beginning of a record, or nothing: white space, or the zeros of a machine that lost its power.
    """
    begun = b"\n" not in rest and (rest.startswith(RECORD_BEGINS) or RECORD_BEGINS.startswith(rest))
    return begun or not rest.strip(b"\0 \t\r\n")


def _field_of(line: bytes, name: str) -> object:
    try:
        fields = _loads(line)
    except (ValueError, RecursionError):
        return None
    return fields.get(name) if isinstance(fields, dict) else None


@contextmanager
def _output(answers: Path | None, *, after: int) -> Iterator[Callable[[str], None]]:
    """A function that writes a line and flushes it; the first comes after so many bytes, and what stood there goes."""
    if answers is None:
        yield _writer(sys.stdout.buffer)
        return
    try:  # around closing too, which writes again what a full disk refused
        with answers.open("r+b" if after else "wb") as file:
            if after:
                file.seek(after)
                file.truncate()
            yield _writer(file)
    except OSError as error:
        raise BadQuestionFile(f"{answers}: {_why(error)}. Give a file that can be written.") from error


def _writer(file: BinaryIO) -> Callable[[str], None]:
    # In bytes: Windows would turn the line feed into two characters, and another locale would not write UTF-8.
    def write(line: str) -> None:
        file.write(line.encode("utf-8"))
        file.flush()

    return write


def _why(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
