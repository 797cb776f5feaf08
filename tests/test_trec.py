"""Tests of qa/trec.py: TREC files go round, and another tool's ranking becomes a run that is scored like ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.errors import BadQuestionFile
from qa.compare import compare_runs
from qa.evaluate import STAGES
from qa.exchange import export_run, question_set_of
from qa.questions import QuestionSet
from qa.report import as_html
from qa.run import BadRun, Run, read_run, write_run
from qa.summary import RANKING, summarise
from qa.trec import document_name, read_qrels, read_trec, read_trec_run, run_from_trec, write_trec


@pytest.fixture
def exported(toy_run: Run, tmp_path):
    export_run(toy_run, tmp_path / "out", ["trec"])
    return tmp_path / "out" / "trec"


def test_trec_files_give_back_ranks_and_right_sentences(toy_run, exported):
    ranked, relevant = read_trec_run(exported / "bm25.trec"), read_qrels(exported / "qrels.txt")
    for outcome in toy_run.outcomes:
        names = [name for name, _ in ranked[outcome.id]]
        expected = sorted(outcome.candidates, key=lambda candidate: candidate.bm25)
        assert names == [document_name(outcome.article, candidate.range) for candidate in expected]
        ranks = [rank for rank, name in enumerate(names, start=1) if name in relevant.get(outcome.id, ())]
        assert ranks == outcome.gold_ranks("bm25")


def test_topics_give_back_the_questions_that_have_evidence(toy_run, exported):
    back = read_trec(exported)
    asked = [outcome for outcome in toy_run.outcomes if outcome.answerable]
    assert [(q.id, q.question) for q in back.questions] == [(o.id, o.question) for o in asked]
    text = toy_run.articles[asked[0].article].text
    assert [q.evidence for q in back.questions] == [
        tuple(" ".join(text[start:end].split()) for start, end in o.gold) for o in asked
    ]
    assert back.left_out == {"topics without a relevant document": 2}


def test_topics_taken_in_and_written_again_are_the_same_questions(exported, tmp_path):
    once = read_trec(exported)
    write_trec(once, tmp_path / "again")
    again = read_trec(tmp_path / "again")
    assert [(q.id, q.question, q.evidence) for q in again.questions] == [
        (q.id, q.question, q.evidence) for q in once.questions
    ]


def test_an_id_with_spaces_and_percent_signs_comes_back(toy_run, tmp_path):
    names = ["50 %", "a\u00a0b", "%20", "plain", "ten", "x"]
    question_set = question_set_of(toy_run)
    renamed = tuple(replace(q, id=name) for q, name in zip(question_set.questions, names, strict=True))
    write_trec(QuestionSet(renamed, question_set.articles, "odd ids"), tmp_path)
    assert [question.id for question in read_trec(tmp_path).questions] == names[:4]


def test_another_collection_becomes_one_article_with_a_paragraph_a_document(tmp_path):
    (tmp_path / "documents.tsv").write_text("d1\tRivers rise.\nd2\tCats  sleep.\n")
    (tmp_path / "topics.tsv").write_text("1\tWhat sleeps?\n2\tWho?\n")
    (tmp_path / "qrels.txt").write_text("1 0 d2 2\n1 0 d1 0\n")
    back = read_trec(tmp_path)
    (article,) = back.articles.values()
    assert article.text == "Rivers rise.\n\nCats sleep."
    assert [(q.id, q.evidence) for q in back.questions] == [("1", ("Cats sleep.",))]


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("qrels.txt", "1 0 d1 1\n1 0 d1\n", r"qrels.txt:2: 4 columns were wanted, this line has 3"),
        ("qrels.txt", "1 0 d1 much\n", r"qrels.txt:1: the relevance 'much' is not a whole number"),
        ("qrels.txt", "1 0 d9 1\n", r"qrels.txt: 'd9', relevant to '1', is not in documents.tsv"),
        ("qrels.txt", "9 0 d1 1\n", r"qrels.txt:1: no topic of topics.tsv has a relevant document"),
        ("topics.tsv", "1 Who?\n", r"topics.tsv:1: an id, a tab and a text were wanted"),
    ],
)
def test_a_bad_line_is_named(tmp_path, file, content, complaint):
    files = {"documents.tsv": "d1\tRivers rise.\n", "topics.tsv": "1\tWho?\n", "qrels.txt": "1 0 d1 1\n"}
    for name, text in (files | {file: content}).items():
        (tmp_path / name).write_text(text)
    with pytest.raises(BadQuestionFile, match=complaint):
        read_trec(tmp_path)


def test_a_trec_line_of_the_wrong_width_is_named(tmp_path):
    (tmp_path / "x.trec").write_text("q Q0 d 1 2.0 tag\nq Q0 d\n")
    with pytest.raises(BadQuestionFile, match=r"x.trec:2: 6 columns were wanted, this line has 3"):
        read_trec_run(tmp_path / "x.trec")


@pytest.mark.parametrize("score", ["nan", "inf", "-Infinity", "1e999", "much"])
def test_a_score_that_is_no_finite_number_is_named(tmp_path, score):
    (tmp_path / "x.trec").write_text(f"q Q0 d 1 2.0 tag\nq Q0 e 2 {score} tag\n")
    with pytest.raises(BadQuestionFile, match=rf"x.trec:2: the score '{score}' is not a (finite )?number"):
        read_trec_run(tmp_path / "x.trec")


# -- another tool's ranking


@pytest.mark.parametrize("stage", STAGES)
def test_a_ranking_that_went_out_comes_in_with_the_same_figures(toy_run, question_set, exported, stage):
    back = summarise(run_from_trec(exported / f"{stage}.trec", question_set))
    figures = summarise(toy_run).stages[stage]
    assert {name: back.everything[name] for name in RANKING} == {name: figures[name] for name in RANKING}


def test_it_is_recorded_reported_and_compared_like_a_run_of_ours(toy_run, question_set, exported, tmp_path):
    run = run_from_trec(exported / "bm25.trec", question_set)
    write_run(run, tmp_path / "other")
    back = read_run(tmp_path / "other")
    assert back.outcomes == run.outcomes
    assert "<h1>" in as_html(back, summarise(back))
    assert compare_runs(toy_run, back).b.name == "other"
    with pytest.raises(BadRun, match="is not empty"):
        write_run(run, tmp_path / "other")


def test_it_answers_with_the_first_sentence_and_refuses_where_it_ranks_nothing(question_set, exported, tmp_path):
    lines = (exported / "bm25.trec").read_text().splitlines(keepends=True)
    (tmp_path / "some.trec").write_text("".join(line for line in lines if not line.startswith("q5 ")))
    outcomes = {outcome.id: outcome for outcome in run_from_trec(tmp_path / "some.trec", question_set).outcomes}
    assert [outcomes[name].answered for name in ("q1", "q5", "q6")] == [True, False, True]
    assert outcomes["q1"].span_text == "The river rose on Monday."
    assert (outcomes["q5"].right, outcomes["q6"].right) == (True, False)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("q9 Q0 d 1 1 t", "it ranks for 'q9', which is none of the 6 questions"),
        ("q1 Q0 d 1 1 t", r"'d', ranked for 'q1', is no sentence of its article; rank"),
    ],
)
def test_a_ranking_of_something_else_is_refused(question_set, tmp_path, line, complaint):
    (tmp_path / "x.trec").write_text(line + "\n")
    with pytest.raises(BadQuestionFile, match=complaint):
        run_from_trec(tmp_path / "x.trec", question_set)
