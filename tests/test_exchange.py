"""Tests of qa/exchange.py: what goes out comes back, and other tools' figures are ours."""

from __future__ import annotations

import json

import ir_measures
import pytest

from index.errors import BadQuestionFile
from qa.evaluate import STAGES
from qa.exchange import (
    export_run,
    question_set_of,
    read_beir,
    read_qrels,
    read_trec_run,
    write_beir,
    write_questions,
    write_squad,
)
from qa.metrics import exact_match, token_f1
from qa.questions import Question, QuestionSet, read_question_set, read_squad
from qa.run import Run
from qa.summary import RANKING, summarise


def told(question_set: QuestionSet) -> list[tuple]:
    return [
        (q.id, q.question, q.kind, q.history, q.places, q.answers, q.article, q.answerable)
        for q in sorted(question_set.questions, key=lambda question: question.id)
    ]


@pytest.fixture
def exported(toy_run: Run, tmp_path):
    export_run(toy_run, tmp_path)
    return tmp_path


def test_squad_gives_back_the_questions_it_was_given(toy_run, tmp_path):
    question_set = question_set_of(toy_run)
    assert write_squad(question_set, tmp_path / "squad.json") == 0
    assert told(read_squad(tmp_path / "squad.json", paragraph=True)) == told(question_set)


def test_squad_leaves_out_a_question_without_a_short_answer_and_says_so(toy_run, tmp_path):
    question_set = question_set_of(toy_run)
    bare = Question("bare", "Why?", evidence=("The river",), article=toy_run.outcomes[0].article, places=((17, 26),))
    more = QuestionSet((*question_set.questions, bare), question_set.articles, "more")
    assert write_squad(more, tmp_path / "squad.json") == 1


def test_an_answer_that_stands_nowhere_is_kept_and_scored(toy_run, tmp_path):
    question_set = question_set_of(toy_run)
    odd = Question(
        "odd", "How long?", evidence=("ninety years",), answers=("90 years",),
        article=toy_run.outcomes[0].article, places=toy_run.outcomes[2].places, kind="direct",
    )  # fmt: skip
    more = QuestionSet((*question_set.questions, odd), question_set.articles, "more")
    write_squad(more, tmp_path / "squad.json")
    assert told(read_squad(tmp_path / "squad.json", paragraph=True)) == told(more)


def test_what_the_official_squad_script_would_say_of_the_files_is_what_we_say(toy_run, exported):
    """The script: the best F1 and exact match over the accepted answers, averaged; [""] where there is no answer."""
    predictions = json.loads((exported / "predictions.json").read_text())
    data = json.loads((exported / "squad.json").read_text())["data"]
    asked = [qa for entry in data for part in entry["paragraphs"] for qa in part["qas"]]
    has = [qa for qa in asked if not qa["is_impossible"]]
    exact = [max(exact_match(predictions[qa["id"]], gold=gold["text"]) for gold in qa["answers"]) for qa in has]
    f1 = [max(token_f1(predictions[qa["id"]], gold=gold["text"]) for gold in qa["answers"]) for qa in has]
    none = [exact_match(predictions[qa["id"]], gold="") for qa in asked if qa["is_impossible"]]
    summary = summarise(toy_run)
    assert summary.everything["exact_match"].value == pytest.approx(sum(exact) / len(exact))
    assert summary.everything["token_f1"].value == pytest.approx(sum(f1) / len(f1))
    assert summary.kinds["unanswerable"]["decision"].value == pytest.approx(sum(none) / len(none))
    assert json.loads((exported / "na_prob.json").read_text()).keys() == predictions.keys()


def test_beir_gives_back_the_questions_it_was_given(toy_run, tmp_path):
    question_set = question_set_of(toy_run)
    write_beir(question_set, tmp_path)
    assert told(read_beir(tmp_path)) == told(question_set)


def test_a_foreign_beir_set_becomes_one_article_with_a_paragraph_a_document(tmp_path):
    (tmp_path / "qrels").mkdir()
    documents = [
        {"_id": "d1", "title": "Rivers", "text": "They rise."},
        {"_id": "d2", "title": "", "text": "Cats sleep."},
    ]
    queries = [{"_id": "1", "text": "What sleeps?"}, {"_id": "2", "text": "Not in this split"}]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in documents))
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in queries))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td2\t1\n1\td1\t0\n")
    question_set = read_beir(tmp_path)
    (article,) = question_set.articles.values()
    assert article.text == "Rivers They rise.\n\nCats sleep."
    assert [(q.id, q.evidence) for q in question_set.questions] == [("1", ("Cats sleep.",))]


def test_a_bad_qrels_line_is_named(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td2\tmuch\n")
    with pytest.raises(BadQuestionFile, match=r"test.tsv:2: query-id, corpus-id and a number"):
        read_beir(tmp_path)


@pytest.mark.parametrize("stage", STAGES)
def test_ir_measures_says_of_the_trec_files_what_we_say(toy_run, exported, stage):
    qrels = list(ir_measures.read_trec_qrels(str(exported / "qrels.txt")))
    run = list(ir_measures.read_trec_run(str(exported / f"{stage}.trec")))
    official = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in RANKING], qrels, run)
    figures = summarise(toy_run).stages[stage]
    assert {name: figures[name].value for name in RANKING} == pytest.approx({str(m): v for m, v in official.items()})


def test_trec_files_give_back_ranks_and_right_sentences(toy_run, exported):
    ranked, relevant = read_trec_run(exported / "bm25.trec"), read_qrels(exported / "qrels.txt")
    for outcome in toy_run.outcomes:
        places = [name.split(":")[1] for name in ranked[outcome.id]]
        expected = sorted(outcome.candidates, key=lambda candidate: candidate.bm25)
        assert places == [f"{candidate.start}-{candidate.end}" for candidate in expected]
        ranks = [rank for rank, name in enumerate(ranked[outcome.id], start=1) if name in relevant.get(outcome.id, ())]
        assert ranks == outcome.gold_ranks("bm25")


def test_a_trec_line_of_the_wrong_width_is_named(tmp_path):
    (tmp_path / "x.trec").write_text("q Q0 d 1 2.0 tag\nq Q0 d\n")
    with pytest.raises(BadQuestionFile, match=r"x.trec:2: 6 columns were wanted, this line has 3"):
        read_trec_run(tmp_path / "x.trec")


def test_imported_questions_are_a_good_questions_file(toy_run, tmp_path):
    path = write_questions(question_set_of(toy_run), tmp_path)
    read = read_question_set(path, None)
    assert [question.id for question in read.questions] == [outcome.id for outcome in toy_run.outcomes]
    assert {question.article for question in read.questions} == {outcome.article for outcome in toy_run.outcomes}
    assert read.questions[0].evidence == ("The river rose on Monday.",)
