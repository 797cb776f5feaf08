"""Questions or a run come in; TREC's topics, documents, qrels and runs go out, and the other way round.

    topics.tsv      question id, tab, question
    documents.tsv   sentence, tab, its text: what there is to rank
    qrels.txt       question 0 sentence 1, a line for each right sentence
    STAGE.trec      question Q0 sentence rank score tag: the ranking after a stage, or any other tool's

An unanswerable question is a topic without a line in the qrels, which for TREC's tools means that nobody looked for an
answer: they leave it out of every average, as our ranking measures do.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

from index.article import Article, article_from_text
from index.errors import BadQuestionFile
from index.sentences import split_sentences
from qa.evaluate import Outcome, Ranked, Stage, gold_sentences, unasked_outcome
from qa.metrics import Range
from qa.questions import Question, QuestionSet
from qa.run import Run, describe_run

TAG = "article-qa"
TOPICS, DOCUMENTS, QRELS = "topics.tsv", "documents.tsv", "qrels.txt"
_OUR_NAME = re.compile(r"([0-9a-f]{12}):\d+-\d+")


def sentences_of(article: Article) -> list[Range]:
    """Return where the sentences of an article stand."""
    return [(sentence.start, sentence.end) for sentence in split_sentences(article.text)]


def document_name(article: str, place: Range) -> str:
    """Return the name of a sentence in BEIR and TREC files."""
    return f"{article[:12]}:{place[0]}-{place[1]}"


# -- questions ---------------------------------------------------------------------------------------------------------


def write_trec(question_set: QuestionSet, folder: Path) -> None:
    """Write topics, documents and qrels into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / TOPICS, (f"{_token(q.id)}\t{_one_line(q.question)}\n" for q in question_set.questions))
    sentences = {name: sentences_of(article) for name, article in question_set.articles.items()}
    _write(
        folder / DOCUMENTS,
        (
            f"{document_name(name, place)}\t{_one_line(article.text[slice(*place)])}\n"
            for name, article in question_set.articles.items()
            for place in sentences[name]
        ),
    )
    _write(
        folder / QRELS,
        (
            f"{_token(question.id)} 0 {document_name(question.article, place)} 1\n"
            for question in question_set.questions
            for place in gold_sentences(sentences[question.article], question.places)
        ),
    )


def read_trec(folder: Path) -> QuestionSet:
    """Return the topics that a document is relevant to; the others are left out and counted.

    TREC does not keep where a document comes from: the documents of an article become its paragraphs where the names
    are ours, and in any other collection all documents become one article. Whole documents are the evidence.

    Raises:
        BadQuestionFile: with file:line, where a file is missing or a line has not the columns it should have.
    """
    relevant = read_qrels(folder / QRELS)
    texts: dict[str, dict[str, str]] = {}  # article -> document -> text
    for number, name, text in _pairs(folder / DOCUMENTS):
        if not text:
            raise BadQuestionFile(f"{folder / DOCUMENTS}:{number}: the document {name!r} has no text")
        ours = _OUR_NAME.fullmatch(name)
        texts.setdefault(ours[1] if ours else folder.name, {})[name] = text
    articles: dict[str, Article] = {}
    places: dict[str, tuple[str, Range]] = {}
    for title, documents in texts.items():
        source = str(folder / DOCUMENTS)
        article = article_from_text("\n\n".join(documents.values()), title=title, source=source)
        articles[article.fingerprint] = article
        offset = 0
        for name, text in documents.items():
            places[name] = (article.fingerprint, (offset, offset + len(text)))
            offset += len(text) + 2
    questions = []
    left_out = 0
    for number, name, asked in _pairs(folder / TOPICS):
        unknown = sorted(relevant.get(name, set()) - places.keys())
        if unknown:
            raise BadQuestionFile(f"{folder / QRELS}: {unknown[0]!r}, relevant to {name!r}, is not in {DOCUMENTS}")
        found = sorted(places[document] for document in relevant.get(name, ()))
        # Evidence in several articles: the first is asked. A question of ours has one.
        where = tuple(place for article, place in found if article == found[0][0])
        if not where or not asked:
            left_out += 1
            continue
        text = articles[found[0][0]].text
        questions.append(
            Question(
                id=unquote(name),
                question=asked,
                evidence=tuple(dict.fromkeys(text[start:end] for start, end in where)),
                kind="answerable",
                line=number,
                article=found[0][0],
                places=where,
            )
        )
    if not questions:
        raise BadQuestionFile(f"{folder / QRELS}:1: no topic of {TOPICS} has a relevant document")
    left = {"topics without a relevant document": left_out} if left_out else {}
    used = {question.article for question in questions}
    return QuestionSet(tuple(questions), {name: articles[name] for name in articles if name in used}, str(folder), left)


def read_qrels(path: Path) -> dict[str, set[str]]:
    """Return question -> relevant documents of a TREC qrels file. Raises BadQuestionFile with file:line."""
    relevant: dict[str, set[str]] = {}
    for number, parts in _columns(path, 4):
        try:
            if int(parts[3]) > 0:
                relevant.setdefault(parts[0], set()).add(parts[2])
        except ValueError:
            raise BadQuestionFile(f"{path}:{number}: the relevance {parts[3]!r} is not a whole number") from None
    return relevant


# -- runs --------------------------------------------------------------------------------------------------------------


