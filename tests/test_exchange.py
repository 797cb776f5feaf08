"""Tests of qa/exchange.py: what goes out comes back, and other tools' figures are ours."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import ir_measures
import pytest

from benchmarks.squad_script import ours as squad_figures
from index.errors import BadQuestionFile
from qa.evaluate import STAGES
from qa.exchange import (
    export_questions,
    export_run,
    import_questions,
    question_set_of,
    read_beir,
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
    qrels = list(ir_measures.read_trec_qrels(str(exported / "trec" / "qrels.txt")))
    run = list(ir_measures.read_trec_run(str(exported / "trec" / f"{stage}.trec")))
    official = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in RANKING], qrels, run)
    figures = summarise(toy_run).stages[stage]
    assert {name: figures[name].value for name in RANKING} == pytest.approx({str(m): v for m, v in official.items()})


def test_ir_measures_says_of_the_beir_qrels_what_we_say(toy_run, exported):
    with (exported / "beir" / "qrels" / "test.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    qrels = [ir_measures.Qrel(row["query-id"], row["corpus-id"], int(row["score"])) for row in rows]
    run = list(ir_measures.read_trec_run(str(exported / "trec" / "reader.trec")))
    official = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in RANKING], qrels, run)
    figures = summarise(toy_run).everything
    assert {name: figures[name].value for name in RANKING} == pytest.approx({str(m): v for m, v in official.items()})


# -- formats by themselves, and all of them


def test_questions_go_out_without_having_been_asked(toy_run, tmp_path):
    question_set = question_set_of(toy_run)
    assert export_questions(question_set, tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beir", "squad.json", "trec"]
    assert told(import_questions(tmp_path / "beir")) == told(question_set)
    assert told(import_questions(tmp_path / "squad.json", paragraph=True)) == told(question_set)


def test_only_what_was_asked_for_goes_out(toy_run, tmp_path):
    export_run(toy_run, tmp_path, ["trec"])
    assert [path.name for path in tmp_path.iterdir()] == ["trec"]


def test_a_folder_that_is_neither_beir_nor_trec_is_refused(tmp_path):
    with pytest.raises(BadQuestionFile, match=r"neither BEIR's corpus.jsonl nor TREC's topics.tsv"):
        import_questions(tmp_path)


# -- the official SQuAD script's other figures


def test_the_script_is_given_no_question_whose_only_answer_has_no_word(toy_run, tmp_path):
    """It would drop "the" from the accepted answers and want silence, where our exact match is undefined."""
    question_set = question_set_of(toy_run)
    mute = Question(
        "mute", "Which article?", evidence=("the",), answers=("The",), article=toy_run.outcomes[0].article,
        places=toy_run.outcomes[0].places, kind="direct",
    )  # fmt: skip
    more = QuestionSet((*question_set.questions, mute), question_set.articles, "more")
    assert write_squad(more, tmp_path / "squad.json") == 1
    assert told(read_squad(tmp_path / "squad.json", paragraph=True)) == told(question_set)


def test_the_best_threshold_of_squads_script_by_hand(toy_run):
    """Two answerable, two not; confidence .9 right, .8 wrongly answered, .7 half right, .6 wrongly answered.

    Silence throughout is right of the two that have no answer: 2. Giving the first answer: 3. The second loses one:
    2, the third gains a half: 2.5, the last loses one: 1.5. The best is 3 of 4; all given, 1.5 of 4.
    """
    answerable, unanswerable = toy_run.outcomes[0], toy_run.outcomes[4]
    given = {"answered": True, "error": None}
    outcomes = (
        replace(answerable, id="a", confidence=0.9, answers=("Monday",), span_text="Monday", **given),
        replace(unanswerable, id="b", confidence=0.8, span_text="x", **given),
        replace(answerable, id="c", confidence=0.7, answers=("old bridge",), span_text="bridge stood", **given),
        replace(unanswerable, id="d", confidence=0.6, span_text="x", **given),
    )
    figures = squad_figures(replace(toy_run, outcomes=outcomes))
    assert (figures["best_f1"], figures["f1"]) == pytest.approx((75, 37.5))
    assert (figures["HasAns_f1"], figures["HasAns_exact"], figures["NoAns_f1"]) == pytest.approx((75, 50, 0))


def test_imported_questions_are_a_good_questions_file(toy_run, tmp_path):
    path = write_questions(question_set_of(toy_run), tmp_path)
    read = read_question_set(path, None)
    assert [question.id for question in read.questions] == [outcome.id for outcome in toy_run.outcomes]
    assert {question.article for question in read.questions} == {outcome.article for outcome in toy_run.outcomes}
    assert read.questions[0].evidence == ("The river rose on Monday.",)
