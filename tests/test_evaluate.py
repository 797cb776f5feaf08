"""Tests of qa/evaluate.py, qa/run.py and qa/summary.py with the toy encoder and the reader that needs no training."""

from __future__ import annotations

import dataclasses
import json

import ir_measures
import pytest

from index.article import Article
from qa.answer import Answerer
from qa.evaluate import Outcome, Ranked, evaluate, gold_sentences, outcome_from_json
from qa.questions import find_evidence
from qa.reader import FusedReader
from qa.run import BadRun, Run, read_run, run_questions, unfinished
from qa.summary import risk_coverage, summarise, values_of


def test_a_quote_over_two_sentences_makes_both_right():
    assert gold_sentences([(0, 10), (11, 20), (21, 30)], [(5, 15)]) == ((0, 10), (11, 20))


def test_every_occurrence_of_a_quote_is_evidence():
    assert find_evidence("the bridge", "the bridge and the  bridge") == [(0, 10), (15, 26)]


def test_there_is_one_outcome_a_question_in_the_order_of_the_file(question_set, open_toy):
    assert [outcome.id for outcome in evaluate(question_set, open_toy)] == ["q1", "q2", "q3", "q4", "q5", "q6"]


def test_an_outcome_holds_the_ranks_of_the_evidence_at_every_stage(toy_run, small_article):
    outcome = toy_run.outcomes[0]
    (start, end) = outcome.gold[0]
    assert small_article.text[start:end] == "The river rose on Monday."
    assert {stage: outcome.gold_ranks(stage) for stage in ("dense", "bm25", "fused", "reader")} == {
        "dense": [1], "bm25": [1], "fused": [1], "reader": [1],
    }  # fmt: skip
    assert len(outcome.candidates) == outcome.sentences
    assert sorted(ranked.fused for ranked in outcome.candidates) == list(range(1, outcome.sentences + 1))


def test_outcomes_survive_the_file(toy_run):
    for outcome in toy_run.outcomes:
        assert outcome_from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_a_question_that_breaks_is_an_error_and_stops_nothing(question_set, open_toy):
    def refuses(article: Article) -> Answerer:
        raise OSError("the disk is gone")

    broken = list(evaluate(question_set, refuses))
    assert [outcome.error for outcome in broken] == ["OSError: the disk is gone"] * 6
    summary = summarise(Run("broken", tuple(broken), question_set.articles, ""))
    assert summary.errors == 6
    assert summary.everything["right"].value is None


def test_a_run_is_recorded_and_read_back_whole(question_set, open_toy, tmp_path):
    ran = run_questions(question_set, open_toy, folder=tmp_path / "run", settings={"reader": "fused"})
    read = read_run(tmp_path / "run")
    assert read.outcomes == ran.outcomes
    assert read.articles == ran.articles
    assert unfinished(read) == 0
    assert read.info["models"]["encoder"]["name"] == "toy-words"
    assert read.info["questions"]["sha256"] == question_set.fingerprint
    assert read.info["ended"] is not None


@pytest.mark.parametrize("kept_bytes", [0, 1, 700, 1500, 2500, 4000])
def test_a_run_killed_anywhere_and_resumed_gives_the_same_figures(question_set, open_toy, tmp_path, kept_bytes):
    whole = run_questions(question_set, open_toy, folder=tmp_path / "whole")
    killed = tmp_path / "killed"
    run_questions(question_set, open_toy, folder=killed)
    lines = (killed / "outcomes.jsonl").read_bytes()
    assert len(lines) > kept_bytes
    (killed / "outcomes.jsonl").write_bytes(lines[:kept_bytes])
    resumed = run_questions(question_set, open_toy, folder=killed, resume=True)
    assert summarise(resumed).figures_json() == summarise(whole).figures_json()
    assert summarise(read_run(killed)).figures_json() == summarise(whole).figures_json()


def test_a_resumed_run_asks_only_what_is_missing(question_set, open_toy, tmp_path):
    run_questions(question_set, open_toy, folder=tmp_path)
    path = tmp_path / "outcomes.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    asked: list[str] = []
    run_questions(
        question_set, open_toy, folder=tmp_path, resume=True, progress=lambda outcome: asked.append(outcome.id)
    )
    assert asked == ["q5", "q6"]


def test_what_ended_in_an_error_is_asked_again(question_set, open_toy, tmp_path):
    whole = run_questions(question_set, open_toy, folder=tmp_path)
    path = tmp_path / "outcomes.jsonl"
    failed = json.loads(path.read_text(encoding="utf-8").split("\n")[1]) | {"error": "OSError: the disk was full"}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(lines[0] + json.dumps(failed) + "\n" + "".join(lines[2:]), encoding="utf-8")
    asked: list[str] = []
    resumed = run_questions(
        question_set, open_toy, folder=tmp_path, resume=True, progress=lambda outcome: asked.append(outcome.id)
    )
    assert asked == [failed["id"]]
    assert summarise(resumed).figures_json() == summarise(whole).figures_json()
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(lines)