def write_trec_run(run: Run, path: Path, *, stage: Stage = "reader") -> None:
    """Write a TREC run of a stage. TREC's tools go by the score and not by the rank, so it falls by one a rank."""
    _write(
        path,
        (
            f"{_token(outcome.id)} Q0 {document_name(outcome.article, ranked.range)} {ranked.rank(stage)} "
            f"{len(outcome.candidates) + 1 - ranked.rank(stage)} {TAG}-{stage}\n"
            for outcome in run.outcomes
            for ranked in sorted(outcome.candidates, key=lambda ranked: ranked.rank(stage))
        ),
    )


def read_trec_run(path: Path) -> dict[str, list[tuple[str, float]]]:
    """Return question -> (document, score), the highest score first, of any tool's TREC run.

    Raises:
        BadQuestionFile: with file:line, where a line is not "question Q0 document rank score tag".
    """
    scored: dict[str, list[tuple[float, str]]] = {}
    for number, parts in _columns(path, 6):
        try:
            score = float(parts[4])
        except ValueError:
            raise BadQuestionFile(f"{path}:{number}: the score {parts[4]!r} is not a number") from None
        if not math.isfinite(score):  # beside it no other score has a share, and JSON cannot hold it
            raise BadQuestionFile(f"{path}:{number}: the score {parts[4]!r} is not a finite number; give it one")
        scored.setdefault(parts[0], []).append((score, parts[2]))
    # Equal scores: trec_eval takes the document whose name comes later first.
    return {
        name: [(document, score) for score, document in sorted(found, reverse=True)] for name, found in scored.items()
    }


def run_from_trec(path: Path, question_set: QuestionSet) -> Run:
    """Return another tool's ranking as a Run over these questions, to be reported and compared like one of ours.

    A TREC run refuses nothing: a question is answered with its first sentence, and refused where it has no line. The
    first sentence's score, scaled over the run to 0 to 1, stands for the confidence: it orders questions, which is what
    AUROC and coverage look at, and is no probability. The ranking is given as that of every stage.

    Raises:
        BadQuestionFile: where a question or sentence is none of these, or a sentence is of another question's article.
    """
    ranked = read_trec_run(path)
    unknown = sorted(ranked.keys() - {_token(question.id) for question in question_set.questions})
    if unknown:
        raise BadQuestionFile(
            f"{path}: it ranks for {unknown[0]!r}, which is none of the {len(question_set.questions):,} questions"
        )
    places = {
        name: {document_name(name, place): place for place in sentences_of(article)}
        for name, article in question_set.articles.items()
    }
    scores = [score for found in ranked.values() for _, score in found]
    low, high = min(scores, default=0.0), max(scores, default=0.0)

    def share(score: float) -> float:
        return (score - low) / (high - low) if high > low else 0.5

    outcomes = []
    for question in question_set.questions:
        here = places[question.article]
        candidates = []
        for rank, (document, score) in enumerate(ranked.get(_token(question.id), ()), start=1):
            if document not in here:
                raise BadQuestionFile(
                    f"{path}: {document!r}, ranked for {question.id!r}, is no sentence of its article; rank, for each "
                    f"question, its article's sentences in {DOCUMENTS} of `article-qa questions export`"
                )
            candidates.append(Ranked(*here[document], share(score), rank, rank, rank, rank))
        outcomes.append(_ranked_outcome(question, tuple(candidates), list(here.values()), question_set))
    models = {"ranking": {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    return Run(
        name=path.stem,
        outcomes=tuple(outcomes),
        articles=question_set.articles,
        questions_fingerprint=question_set.fingerprint,
        settings={"ranking": path.name},
        info=describe_run(question_set, {"ranking": path.name}, models=models),
        left_out=question_set.left_out,
    )


def _ranked_outcome(
    question: Question, candidates: tuple[Ranked, ...], sentences: Sequence[Range], question_set: QuestionSet
) -> Outcome:
    best = candidates[0] if candidates else None
    return replace(
        unasked_outcome(question),
        gold=gold_sentences(sentences, question.places),
        sentences=len(sentences),
        understood=question.question,
        answered=best is not None,
        confidence=best.relevance if best else 0.0,
        sentence=best.range if best else None,
        span_text=question_set.articles[question.article].text[slice(*best.range)] if best else "",
        reason=None if best else "Nothing was ranked.",
        candidates=candidates,
    )


# -- small things ------------------------------------------------------------------------------------------------------


def numbered_lines(path: Path) -> Iterable[tuple[int, str]]:
    """Yield the lines of a file that are not blank, with their numbers. Raises BadQuestionFile."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except FileNotFoundError:
        raise BadQuestionFile(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise BadQuestionFile(f"{path} is a folder; a file was wanted") from None
    except UnicodeDecodeError as error:
        raise BadQuestionFile(f"{path}: it is not UTF-8 text ({error.reason})") from None


def _pairs(path: Path) -> Iterable[tuple[int, str, str]]:
    for number, line in numbered_lines(path):
        name, tab, text = line.strip().partition("\t")
        if not tab:
            raise BadQuestionFile(f"{path}:{number}: an id, a tab and a text were wanted")
        yield number, name, _one_line(text)


def _columns(path: Path, columns: int) -> Iterable[tuple[int, list[str]]]:
    for number, line in numbered_lines(path):
        parts = line.split()
        if len(parts) != columns:
            raise BadQuestionFile(f"{path}:{number}: {columns} columns were wanted, this line has {len(parts)}")
        yield number, parts


def _token(name: str) -> str:
    """Return an id without white space, which parts TREC's columns; `unquote` gives the id back."""
    return "".join(quote(letter) if letter.isspace() or letter == "%" else letter for letter in name)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
