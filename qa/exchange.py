"""A recorded run or a set of questions comes in; SQuAD, BEIR and TREC files go out, and the other way round.

    squad.json            SQuAD 2.0: every article is one paragraph, so an unanswerable question is so in its paragraph
    predictions.json      what the official SQuAD script scores: id -> short answer, "" where nothing was answered
    na_prob.json          and its probability that there is no answer: id -> 1 - confidence
    beir/                 corpus.jsonl (a document is a sentence), queries.jsonl, qrels/test.tsv, and articles.jsonl
    trec/                 topics.tsv, documents.tsv, qrels.txt, and STAGE.trec, the run after each stage; see `qa.trec`

A sentence is named after its place, ARTICLE:START-END (the first twelve digits of the article's fingerprint, then
characters). Fields the formats do not know (kind, history, places) are added under names their own tools ignore, so
that reading a SQuAD or BEIR file back gives the same questions.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.article import Article, article_from_text
from index.errors import BadQuestionFile
from qa.dialogue import Turn
from qa.evaluate import STAGES, gold_sentences
from qa.metrics import Range, squad_words
from qa.questions import UNANSWERABLE, Question, QuestionSet, read_squad
from qa.run import Run, UnwritableFolder, writing
from qa.trec import TOPICS, document_name, numbered_lines, read_trec, sentences_of, write_trec, write_trec_run

FORMATS = ("squad", "beir", "trec")
PREDICTIONS, NO_ANSWER = "predictions.json", "na_prob.json"


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


def export_questions(question_set: QuestionSet, folder: Path, formats: Collection[str] = FORMATS) -> list[str]:
    """Write questions into a folder in each of the formats; return what must be known about the files, a line each.

    Raises:
        UnwritableFolder: when it cannot be written into, or what would be written is there already.
    """
    _refuse_existing(folder / ("squad.json" if one == "squad" else one) for one in FORMATS if one in formats)
    told = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if "squad" in formats:
            without = write_squad(question_set, folder / "squad.json")
            if without:
                told.append(
                    f"Left out of squad.json, which has no place for evidence without a short answer: {without:,}."
                )
        if "beir" in formats:
            write_beir(question_set, folder / "beir")
        if "trec" in formats:
            write_trec(question_set, folder / "trec")
    return told


def export_run(run: Run, folder: Path, formats: Collection[str] = FORMATS) -> list[str]:
    """Write a run's questions as `export_questions` does, and what was answered where the format has a place for it.

    Raises UnwritableFolder as it does.
    """
    if "squad" in formats:
        _refuse_existing(folder / name for name in (PREDICTIONS, NO_ANSWER))
    told = export_questions(question_set_of(run), folder, formats)
    with writing(folder):
        if "squad" in formats:
            write_predictions(run, folder)
        if "trec" in formats:
            for stage in STAGES:
                write_trec_run(run, folder / "trec" / f"{stage}.trec", stage=stage)
    errors = sum(outcome.error is not None for outcome in run.outcomes)
    if errors:
        told.append(f"{errors:,} questions ended in an error; the other tools will take them for wrong answers.")
    return told


def import_questions(source: Path, *, paragraph: bool = False) -> QuestionSet:
    """Return the questions of a SQuAD file, or of a BEIR or TREC folder. `paragraph` is SQuAD's.

    Raises:
        BadQuestionFile: with the file, and the line where there is one, that cannot be read.
    """
    if not source.is_dir():
        return read_squad(source, paragraph=paragraph)
    if (source / TOPICS).exists():
        return read_trec(source)
    if (source / "corpus.jsonl").exists():
        return read_beir(source)
    raise BadQuestionFile(f"{source} holds neither BEIR's corpus.jsonl nor TREC's {TOPICS}")


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
            if not squad_holds(question.answers, answerable=question.answerable):
                left_out += 1
                continue
            asked.append(
                {
                    "id": question.id,
                    "question": question.question,
                    "is_impossible": not question.answerable,
                    "answers": _squad_answers(question, article),
                    "kind": question.kind,
                    "history": [turn.pair for turn in question.history],
                    "places": [list(place) for place in question.places],
                }
            )
        if asked:
            entries.append({"title": article.title, "paragraphs": [{"context": article.text, "qas": asked}]})
    _write_json(path, {"version": "v2.0", "data": entries})
    return left_out


def squad_holds(answers: Sequence[str], *, answerable: bool) -> bool:
    """Whether SQuAD's script can score a question; of an answer without a word ("the") it would want silence."""
    return not answerable or any(squad_words(answer) for answer in answers)


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
    held = [outcome for outcome in run.outcomes if squad_holds(outcome.answers, answerable=outcome.answerable)]
    _write_json(folder / PREDICTIONS, {outcome.id: outcome.span_text for outcome in held})
    _write_json(folder / NO_ANSWER, {outcome.id: 1 - outcome.confidence for outcome in held})


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
                    "history": [turn.pair for turn in question.history],
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


# -- our own form ------------------------------------------------------------------------------------------------------


def write_questions(question_set: QuestionSet, folder: Path) -> Path:
    """Write questions.jsonl, with its articles as text files beside it, and return the file's path.

    Evidence becomes whole sentences, because a quote is found wherever it occurs: "June" would be, too often.

    Raises:
        UnwritableFolder: when it cannot be written into, or what would be written is there already.
    """
    path = folder / "questions.jsonl"
    _refuse_existing([path, *(folder / _article_file(fingerprint) for fingerprint in question_set.articles)])
    sentences = {name: sentences_of(article) for name, article in question_set.articles.items()}
    with writing(folder):
        (folder / "articles").mkdir(parents=True, exist_ok=True)
        for fingerprint, article in question_set.articles.items():
            (folder / _article_file(fingerprint)).write_bytes(article.text.encode("utf-8"))
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
    return line | ({"history": [turn.pair for turn in question.history]} if question.history else {})


def _article_file(fingerprint: str) -> str:
    return f"articles/{fingerprint[:12]}.txt"


# -- small things ------------------------------------------------------------------------------------------------------


def _refuse_existing(paths: Iterable[Path]) -> None:
    """Raise UnwritableFolder when a file or folder is there already, and is not an empty folder."""
    for path in paths:
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise UnwritableFolder(f"{path} is there already; name another folder, so that nothing of it is lost")


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _json_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    for number, line in numbered_lines(path):
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise BadQuestionFile(f"{path}:{number}: this is not JSON: {error.msg}") from None


def _tsv(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    header: list[str] | None = None
    for number, line in numbered_lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if header is None:
            header = cells
        else:
            yield number, dict(zip(header, cells, strict=False))
