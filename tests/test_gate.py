"""The gate on the project's own questions: a worse setting is stopped, another seed and nothing else is let through."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from index.article import builtin_article
from qa.__main__ import cli
from qa.compare import compare_runs, direction
from qa.questions import read_question_set
from qa.run import BadRun, read_run, run_questions

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "eval" / "baseline"
GATE = ("--fail-if", "worse", "--gate", "right", "--gate", "nDCG@10")

Evaluate = Callable[..., Result]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory) -> Evaluate:
    """Ask all of the project's own questions, by retrieval alone, as it is typed."""
    folder = tmp_path_factory.mktemp("gate")

    def typed(name: str, *words: str) -> Result:
        words = ("eval", "--reader", "fused", "--run", str(folder / name), "--cache", str(folder / "cache"), *words)
        done = CliRunner().invoke(cli, list(words), catch_exceptions=False)
        done.folder = folder / name  # type: ignore[attr-defined]
        return done

    return typed


@pytest.fixture(scope="module")
def fused(evaluate: Evaluate) -> Path:
    done = evaluate("fused")
    assert done.exit_code == 0, done.output
    return Path(done.folder)  # type: ignore[attr-defined]


def test_the_committed_baseline_is_over_the_questions_as_they_are():
    asked = read_question_set(ROOT / "eval" / "questions.jsonl", builtin_article())
    assert read_run(BASELINE).questions_fingerprint == asked.fingerprint


@pytest.mark.model
def test_leaving_the_reader_off_is_found_and_stopped(evaluate: Evaluate):
    done = evaluate("unread", "--baseline", str(BASELINE), *GATE)
    assert done.exit_code == 100
    assert "Gate: nDCG@10 is worse than the baseline" in done.stderr
    # Refusing is a part of "right" that needs no reader; what needs one is the ranking and the short answer.
    compared = compare_runs(read_run(BASELINE), read_run(done.folder))  # type: ignore[attr-defined]
    rows = {row.measure.name: row for row in compared.differences}
    assert [direction(rows[name]) for name in ("P@1", "RR@10", "exact_match", "token_f1")] == ["worse"] * 4


@pytest.mark.model
def test_searching_by_shared_words_alone_is_found_and_stopped(evaluate: Evaluate, fused: Path):
    done = evaluate("words", "--dense-weight", "0", "--baseline", str(fused), *GATE)
    assert done.exit_code == 100
    assert "Gate: nDCG@10 is worse than the baseline" in done.stderr
    compared = compare_runs(read_run(fused), read_run(done.folder))  # type: ignore[attr-defined]
    rows = {row.measure.name: row for row in compared.differences}
    assert direction(rows["nDCG@10"]) == "worse"


@pytest.mark.model
def test_another_seed_and_nothing_else_differs_in_no_measure_and_is_let_through(evaluate: Evaluate, fused: Path):
    done = evaluate("again", "--seed", "7", "--baseline", str(fused), *GATE)
    assert done.exit_code == 0, done.stderr
    compared = compare_runs(read_run(fused), read_run(done.folder))  # type: ignore[attr-defined]
    assert compared.a.seed != compared.b.seed
    assert (compared.gained, compared.lost) == ((), ())
    assert {row.measure.name: row.difference for row in compared.differences if row.difference} == {}


def test_a_packed_run_is_the_same_run_and_is_not_gone_on_with(question_set, open_toy, tmp_path: Path):
    run_questions(question_set, open_toy, folder=tmp_path / "run")
    before = read_run(tmp_path / "run")
    plain, packed = tmp_path / "run" / "outcomes.jsonl", tmp_path / "run" / "outcomes.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert read_run(tmp_path / "run") == before
    with pytest.raises(BadRun, match="gunzip"):
        run_questions(question_set, open_toy, folder=tmp_path / "run", resume=True)
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(BadRun, match="cannot be unpacked"):
        read_run(tmp_path / "run")
