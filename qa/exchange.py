"""A recorded run or a set of questions comes in; SQuAD, BEIR and TREC files go out, and the other way round.

    squad.json            SQuAD 2.0: every article is one paragraph, so an unanswerable question is so in its paragraph
    predictions.json      what the official SQuAD script scores: id -> short answer, "" where nothing was answered
    na_prob.json          and its probability that there is no answer: id -> 1 - confidence
    beir/                 corpus.jsonl (a document is a sentence), queries.jsonl, qrels/test.tsv, and articles.jsonl
    qrels.txt             TREC: question 0 sentence 1
    STAGE.trec            TREC run after each stage: question Q0 sentence rank score tag

A sentence is named after its place, ARTICLE:START-END (the first twelve digits of the article's fingerprint, then
characters). Fields the formats do not know (kind, history, places) are added under names their own tools ignore, so
that reading a file back gives the same questions.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.article import Article, article_from_text
from index.errors import BadQuestionFile
from index.sentences import split_sentences
from qa.dialogue import Turn
from qa.evaluate import STAGES, Stage, gold_sentences
from qa.metrics import Range
from qa.questions import UNANSWERABLE, Question, QuestionSet
from qa.run import Run

TAG = "article-qa"


def question_set_of(run: Run) -> QuestionSet:
    """Return the questions of a run, their evidence quoted from where it stands."""
    questions = tuple(
        Question(
            id=outcome.id,
            question=outcome.question,
            evidence=tuple(
                dict.fromkeys(run.articles[outcome.article].text[start:end] for start, end in outcome.places)
            ),
            answers=outcome.answers,
            kind=outcome.kind,
            history=outcome.history,
            line=outcome.line,
            article=outcome.article,
            places=outcome.places,
        )
        for outcome in run.outcomes
    )
    return QuestionSet(questions, run.articles, run.name, run.left_out)


def export_run(run: Run, folder: Path) -> list[str]:
    """Write every file above into a folder and return what must be known about them, a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    question_set = question_set_of(run)
    told = []
    without = write_squad(question_set, folder / "squad.json")
    if without:
        told.append(
            f"{without:,} questions have evidence and no short answer; SQuAD cannot hold them, so they are left out."
        )
    write_predictions(run, folder)
    write_beir(question_set, folder / "beir")
    write_qrels(run, folder / "qrels.txt")
    for stage in STAGES:
        write_trec_run(run, folder / f"{stage}.trec", stage=stage)
    errors = sum(outcome.error is not None for outcome in run.outcomes)
    if errors:
        told.append(f"{errors:,} questions ended in an error; the other tools will take them for wrong answers.")
    return told


# -- SQuAD -------------------------------------------------------------------------------------------------------------


def write_squad(question_set: QuestionSet, path: Path) -> int:
    """Write SQuAD 2.0 JSON; return how many questions were left out because no short answer of theirs is accepted.

    An answer is placed where it stands inside the evidence. One that is not there word for word has answer_start -1:
    the official script scores it all the same.
    """
    entries = []
    left_out = 0
    for fingerprint, article in question_set.articles.items():
        asked = []
        for question in question_set.questions:
            if question.article != fingerprint:
                continue
            if question.answerable and not question.answers:
                left_out += 1
                continue
            asked.append(
                {
                    "id": question.id,
                    "question": question.question,
                    "is_impossible": not question.answerable,
                    "answers": _squad_answers(question, article),
                    "kind": question.kind,
                    "history": [list(turn) for turn in question.history],
                    "places": [list(place) for place in question.places],
                }
            )
        if asked:
            entries.append({"title": article.title, "paragraphs": [{"context": article.text, "qas": asked}]})
    _write_json(path, {"version": "v2.0", "data": entries})
    return left_out


def _squad_answers(question: Question, article: Article) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    for answer in question.answers:
        starts = {
            found
            for start, end in question.places
            if (found := article.text.find(answer, start, max(end, start + len(answer)))) >= 0
        }
        answers += [{"text": answer, "answer_start": start} for start in sorted(starts) or [-1]]
    return answers


def write_predictions(run: Run, folder: Path) -> None:
    """Write predictions.json and na_prob.json, for the questions SQuAD can hold."""
    held = [outcome for outcome in run.outcomes if outcome.answers or not outcome.answerable]
    _write_json(folder / "predictions.json", {outcome.id: outcome.span_text for outcome in held})
    _write_json(folder / "na_prob.json", {outcome.id: 1 - outcome.confidence for outcome in held})


# -- BEIR --------------------------------------------------------------------------------------------------------------