def test_a_run_is_not_gone_on_with_by_another_version_of_the_program(question_set, open_toy, tmp_path):
    run_questions(question_set, open_toy, folder=tmp_path)
    info = json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) | {"code_sha256": "0" * 64}
    (tmp_path / "run.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(BadRun, match="another version of the program"):
        run_questions(question_set, open_toy, folder=tmp_path, resume=True)


def test_a_question_that_cannot_be_asked_is_an_error_and_no_refusal(question_set, open_toy, small_article):
    unaskable = dataclasses.replace(
        question_set.questions[-1], question="?!", evidence=(), places=(), kind="unanswerable"
    )
    (outcome,) = run_questions(dataclasses.replace(question_set, questions=(unaskable,)), open_toy).outcomes
    assert outcome.error is not None


def test_a_folder_with_another_run_is_not_written_over(question_set, open_toy, tmp_path):
    run_questions(question_set, open_toy, folder=tmp_path, settings={"reader": "fused"})
    with pytest.raises(BadRun, match="already holds a run; add --resume"):
        run_questions(question_set, open_toy, folder=tmp_path, settings={"reader": "fused"})
    with pytest.raises(BadRun, match="was run with another reader"):
        run_questions(question_set, open_toy, folder=tmp_path, settings={"reader": "trained"}, resume=True)
    fewer = dataclasses.replace(question_set, questions=question_set.questions[:3])
    with pytest.raises(BadRun, match="holds a run over other questions"):
        run_questions(fewer, open_toy, folder=tmp_path, settings={"reader": "fused"}, resume=True)


def test_a_run_is_not_gone_on_with_by_another_model(question_set, open_toy, tmp_path):
    run_questions(question_set, open_toy, folder=tmp_path)
    path = tmp_path / "outcomes.jsonl"
    before = b"".join(path.read_bytes().splitlines(keepends=True)[:4])
    path.write_bytes(before)

    def open_other(article: Article) -> Answerer:
        made = open_toy(article)
        return Answerer(made.article_index, made.encoder, FusedReader(temperature=0.5), made.calibration)

    with pytest.raises(BadRun, match="was begun with another reader"):
        run_questions(question_set, open_other, folder=tmp_path, resume=True)
    assert path.read_bytes() == before


def test_a_folder_of_other_things_is_left_alone(question_set, open_toy, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BadRun, match="exists and is not a run"):
        run_questions(question_set, open_toy, folder=tmp_path)
    with pytest.raises(BadRun, match="is not a run"):
        read_run(tmp_path)


def test_the_same_settings_give_the_same_figures_to_the_last_digit(question_set, open_toy):
    one = summarise(run_questions(question_set, open_toy)).figures_json()
    other = summarise(run_questions(question_set, open_toy)).figures_json()
    assert json.dumps(one) == json.dumps(other)


def test_a_kind_without_questions_is_undefined_and_not_zero(toy_run):
    unanswerable = summarise(toy_run).kinds["unanswerable"]
    assert unanswerable["P@1"].value is None
    assert unanswerable["token_f1"].n == 0
    assert unanswerable["decision"].n == 2


def outcome(
    name: str, gold: list[int], *, order: list[int] | None = None, confidence: float = 0.5, answered: bool = True
) -> Outcome:
    """An outcome about ten sentences of ten characters each; `gold` and `order` number them from 0."""
    order = order or list(range(10))
    return Outcome(
        id=name,
        question=name,
        kind="direct" if gold else "unanswerable",
        article=f"article {name}",
        places=tuple((10 * row, 10 * row + 5) for row in gold),
        gold=tuple((10 * row, 10 * row + 10) for row in gold),
        sentences=len(order),
        answered=answered,
        confidence=confidence,
        candidates=tuple(
            Ranked(10 * row, 10 * row + 10, 0.1, rank, rank, rank, rank) for rank, row in enumerate(order, start=1)
        ),
    )


def test_ranking_by_hand():
    """Right: sentences 2 and 9, which stand at ranks 3 and 10. RR = 1/3; both within ten, so R@10 = 1;
    nDCG@10 = (1/log2(4) + 1/log2(11)) / (1/log2(2) + 1/log2(3)) = (0.5 + 0.28906) / 1.63093 = 0.48381"""
    asked = [outcome("a", [2, 9])]
    found = {name: values_of(name, asked)[0] for name in ("P@1", "Success@3", "RR@10", "nDCG@10", "R@10")}
    assert found == pytest.approx({"P@1": 0, "Success@3": 1, "RR@10": 1 / 3, "nDCG@10": 0.48381, "R@10": 1}, abs=1e-5)


def test_a_right_sentence_that_is_no_candidate_still_counts_against_recall():
    asked = [outcome("a", [0, 42])]
    assert values_of("R@10", asked) == [0.5]


def test_ranking_agrees_with_ir_measures_on_the_full_rankings(toy_run):
    names = ("P@1", "Success@3", "RR@10", "nDCG@10", "R@10")
    for stage in ("dense", "bm25", "fused", "reader"):
        answerable = [outcome for outcome in toy_run.outcomes if outcome.answerable]
        qrels = {o.id: {str(place): 1 for place in o.gold} for o in answerable}
        run = {o.id: {str(c.range): -float(c.rank(stage)) for c in o.candidates} for o in answerable}
        official = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in names], qrels, run)
        ours = summarise(toy_run).stages[stage]
        assert {name: ours[name].value for name in names} == pytest.approx({str(m): v for m, v in official.items()})


def test_an_unanswerable_question_is_right_when_refused_and_belongs_to_no_ranking():
    refused, answered = outcome("a", [], answered=False), outcome("b", [], answered=True)
    assert (refused.right, answered.right) == (True, False)
    assert values_of("P@1", [refused]) == [None]


def test_the_risk_coverage_curve_has_a_point_where_something_changes():
    points = risk_coverage(
        [outcome("a", [0], confidence=0.9), outcome("b", [5], confidence=0.4), outcome("c", [0], confidence=0.4)]
    )
    assert [(point.coverage, point.risk) for point in points] == [
        (pytest.approx(1 / 3), 0.0),
        (1.0, pytest.approx(1 / 3)),
    ]
