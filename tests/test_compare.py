"""Tests of qa/compare.py: what is called better, what is called luck, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from index.article import article_from_text
from qa.causes import by_cause, cause_of
from qa.compare import (
    NotComparable,
    as_markdown,
    compare_runs,
    gate_failures,
    told_p,
    write_comparison,
)
from qa.evaluate import Outcome, Ranked
from qa.report import NothingToReport, UnknownFormat
from qa.run import Run
from qa.summary import summarise

TEXT = " ".join(f"Sentence {number} says something." for number in range(10))
ARTICLE = article_from_text(TEXT, title="Ten <b>sentences</b>")
PLACES = [(TEXT.index(f"Sentence {number}"), TEXT.index(f"Sentence {number}") + 26) for number in range(10)]


def made(
    name: str, *, right: bool, confidence: float = 0.7, answerable: bool = True, error: str | None = None
) -> Outcome:
    """An outcome whose best sentence is the right one, number 0, or else number 1."""
    order = list(range(10)) if right else [1, 0, *range(2, 10)]
    return Outcome(
        id=name,
        question=f"What does {name} say?",
        kind="direct" if answerable else "unanswerable",
        article=ARTICLE.fingerprint,
        places=(PLACES[0],) if answerable else (),
        answers=("something",) if answerable else (),
        gold=(PLACES[0],) if answerable else (),
        sentences=10,
        answered=answerable or not right,
        confidence=confidence,
        sentence=PLACES[order[0]],
        span_text="something" if right else "nothing",
        candidates=()
        if error
        else tuple(Ranked(*PLACES[row], 0.1, n, n, n, n) for n, row in enumerate(order, start=1)),
        ms={"total": 5.0},
        error=error,
    )


def run_of(name: str, rights: list[bool], **changes: object) -> Run:
    outcomes = tuple(made(f"q{number}", right=right, **changes) for number, right in enumerate(rights))
    return Run(name, outcomes, {ARTICLE.fingerprint: ARTICLE}, "same questions")


def test_a_clear_gain_is_called_better_with_its_flips_and_its_p():
    """20 gained, none lost: p = 2 / 2**20"""
    comparison = compare_runs(run_of("a", [False] * 20 + [True] * 20), run_of("b", [True] * 40))
    assert comparison.sentence == (
        "B is better: from A to B 20 questions gained, 0 lost (p < 0.001; 40 questions can show differences of about "
        "31 points)."
    )
    assert [flip.a.id for flip in comparison.gained] == [f"q{number}" for number in range(20)]
    assert comparison.lost == ()


def test_a_small_gain_is_called_not_enough_to_be_sure():
    """3 gained, 1 lost: p = 2 * (1 + 4) / 16 = 0.62"""
    comparison = compare_runs(run_of("a", [False] * 3 + [True] * 37), run_of("b", [True] * 39 + [False]))
    assert comparison.p == pytest.approx(0.625)
    assert comparison.sentence.startswith(
        "B looks better: from A to B 3 questions gained, 1 lost (p = 0.62, not enough"
    )


def test_the_same_answers_with_another_seed_are_no_difference():
    one = run_of("a", [True, False] * 10)
    other = dataclasses.replace(one, name="b", info={"seed": 7})
    comparison = compare_runs(one, other)
    assert comparison.sentence == "A and B are right about the same questions (20 questions)."
    assert all(row.p in (1.0, None) for row in comparison.differences)
    assert gate_failures(comparison, summarise(other), measures=["right", "P@1", "token_f1", "auroc"]) == []


def test_a_worse_run_is_stopped_by_the_gate_and_a_better_one_is_not():
    good, bad = run_of("good", [True] * 40), run_of("bad", [True] * 20 + [False] * 20)
    (failure,) = gate_failures(compare_runs(good, bad), summarise(bad))
    assert failure == "Right is worse than the baseline: 100.0 -> 50.0 (p < 0.001)"
    assert gate_failures(compare_runs(bad, good), summarise(good)) == []


def test_a_loss_that_may_be_luck_passes_the_gate():
    good, bad = run_of("good", [True] * 40), run_of("bad", [True] * 38 + [False] * 2)
    assert gate_failures(compare_runs(good, bad), summarise(bad)) == []


def test_a_floor_stops_what_is_under_it_and_what_is_undefined():
    half = run_of("half", [True, False] * 10)
    assert gate_failures(None, summarise(half), floors={"P@1": 0.5}) == []
    assert gate_failures(None, summarise(half), floors={"P@1": 0.51}) == ["P@1 is 50.0, under the 51 asked for"]
    assert gate_failures(None, summarise(half), floors={"auroc": 0.5}) == ["AUROC is undefined, 50 was asked for"]
    assert gate_failures(None, summarise(half), floors={"ece": 0.1}) == [
        "Calibration error is 20.0, over the 10 asked for"
    ]


def test_of_a_measure_where_lower_is_better_a_rise_is_worse():
    rights = [True] * 30
    sure, unsure = run_of("sure", rights, confidence=0.95), run_of("unsure", rights, confidence=0.55)
    row = next(row for row in compare_runs(sure, unsure).differences if row.measure.name == "ece")
    assert row.difference == pytest.approx(0.4)
    assert row.better is False


def test_runs_over_other_questions_are_refused_and_told_apart():
    one, other = run_of("a", [True] * 3), dataclasses.replace(run_of("b", [True] * 2), questions_fingerprint="others")
    with pytest.raises(NotComparable, match="1 only in A, 0 only in B, 0 changed"):
        compare_runs(one, other)


def test_an_outcome_whose_id_was_edited_by_hand_is_another_question():
    one = run_of("a", [True] * 3)
    other = dataclasses.replace(one, outcomes=(dataclasses.replace(one.outcomes[0], id="mine"), *one.outcomes[1:]))
    with pytest.raises(NotComparable, match="1 only in A, 1 only in B, 0 changed"):
        compare_runs(one, other)


def test_an_unfinished_run_is_refused():
    part = dataclasses.replace(run_of("part", [True]), info={"questions": {"n": 3}})
    with pytest.raises(NotComparable, match="is not finished, 2 questions are missing"):
        compare_runs(part, part)


def test_a_run_of_nothing_but_errors_is_refused():
    broken = run_of("broken", [False] * 3, error="OSError: gone")
    with pytest.raises(NothingToReport, match=r"none of its questions \(3\) could be asked"):
        compare_runs(broken, broken)


def test_an_error_in_b_is_a_question_lost():
    one = run_of("a", [True] * 12)
    other = dataclasses.replace(one, outcomes=(made("q0", right=True, error="boom"), *one.outcomes[1:]))
    comparison = compare_runs(one, other)
    assert [flip.a.id for flip in comparison.lost] == ["q0"]
    assert next(row.n for row in comparison.differences if row.measure.name == "P@1") == 11
    assert comparison.remarks[0] == "1 question of B ended in an error: counted as wrong."


@pytest.mark.parametrize("ending", [".html", ".md", ".json"])
def test_a_comparison_is_written_in_every_format(tmp_path, ending):
    comparison = compare_runs(run_of("a", [False] * 8 + [True] * 4), run_of("b", [True] * 11 + [False]))
    write_comparison(comparison, tmp_path / f"x{ending}")
    text = (tmp_path / f"x{ending}").read_text(encoding="utf-8")
    assert comparison.sentence in text
    assert "q0" in text


def test_json_holds_the_flips_and_every_measure_unrounded():
    comparison = compare_runs(run_of("a", [False, True, True]), run_of("b", [True, True, False]))
    told = json.loads(json.dumps(comparison.to_json()))
    assert (told["gained"], told["lost"]) == (["q0"], ["q2"])
    assert told["measures"]["P@1"]["a"] == pytest.approx(2 / 3)
    assert told["measures"]["auroc"]["p"] is None


def test_an_unknown_ending_is_refused(tmp_path):
    comparison = compare_runs(run_of("a", [True]), run_of("b", [True]))
    with pytest.raises(UnknownFormat, match=r"no report ends in '.doc'; use one of .html, .md, .json"):
        write_comparison(comparison, tmp_path / "x.doc")


def test_markdown_shows_text_as_it_is():
    one, other = run_of("a|b", [False]), run_of("*b*", [True])
    assert "a\\|b" in as_markdown(compare_runs(one, other))
    assert "\\*b\\*" in as_markdown(compare_runs(one, other))


def test_a_p_value_is_never_told_as_zero():
    assert told_p(0.0) == "< 0.001"
    assert told_p(0.0004, name=True) == "p < 0.001"
    assert told_p(0.031) == "0.031"
    assert told_p(None) == "–"


def one(**changes: object) -> Outcome:
    return dataclasses.replace(made("q", right=True), **changes)


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (made("q", right=True), None),
        (made("q", right=True, error="boom"), "error"),
        (made("q", right=False), "ranked_below"),
        (dataclasses.replace(made("q", right=False), read=1), "not_read"),
        (dataclasses.replace(made("q", right=False), candidates=(Ranked(*PLACES[1], 0.1, 1, 1, 1, 1),)), "not_read"),
        (
            dataclasses.replace(
                made("q", right=False), places=((PLACES[2][0], PLACES[3][1]),), gold=(PLACES[2], PLACES[3])
            ),
            "split",
        ),
        (one(answered=False), "refused"),
        (one(span=PLACES[0], span_text="quite another thing"), "wrong_span"),
        (one(span=None, span_text="Sentence 0 says something"), None),
        (made("q", right=True, answerable=False), None),
        (made("q", right=False, answerable=False), "answered"),
    ],
)
def test_each_failure_has_the_cause_that_comes_first(outcome, cause):
    assert cause_of(outcome) == cause


def test_the_worst_example_of_a_cause_comes_first():
    outcomes = [made("mild", right=False, confidence=0.4), made("bad", right=False, confidence=0.9)]
    assert [outcome.id for outcome in by_cause(outcomes)["ranked_below"]] == ["bad", "mild"]
    refused = [one(id="sure", answered=False, confidence=0.4), one(id="unsure", answered=False, confidence=0.1)]
    assert [outcome.id for outcome in by_cause(refused)["refused"]] == ["unsure", "sure"]