def write_beir(question_set: QuestionSet, folder: Path) -> None:
    """Write a BEIR data set: every sentence of every article a document, every question a query."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    sentences = {name: sentences_of(article) for name, article in question_set.articles.items()}
    _write_lines(
        folder / "corpus.jsonl",
        (
            {
                "_id": document_name(name, place),
                "title": article.title,
                "text": article.text[place[0] : place[1]],
                "metadata": {"article": name, "start": place[0], "end": place[1]},
            }
            for name, article in question_set.articles.items()
            for place in sentences[name]
        ),
    )
    _write_lines(
        folder / "queries.jsonl",
        (
            {
                "_id": question.id,
                "text": question.question,
                "metadata": {
                    "article": question.article,
                    "kind": question.kind,
                    "answers": list(question.answers),
                    "history": [list(turn) for turn in question.history],
                    "places": [list(place) for place in question.places],
                },
            }
            for question in question_set.questions
        ),
    )
    _write_lines(folder / "articles.jsonl", (asdict(article) for article in question_set.articles.values()))
    with (folder / "qrels" / "test.tsv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(["query-id", "corpus-id", "score"])
        for question in question_set.questions:
            for place in gold_sentences(sentences[question.article], question.places):
                rows.writerow([question.id, document_name(question.article, place), 1])


def read_beir(folder: Path, *, split: str = "test") -> QuestionSet:
    """Return the queries of a BEIR data set that the qrels of a split name, or that were written as unanswerable.

    What `write_beir` wrote comes back as it was. In any other data set all documents become one article, a paragraph
    each, and a relevant document is evidence from its first character to its last.

    Raises:
        BadQuestionFile: with file:line, when a file is missing or is not BEIR's.
    """
    relevant: dict[str, list[str]] = {}
    qrels = folder / "qrels" / f"{split}.tsv"
    for number, row in _tsv(qrels):
        try:
            if float(row["score"]) > 0:
                relevant.setdefault(row["query-id"], []).append(row["corpus-id"])
        except (KeyError, TypeError, ValueError):
            raise BadQuestionFile(f"{qrels}:{number}: query-id, corpus-id and a number as score were wanted") from None
    articles, places = _beir_articles(folder)
    questions = []
    for number, line in _json_lines(folder / "queries.jsonl"):
        try:
            name, told = line["_id"], line.get("metadata") or {}
            own = "places" in told
            if not own and name not in relevant:
                continue
            named = [places[document] for document in relevant.get(name, [])]
            fingerprint = told["article"] if own else named[0][0]
            where = [tuple(place) for place in told["places"]] if own else [place for _, place in named]
            text = articles[fingerprint].text
            questions.append(
                Question(
                    id=name,
                    question=line["text"],
                    evidence=tuple(dict.fromkeys(text[start:end] for start, end in where)),
                    answers=tuple(told.get("answers", ())),
                    kind=told.get("kind", "answerable"),
                    history=tuple(Turn(*turn) for turn in told.get("history", ())),
                    line=number,
                    article=fingerprint,
                    places=tuple((start, end) for start, end in sorted(where)),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadQuestionFile(
                f"{folder / 'queries.jsonl'}:{number}: this query cannot be used: {error!r}"
            ) from None
    if not questions:
        raise BadQuestionFile(f"{qrels}:1: no query of queries.jsonl has a relevant document in this split")
    return QuestionSet(tuple(questions), articles, str(folder))


def _beir_articles(folder: Path) -> tuple[dict[str, Article], dict[str, tuple[str, Range]]]:
    """Return the articles by fingerprint, and for each document its article and its place in it."""
    corpus = folder / "corpus.jsonl"
    documents = list(_json_lines(corpus))
    places: dict[str, tuple[str, Range]] = {}
    try:
        if (folder / "articles.jsonl").exists():
            kept = [Article(**line) for _, line in _json_lines(folder / "articles.jsonl")]
            for _, document in documents:
                told = document["metadata"]
                places[document["_id"]] = (told["article"], (told["start"], told["end"]))
            return {article.fingerprint: article for article in kept}, places
        texts = [" ".join(f"{line.get('title') or ''}\n{line['text']}".split()) for _, line in documents]
        article = article_from_text("\n\n".join(texts), title=folder.name, source=str(corpus))
        offset = 0
        for (_, document), text in zip(documents, texts, strict=True):
            places[document["_id"]] = (article.fingerprint, (offset, offset + len(text)))
            offset += len(text) + 2
        return {article.fingerprint: article}, places
    except (KeyError, TypeError) as error:
        raise BadQuestionFile(f"{corpus}: a document lacks {error}; _id and text were wanted") from None


# -- TREC --------------------------------------------------------------------------------------------------------------


def write_qrels(run: Run, path: Path) -> None:
    """Write TREC qrels: a line for each right sentence."""
    lines = [
        f"{_token(outcome.id)} 0 {document_name(outcome.article, place)} 1\n"
        for outcome in run.outcomes
        for place in outcome.gold
    ]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def write_trec_run(run: Run, path: Path, *, stage: Stage = "reader") -> None:
    """Write a TREC run of a stage. TREC's tools go by the score and not by the rank, so it falls by one a rank."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for outcome in run.outcomes:
            for ranked in sorted(outcome.candidates, key=lambda ranked: ranked.rank(stage)):
                rank = ranked.rank(stage)
                name = document_name(outcome.article, ranked.range)
                file.write(
                    f"{_token(outcome.id)} Q0 {name} {rank} {len(outcome.candidates) + 1 - rank} {TAG}-{stage}\n"
                )


