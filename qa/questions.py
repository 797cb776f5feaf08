"""Files of questions come in (ours, a line each, or SQuAD's JSON); questions with their evidence located go out.

This is the one place where a questions file is read. A complaint says file:line. What is *evidence*: every stretch of
the article that equals a quote of the question, word for word (white space may differ: a quote may be written on one
line and stand in the article on two). Any of them is right. SQuAD's answers come with offsets, which are used as they
are and never searched for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.article import Article, article_from_text, canonical, read_article
from index.errors import BadQuestionFile, UserError, kind_of
from qa.dialogue import Turn
from qa.metrics import Range

UNANSWERABLE = "unanswerable"
ArticleOf = Callable[["str | None"], "Article | None"]  # the "article" field of a line -> what to ask
KINDS = (
    "direct",
    "paraphrase",
    "reason",
    "number-or-date",
    "who-said",
    "negation",
    "noisy",
    "follow-up",
    UNANSWERABLE,
)
_FIELDS = {"id", "question", "evidence", "answers", "kind", "history", "article", "draft", "origin"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what would be right."""

    id: str
    question: str
    evidence: tuple[str, ...] = ()  # quotes of the article, any of which is right; none: the article does not say
    answers: tuple[str, ...] = ()  # accepted short answers; may be empty (a reason seldom has one)
    kind: str = ""
    history: tuple[Turn, ...] = ()
    line: int = 0  # of the file it was read from; 0 when it came from no line
    article: str = ""  # fingerprint of the article it is asked of
    places: tuple[Range, ...] = ()  # where the evidence stands in that article, every occurrence, in reading order
    draft: bool = False  # not reviewed yet: never scored
    origin: str = ""  # where a draft came from

    @property
    def answerable(self) -> bool:
        """Whether the article answers it."""
        return bool(self.evidence)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions and the articles they are asked of."""

    questions: tuple[Question, ...]
    articles: Mapping[str, Article]  # fingerprint -> article
    source: str
    left_out: Mapping[str, int] = field(default_factory=dict)  # why -> how many questions of the file are not here

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides a score: two runs can be compared when theirs are equal."""
        digest = hashlib.sha256()
        for question in sorted(self.questions, key=lambda question: question.id):
            parts = [question.id, question.question, question.kind, question.article]
            told = [*parts, [turn.pair for turn in question.history], list(question.places), list(question.answers)]
            digest.update(json.dumps(told, ensure_ascii=False).encode("utf-8") + b"\n")
        return digest.hexdigest()

    def spread(self, count: int) -> QuestionSet:
        """Return `count` of the questions, evenly spread over the set and in its order, with the articles they need.

        The same count of the same set is always the same questions. All of them where there are no more.
        """
        if count >= len(self.questions):
            return self
        chosen = tuple(self.questions[place * len(self.questions) // count] for place in range(count))
        needed = {question.article for question in chosen}
        articles = {name: article for name, article in self.articles.items() if name in needed}
        passed = {**self.left_out, "passed over by --limit": len(self.questions) - count}
        return QuestionSet(chosen, articles, self.source, passed)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something a person should look at in a questions file."""

    path: str
    line: int
    message: str
    serious: bool = True  # a serious one makes the file unusable; the others are advice

    def __str__(self) -> str:
        """Return file:line: message, which editors turn into a link."""
        return f"{self.path}:{self.line}: {self.message}"


def find_evidence(quote: str, text: str) -> list[Range]:
    """Return every place where `text` has the words of `quote` in a row, differing at most in white space."""
    words = quote.split()
    if not words:
        return []
    pattern = r"\s+".join(re.escape(word) for word in words)
    # A look-ahead, so that occurrences which overlap are all found.
    return [(found.start(), found.end(1)) for found in re.finditer(f"(?=({pattern}))", text)]


def read_questions(path: str | Path, article: Article | None) -> list[Question]:
    """Return the questions of a JSON Lines file, drafts included, in its order.

    With an article, each quote is found in it, or in the one that its line names; without, `places` stays empty.

    Raises:
        BadQuestionFile: at the first line that is malformed, repeats an id, or whose evidence the article lacks.
    """
    path = Path(path)
    questions: list[Question] = []
    for found in _read_lines(path, _nothing if article is None else _ArticleShelf(path.parent, article, {})):
        if isinstance(found, Complaint):
            raise BadQuestionFile(str(found))
        questions.append(found)
    return questions


def read_question_set(path: str | Path, article: Article | None) -> QuestionSet:
    """Return the questions of a JSON Lines file that are not drafts, each with the article it is asked of.

    A line may name its own article, relative to the file; `article` is asked where it does not.

    Raises:
        BadQuestionFile: as `read_questions`; also where a line has no article, and when no question is left.
    """
    path = Path(path)
    articles: dict[str, Article] = {}
    questions: list[Question] = []
    drafts = 0
    for found in _read_lines(path, _ArticleShelf(path.parent, article, articles)):
        if isinstance(found, Complaint):
            raise BadQuestionFile(str(found))
        if found.draft:
            drafts += 1
        else:
            questions.append(found)
    if not questions:
        if drafts:
            raise BadQuestionFile(f"{path}: it holds only drafts; go through them with `questions review` first")
        raise BadQuestionFile(f"{path}:1: there is no question in it; write one a line, or name another file")
    used = {question.article for question in questions}
    return QuestionSet(
        tuple(questions),
        {fingerprint: kept for fingerprint, kept in articles.items() if fingerprint in used},
        str(path),
        {"drafts": drafts} if drafts else {},
    )


def check_questions(path: str | Path, article: Article | None) -> list[Complaint]:
    """Return everything that makes the file unusable, in the order of its lines; an empty list is a good file.

    Raises:
        BadQuestionFile: when there is no such file, or it is not UTF-8 text.
    """
    path = Path(path)
    shelf = _ArticleShelf(path.parent, article, {})
    return [found for found in _read_lines(path, shelf) if isinstance(found, Complaint)]


def _nothing(_: str | None) -> None:
    return None


class _ArticleShelf:
    """Fetches a line's article, each only once."""

    def __init__(self, folder: Path, default: Article | None, articles: dict[str, Article]) -> None:
        self.folder, self.default, self.articles = folder, default, articles
        self._by_name: dict[str, Article] = {}

    def __call__(self, name: str | None) -> Article:
        if name is None:
            if self.default is None:
                raise ValueError('it names no "article", and none was given; add the field or use --article')
            found = self.default
        else:
            if name not in self._by_name:
                remote = name.startswith(("http://", "https://"))
                self._by_name[name] = read_article(name if remote else self.folder / name)
            found = self._by_name[name]
        self.articles[found.fingerprint] = found
        return found


def _read_lines(path: Path, article_of: ArticleOf) -> Iterator[Question | Complaint]:
    """Yield a Question for each good line and a Complaint for each bad one; blank lines are skipped."""
    seen: dict[str, int] = {}
    try:
        # `for line in file`, not splitlines(): that also cuts at U+2028, which is legal inside a JSON string.
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    question = _question_from_line(line, number, article_of)
                    if question.id in seen:
                        raise ValueError(
                            f"the id {question.id!r} is taken by line {seen[question.id]}; ids must differ"
                        )
                    seen[question.id] = number
                except (ValueError, UserError) as error:
                    yield Complaint(str(path), number, str(error))
                else:
                    yield question
    except FileNotFoundError:
        raise BadQuestionFile(f"{path}: there is no such file of questions") from None
    except IsADirectoryError:
        raise BadQuestionFile(f"{path} is a folder; name a file with one question a line") from None
    except OSError as error:
        raise BadQuestionFile(f"{path} cannot be opened: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise BadQuestionFile(f"{path}: it is not UTF-8 text ({error.reason}); save it as UTF-8") from None


def _question_from_line(line: str, number: int, article_of: ArticleOf) -> Question:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("this is JSON within JSON, too deep to be a question") from None
    try:
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character, such as \\ud83d alone; write the whole one") from None
    if not isinstance(data, dict):
        raise ValueError(f"one JSON object was wanted, this is {kind_of(data)}")
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; the fields are {', '.join(sorted(_FIELDS))}")
    name, asked = _string(data, "id"), _string(data, "question")
    evidence = _strings(data, "evidence")
    kind = _string(data, "kind", default="")
    draft = data.get("draft", False)
    if not isinstance(draft, bool):
        raise ValueError('"draft" must be true or false')
    if (kind == UNANSWERABLE) == bool(evidence) and (kind or not draft):
        raise ValueError(
            f'the kind is "{UNANSWERABLE}" but there is evidence; drop one of them'
            if evidence
            else f'there is no evidence; quote the article, or make the kind "{UNANSWERABLE}"'
        )
    answers = _strings(data, "answers")
    if answers and not evidence:
        raise ValueError('"answers" are given but no "evidence"; quote the sentence they come from')
    article = article_of(_string(data, "article", default="") or None)
    return Question(
        id=name,
        question=asked,
        evidence=evidence,
        answers=answers,
        kind=kind,
        history=_turns(data),
        line=number,
        article=article.fingerprint if article else "",
        places=_places(evidence, article) if article else (),
        draft=draft,
        origin=_string(data, "origin", default=""),
    )


def _places(evidence: Sequence[str], article: Article) -> tuple[Range, ...]:
    places: set[Range] = set()
    for quote in evidence:
        found = find_evidence(quote, article.text)
        if not found:
            shown = quote if len(quote) <= 60 else quote[:59] + "…"
            raise ValueError(f"the evidence “{shown}” is not in the article “{article.title}”; quote it word for word")
        places.update(found)
    return tuple(sorted(places))


def _string(data: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    value = data.get(name, default)
    if value is None:
        raise ValueError(f'"{name}" is missing')
    if not isinstance(value, str):
        raise ValueError(f'"{name}" must be a text, not {json.dumps(value)[:40]}')
    if not value.strip() and default is None:
        raise ValueError(f'"{name}" is empty')
    return value


def _strings(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = data.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError(f'"{name}" must be a list of texts, none of them empty')
    return tuple(value)


def _turns(data: Mapping[str, Any]) -> tuple[Turn, ...]:
    value = data.get("history", [])
    pairs = isinstance(value, list) and all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(said, str) for said in turn) for turn in value
    )
    if not pairs:
        raise ValueError('"history" must be a list of [question, answer] pairs')
    return tuple(Turn(*turn) for turn in value)


def read_squad(path: str | Path, *, paragraph: bool = False) -> QuestionSet:
    """Return the questions of a SQuAD 1.1 or 2.0 JSON file.

    By default the paragraphs of each title are joined, a blank line between, into one article, and every question is
    asked of the whole of it. SQuAD 2.0's unanswerable questions are unanswerable in their own paragraph only, so they
    are left out and counted. With `paragraph`, each paragraph is an article of its own and nothing is left out.

    Raises:
        BadQuestionFile: when the file is missing, is not SQuAD's JSON, or an answer is not where its offset says.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            titles = json.load(file)["data"]
        return _squad_questions(path, titles, paragraph=paragraph)
    except FileNotFoundError:
        raise BadQuestionFile(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise BadQuestionFile(f"{path} is a folder; name a SQuAD JSON file") from None
    except OSError as error:
        raise BadQuestionFile(f"{path} cannot be opened: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise BadQuestionFile(f"{path}:{error.lineno}: this is not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise BadQuestionFile(f"{path}: it is not UTF-8 text ({error.reason})") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise BadQuestionFile(
            f"{path}: this is not SQuAD's JSON (data > paragraphs > context, qas > id, question, answers): {error!r}"
        ) from None


def _squad_questions(path: Path, titles: Any, *, paragraph: bool) -> QuestionSet:
    questions: list[Question] = []
    articles: dict[str, Article] = {}
    ids: set[str] = set()
    left_out = 0
    for entry in titles:
        title = str(entry.get("title") or "untitled").replace("_", " ")
        contexts = [canonical(part["context"]) for part in entry["paragraphs"]]  # so that offsets agree
        if not contexts:
            continue
        joined = "\n\n".join(contexts)
        whole = None if paragraph else article_from_text(joined, title=title, source=str(path))
        offset = 0  # of the paragraph in `joined`
        for number, part in enumerate(entry["paragraphs"], start=1):
            context = contexts[number - 1]
            here, offset = offset, offset + len(context) + 2
            if not part["qas"]:
                continue
            article = whole or article_from_text(context, title=f"{title}, paragraph {number}", source=str(path))
            # Looked up, not assumed: an Article is free to drop white space before its first word.
            dropped = len(joined) - len(joined.lstrip())
            found = article.text.find(context.strip(), max(0, here - dropped) if whole else 0)
            base = found - (len(context) - len(context.lstrip()))
            if found < 0:
                raise BadQuestionFile(f"{path}: paragraph {number} of “{title}” is not in its article unchanged")
            for asked in part["qas"]:
                unanswerable = bool(asked.get("is_impossible")) or not asked["answers"]
                if unanswerable and whole is not None:
                    left_out += 1
                    continue
                if asked["id"] in ids:
                    raise BadQuestionFile(f"{path}: the id {asked['id']!r} occurs twice; ids must differ")
                ids.add(asked["id"])
                articles[article.fingerprint] = article
                golds = [] if unanswerable else asked["answers"]
                where = f"{path}: {asked['id']}"
                # -1: an accepted answer that stands nowhere word for word, as `qa.exchange` writes it.
                placed = [gold for gold in golds if gold["answer_start"] >= 0]
                places = {_answer_place(gold, part["context"], base, article, where) for gold in placed}
                # Fields that `qa.exchange` adds to SQuAD's own.
                places = {(base + start, base + end) for start, end in asked.get("places", ())} or places
                if golds and not places:
                    raise BadQuestionFile(f"{where}: none of its answers has a place in the text")
                answers = tuple(dict.fromkeys(gold["text"] for gold in golds))
                questions.append(
                    Question(
                        id=asked["id"],
                        question=asked["question"].strip(),
                        evidence=tuple(dict.fromkeys(article.text[start:end] for start, end in sorted(places))),
                        answers=answers,
                        kind=asked.get("kind") or (UNANSWERABLE if unanswerable else "answerable"),
                        history=tuple(Turn(*turn) for turn in asked.get("history", ())),
                        article=article.fingerprint,
                        places=tuple(sorted(places)),
                    )
                )
    if not questions:
        raise BadQuestionFile(f"{path}: there is no question in it that can be asked")
    left = {"unanswerable only in their own paragraph": left_out} if left_out else {}
    return QuestionSet(tuple(questions), articles, str(path), left)


def _answer_place(gold: Mapping[str, Any], context: str, base: int, article: Article, where: str) -> Range:
    text = canonical(gold["text"])
    start = base + len(canonical(context[: gold["answer_start"]]))
    end = start + len(text)
    if article.text[start:end] != text:
        raise BadQuestionFile(f"{where}: the answer {gold['text']!r} is not at its answer_start {gold['answer_start']}")
    return start, end
