"""What the tests share: a toy encoder whose cosines can be done by hand, a small article, and its index."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from index.article import Article, article_from_text
from index.build import ArticleIndex, Progress, build_index
from index.embeddings import FloatArray, unit_rows
from qa.answer import Answerer
from qa.confidence import Calibration
from qa.questions import Question, QuestionSet, find_evidence
from qa.reader import FusedReader
from qa.run import Run, run_questions


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of training alone where tests with models are left out: importing torch costs seconds."""
    return True if collection_path.name == "test_training.py" and "not model" in config.option.markexpr else None


SMALL_ARTICLE = """The great flood

The river rose on Monday. By 1953 the old bridge had stood for ninety years.
The flood took the bridge in one night, and nobody was hurt.

Mayor Jane Carter said the town would rebuild it. Work began in the spring and cost £2,000.
"""


class WordEncoder:
    """One dimension per known word: the cosine of two texts can be done by hand.

    "The river, the river, the flood" counts river 2, flood 1; against "river" its cosine is 2 / sqrt(2*2 + 1*1).
    A text with no known word is the zero vector, whose cosine with everything is 0.
    """

    name = "toy-words"
    words = ("river", "flood", "bridge", "1953", "mayor", "rebuild", "spring")
    fingerprint = hashlib.sha256(" ".join(words).encode()).hexdigest()
    dim = len(words)

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        counts = np.array([[text.lower().count(word) for word in self.words] for text in texts], dtype=np.float32)
        return unit_rows(counts.reshape(len(texts), self.dim))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.encode_documents(texts)


@pytest.fixture(scope="session")
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture(scope="session")
def small_article() -> Article:
    return article_from_text(SMALL_ARTICLE, title="The great flood", source="tests/conftest.py")


@pytest.fixture(scope="session")
def small_index(small_article: Article, encoder: WordEncoder) -> ArticleIndex:
    return build_index(small_article, encoder)


ASKED = (
    ("q1", "When did the river rise?", "The river rose on Monday.", "Monday", "direct"),
    ("q2", "What happened to the bridge in the flood?", "The flood took the bridge", "took the bridge", "direct"),
    ("q3", "How old was the bridge in 1953?", "ninety years", "ninety years", "number-or-date"),
    ("q4", "What will the mayor do?", "the town would rebuild it", "rebuild it", "reason"),
    ("q5", "Who painted the ceiling?", None, None, "unanswerable"),
    ("q6", "Who paid for the bridge in 1953?", None, None, "unanswerable"),
)


@pytest.fixture(scope="session")
def question_set(small_article: Article) -> QuestionSet:
    """Six questions on the small article: id, question, evidence, short answer, kind."""
    questions = tuple(
        Question(
            id=name,
            question=question,
            evidence=(quote,) if quote else (),
            answers=(answer,) if answer else (),
            kind=kind,
            line=line,
            article=small_article.fingerprint,
            places=tuple(find_evidence(quote, small_article.text)) if quote else (),
        )
        for line, (name, question, quote, answer, kind) in enumerate(ASKED, start=1)
    )
    return QuestionSet(questions, {small_article.fingerprint: small_article}, "by hand")


@pytest.fixture(scope="session")
def open_toy(encoder: WordEncoder) -> Callable[[Article], Answerer]:
    """Opens an article with the toy encoder and the reader that needs no training."""

    def open_for(article: Article, *, progress: Progress | None = None) -> Answerer:
        calibration = Calibration("fused", 0.0, {"top_logit": 1.0}, threshold=0.3)
        return Answerer(build_index(article, encoder, progress=progress), encoder, FusedReader(), calibration)

    return open_for


@pytest.fixture(scope="session")
def serve_toy(
    open_toy: Callable[..., Answerer], small_article: Article, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[str]]:
    """Serves the app on the small article while a `with` block lasts, and gives its address."""

    @contextmanager
    def serve(open_article: Callable[..., Answerer] = open_toy, *, mcp: bool = False) -> Iterator[str]:
        from app import build_app, launch

        app = build_app(small_article, open_article=open_article, cache=tmp_path_factory.mktemp("kept"))
        try:
            yield launch(app, mcp=mcp)
        finally:
            app.close(verbose=False)

    return serve


@pytest.fixture(scope="session")
def toy_run(question_set: QuestionSet, open_toy: Callable[[Article], Answerer]) -> Run:
    """The six questions, asked."""
    return run_questions(question_set, open_toy)


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., Ran]:
    """Run a command line in this process, standard input given, and return what it said and its exit status."""
    from qa.__main__ import main

    def run_command(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "argv", ["article-qa", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Ran(left.value.code or 0, captured.out, captured.err)

    return run_command