def read_trec_run(path: Path) -> dict[str, list[str]]:
    """Return question -> documents, the highest score first, of any tool's TREC run.

    Raises:
        BadQuestionFile: with file:line, where a line is not "question Q0 document rank score tag".
    """
    scored: dict[str, list[tuple[float, str]]] = {}
    for number, parts in _words(path, 6):
        try:
            scored.setdefault(parts[0], []).append((float(parts[4]), parts[2]))
        except ValueError:
            raise BadQuestionFile(f"{path}:{number}: the score {parts[4]!r} is not a number") from None
    # Equal scores: trec_eval takes the document whose name comes later first.
    return {name: [document for _, document in sorted(found, reverse=True)] for name, found in scored.items()}


def read_qrels(path: Path) -> dict[str, set[str]]:
    """Return question -> relevant documents of a TREC qrels file. Raises BadQuestionFile with file:line."""
    relevant: dict[str, set[str]] = {}
    for number, parts in _words(path, 4):
        try:
            if int(parts[3]) > 0:
                relevant.setdefault(parts[0], set()).add(parts[2])
        except ValueError:
            raise BadQuestionFile(f"{path}:{number}: the relevance {parts[3]!r} is not a whole number") from None
    return relevant


# -- our own form ------------------------------------------------------------------------------------------------------


def write_questions(question_set: QuestionSet, folder: Path) -> Path:
    """Write questions.jsonl, with its articles as text files beside it, and return the file's path.

    Evidence becomes whole sentences, because a quote is found wherever it occurs: "June" would be, too often.
    """
    (folder / "articles").mkdir(parents=True, exist_ok=True)
    for fingerprint, article in question_set.articles.items():
        (folder / _article_file(fingerprint)).write_bytes(article.text.encode("utf-8"))
    sentences = {name: sentences_of(article) for name, article in question_set.articles.items()}
    path = folder / "questions.jsonl"
    _write_lines(path, (_question_line(question, question_set, sentences) for question in question_set.questions))
    return path


def _question_line(
    question: Question, question_set: QuestionSet, sentences: Mapping[str, Sequence[Range]]
) -> dict[str, Any]:
    text = question_set.articles[question.article].text
    quotes = [text[start:end] for start, end in gold_sentences(sentences[question.article], question.places)]
    line: dict[str, Any] = {
        "id": question.id,
        "question": question.question,
        "evidence": list(dict.fromkeys(quotes)),
        "answers": list(question.answers),
        "kind": question.kind or ("answerable" if question.answerable else UNANSWERABLE),
        "article": _article_file(question.article),
    }
    return line | ({"history": [list(turn) for turn in question.history]} if question.history else {})


def _article_file(fingerprint: str) -> str:
    return f"articles/{fingerprint[:12]}.txt"


# -- small things ------------------------------------------------------------------------------------------------------


def sentences_of(article: Article) -> list[Range]:
    """Return where the sentences of an article stand."""
    return [(sentence.start, sentence.end) for sentence in split_sentences(article.text)]


def document_name(article: str, place: Range) -> str:
    """Return the name of a sentence in BEIR and TREC files."""
    return f"{article[:12]}:{place[0]}-{place[1]}"


def _token(name: str) -> str:
    """Return an id without white space, which parts TREC's columns."""
    return "".join(f"%{ord(letter):02X}" if letter.isspace() or letter == "%" else letter for letter in name)


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _json_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise BadQuestionFile(f"{path}:{number}: this is not JSON: {error.msg}") from None


def _tsv(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    header: list[str] | None = None
    for number, line in _lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if header is None:
            header = cells
        else:
            yield number, dict(zip(header, cells, strict=False))


def _words(path: Path, columns: int) -> Iterable[tuple[int, list[str]]]:
    for number, line in _lines(path):
        parts = line.split()
        if len(parts) != columns:
            raise BadQuestionFile(f"{path}:{number}: {columns} columns were wanted, this line has {len(parts)}")
        yield number, parts


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except FileNotFoundError:
        raise BadQuestionFile(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise BadQuestionFile(f"{path} is a folder; a file was wanted") from None
    except UnicodeDecodeError as error:
        raise BadQuestionFile(f"{path}: it is not UTF-8 text ({error.reason})") from None
