"""What a program sends comes in; answers, articles and figures go out, in types that JSON can hold.

The names of the methods are those of the tools that an assistant is offered, and their docstrings all it knows of them.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.article import Article, article_from_text
from index.errors import UserError
from qa.answer import Answerer
from qa.batch import answer_file
from qa.dialogue import Turn
from qa.questions import read_question_set
from qa.report import refuse_empty
from qa.run import run_questions
from qa.show import as_dict
from qa.summary import summarise
from ui.library import Library, key_of
from ui.line import Line

if TYPE_CHECKING:
    from qa.library_answer import LibraryAnswerer
    from ui.archive import Archive

CANDIDATES = 10  # sent with an answer; the article may have thousands


class MalformedCall(UserError):
    """What a program sent has not the form that was promised."""


@contextmanager
def _of_that_form() -> Iterator[None]:
    """What cannot be taken apart was not what was wanted."""
    try:
        yield
    except (TypeError, ValueError, AttributeError):
        raise MalformedCall("what was sent has not the form that /gradio_api/info describes. Look there.") from None


class Programs:
    """What programs and assistants may ask of the server; every call raises UserError."""

    def __init__(self, library: Library, line: Line, find: Callable[[str], Article]) -> None:
        """`find` gives the article of a key, the first one for no key; raises NoSuchArticle."""
        self._library = library
        self._line = line
        self._find = find

    @_of_that_form()
    def ask(self, question: str, history: list[list[str]] | None = None, article: str = "") -> dict[str, Any]:
        """Answer a question about an article with one of its sentences, or say that it does not say.

        Args:
            question: A question in plain English.
            history: Earlier turns, oldest first, each [question, answer]; they make "Did he survive?" understood.
            article: The key of an article that is open here; empty for the one the app was started with.

        Returns:
            question, understood, answered, confidence (0 to 1), answer, sentence and passage (each text, start and end,
            or null; offsets count characters of the article), reason, nearest_miss, unmentioned, contrast (a word of
            the question and its opposite, which the sentence has in its place, or null), speaker (who is quoted in the
            sentence, as the article names them elsewhere; like sentence, or null), candidates, article, ms.
        """
        turns = [Turn(str(asked), str(answered)) for asked, answered in history or []]
        answerer = self._answerer(article)
        with self._line.place() as place:
            place.wait()
            record = as_dict(answerer.ask(question, turns), answerer.article_index)
        record["candidates"] = record["candidates"][:CANDIDATES]
        record["article"]["key"] = key_of(answerer.article)
        return record

    @_of_that_form()
    def batch(self, questions: list[dict[str, Any]], article: str = "") -> list[dict[str, Any]]:
        """Answer several questions, each {"id", "question", "history"?}; a bad one is reported in its own record.

        Args:
            questions: As the lines of a batch file.
            article: The key of an article that is open here; empty for the one the app was started with.

        Returns:
            One record a question, in order, as `article-qa batch` writes them.
        """
        return _batch(questions, self._answerer(article))

    @_of_that_form()
    def open(self, text: str, title: str = "") -> dict[str, Any]:
        """Open an article from its text, so that it can be asked.

        Args:
            text: The whole text of the article.
            title: What to call it; empty takes it from the text.

        Returns:
            key, title and sentences.
        """
        answerer = self._library.answerer(article_from_text(text, title=title or None))
        article = answerer.article
        return {"key": key_of(article), "title": article.title, "sentences": len(answerer.article_index.sentences)}

    def articles(self) -> list[dict[str, Any]]:
        """List the articles on the shelf: key, title and sentences (null where it has not been opened yet)."""
        return [dataclasses.asdict(shelved) for shelved in self._library.shelf()]

    @_of_that_form()
    def evaluate(self, questions: list[dict[str, Any]], article: str = "") -> dict[str, Any]:
        """Ask questions whose answers are known, and score the answers.

        Args:
            questions: As the lines of eval/questions.jsonl: id, question, evidence, answers, kind, history.
            article: The key of the article they are about; empty for the one the app was started with.

        Returns:
            The figures, each with n and its 95 % interval, as `article-qa eval --json` prints them.
        """
        answerer = self._answerer(article)
        with tempfile.TemporaryDirectory() as folder:
            asked = Path(folder, "questions.jsonl")
            lines = [{key: value for key, value in one.items() if key != "article"} for one in questions]
            asked.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            run = run_questions(read_question_set(asked, answerer.article), lambda _: answerer)
            refuse_empty(run)
            figures: dict[str, Any] = summarise(run).to_json()
            return figures

    def _answerer(self, key: str) -> Answerer:
        return self._library.answerer(self._find(key))


class LibraryPrograms:
    """What programs and assistants may ask of the server of a library; every call raises UserError."""

    def __init__(self, archive: Archive, line: Line) -> None:
        self._archive = archive
        self._line = line

    @_of_that_form()
    def ask(self, question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer a question with one sentence of the library's articles, or say that none of them says.

        Args:
            question: A question in plain English.
            history: Earlier turns, oldest first, each [question, answer]; they make "Did he survive?" understood.

        Returns:
            question, understood, answered, confidence (0 to 1), answer, sentence and passage (each text, start and end,
            or null; offsets count characters of the article), reason, nearest_miss, unmentioned, contrast (a word of
            the question and its opposite, which the sentence has in its place, or null), speaker (who is quoted in the
            sentence, as the article names them elsewhere; like sentence, or null), candidates, article,
            places (every article that has the sentence, with offsets in it, the one above first), library, ms.
        """
        turns = [Turn(str(asked), str(answered)) for asked, answered in history or []]
        answerer = self._archive.answerer
        with self._line.place() as place:
            place.wait()
            record = answerer.as_dict(answerer.ask(question, turns))
        record["candidates"] = record.get("candidates", [])[:CANDIDATES]
        record["library"]["folder"] = self._archive.name  # where it lies is its owner's business
        return record

    @_of_that_form()
    def batch(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer several questions, each {"id", "question", "history"?}; a bad one is reported in its own record.

        Args:
            questions: As the lines of a batch file.

        Returns:
            One record a question, in order, as `article-qa batch --library` writes them.
        """
        return _batch(questions, self._archive.answerer)

    @_of_that_form()
    def articles(self, find: str = "") -> list[dict[str, Any]]:
        """List articles of the library, the newest first, at most 100.

        Args:
            find: Text in the title or the source, or article:TEXT, source:TEXT, date:2024-05..2024-07; empty for all.

        Returns:
            id, title, source, date (or null), fingerprint, sentences and when it was added, of each.
        """
        return [dataclasses.asdict(held) for held in self._archive.found(find)]


def _batch(questions: list[dict[str, Any]], answerer: Answerer | LibraryAnswerer) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "questions.jsonl"), Path(folder, "answers.jsonl")
        # No paths from outside: a record may not name a file of this machine as its article.
        lines = [{key: value for key, value in one.items() if key != "article"} for one in questions]
        asked.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        answer_file(asked, answered, lambda _: answerer)
        return [json.loads(line) for line in answered.read_text(encoding="utf-8").split("\n") if line]
