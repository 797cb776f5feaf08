"""Tests of qa/coverage.py, qa/drafts.py and qa/sweep.py: what a person writing questions or trying settings is told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from index.article import Article
from index.errors import BadQuestionFile
from index.sentences import split_sentences
from qa.answer import Answerer, open_answerer
from qa.coverage import examine, names_of, uncovered
from qa.dialogue import Turn
from qa.drafts import add_draft, review
from qa.questions import QuestionSet, read_question_set, read_questions
from qa.sweep import BadSweep, allowed_settings, folder_name, read_sweep, run_sweep

RISE = {"id": "q1", "question": "When did the river rise?", "evidence": ["The river rose on Monday."], "kind": "direct"}


def write(path: Path, *lines: dict) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


# -- check and coverage


def test_a_repeated_question_is_pointed_at(small_article: Article, tmp_path):
    path = write(tmp_path / "q.jsonl", RISE, RISE | {"id": "q2", "question": "when did the RIVER rise"})
    said = [str(complaint) for complaint in examine(path, small_article).complaints]
    assert f"{path}:2: asks the same as line 1" in said


def test_the_same_words_after_other_turns_are_another_question(small_article: Article, tmp_path):
    path = write(tmp_path / "q.jsonl", RISE, RISE | {"id": "q2", "history": [["What rose?", "The river."]]})
    assert not any("asks" in complaint.message for complaint in examine(path, small_article).complaints)


def test_nearly_the_same_question_is_pointed_at(small_article: Article, tmp_path):
    one = RISE | {"question": "Which night did the flood take the old bridge?", "evidence": ["in one night"]}
    path = write(
        tmp_path / "q.jsonl", one, one | {"id": "q2", "question": "The flood did take the old bridge which night?"}
    )
    assert any("asks nearly the same as line 1" in c.message for c in examine(path, small_article).complaints)


def test_shared_evidence_and_answers_outside_it_are_pointed_at(small_article: Article, tmp_path):
    other = RISE | {"id": "q2", "question": "What happened on Monday?", "answers": ["the sea"]}
    path = write(tmp_path / "q.jsonl", RISE, other)
    said = {(complaint.line, complaint.message) for complaint in examine(path, small_article).complaints}
    assert (1, "has the same evidence as line 2") in said
    assert (2, "the answer “the sea” is not in its evidence") in said


def test_advice_leaves_a_file_usable_and_a_bad_line_does_not(small_article: Article, tmp_path):
    twice = examine(write(tmp_path / "q.jsonl", RISE, RISE | {"id": "q2"}), small_article)
    assert (twice.usable, twice.questions) == (True, 2)
    broken = examine(write(tmp_path / "b.jsonl", RISE | {"evidence": ["The sea rose."]}), small_article)
    assert (broken.usable, broken.questions) == (False, 0)


def test_how_hard_a_file_is_shows_in_the_words_shared(small_article: Article, tmp_path):
    far = RISE | {"id": "q2", "question": "On which day was the stream swollen?"}
    levels = examine(write(tmp_path / "q.jsonl", RISE, far), small_article).levels
    assert levels == {"half or more shared": 1, "no word shared": 1}


def test_what_nobody_asks_about_is_listed(small_article: Article, tmp_path):
    path = write(
        tmp_path / "q.jsonl", RISE, RISE | {"id": "q2", "question": "What did Carter say?", "evidence": ["rebuild it"]}
    )
    (found,) = uncovered(read_question_set(path, small_article))
    assert "The flood took the bridge in one night, and nobody was hurt." in [s.text for s in found.unasked]
    assert "The river rose on Monday." not in [s.text for s in found.unasked]
    assert "Monday" in found.names
    assert found.numbers == ("1953", "£2,000")


def test_a_word_with_a_capital_only_where_a_sentence_begins_is_no_name():
    sentences = split_sentences("Work began. The Red Cross came. Police saw Jane Carter. Then the Police left.")
    assert names_of(sentences) == ["Red Cross", "Police", "Jane Carter"]


# -- drafts


def test_a_draft_from_the_app_is_a_line_of_the_format_and_is_kept_once(small_article: Article, tmp_path):
    path = tmp_path / "new" / "drafts.jsonl"
    for _ in range(2):
        add_draft(path, "When?", evidence=["on Monday"], history=[Turn("What rose?", "The river")], origin="the app")
    add_draft(path, "Who painted it?", origin="the app")
    drafts = read_questions(path, small_article)
    assert [(d.question, d.kind, d.draft, d.origin) for d in drafts] == [
        ("When?", "follow-up", True, "the app"),
        ("Who painted it?", "unanswerable", True, "the app"),
    ]


def test_an_accepted_draft_moves_and_a_dropped_one_goes_and_a_skipped_one_stays(small_article: Article, tmp_path):
    drafts, into = tmp_path / "drafts.jsonl", write(tmp_path / "q.jsonl", RISE)
    for question in ("When?", "Bad?", "Later?"):
        add_draft(drafts, question, evidence=["on Monday"], origin="the app")
    verdicts = {"When?": "accept", "Bad?": "drop", "Later?": "skip"}
    done = review(
        drafts, into, small_article, lambda d: (verdicts[d.question], dataclasses.replace(d, answers=("Monday",)))
    )
    assert (done.accepted, done.dropped, done.left) == (1, 1, 1)
    assert [question.question for question in read_questions(drafts, small_article)] == ["Later?"]
    merged = read_questions(into, small_article)
    assert [(q.question, q.answers, q.draft) for q in merged][1] == ("When?", ("Monday",), False)


def test_drafts_can_be_accepted_inside_their_own_file(small_article: Article, tmp_path):
    path = write(tmp_path / "q.jsonl", RISE | {"id": "d1", "draft": True}, RISE | {"id": "q2"})
    review(path, path, small_article, lambda draft: ("accept", draft))
    assert [(q.id, q.draft) for q in read_questions(path, small_article)] == [("q2", False), ("d1", False)]


def test_an_accepted_id_that_is_taken_gets_a_number(small_article: Article, tmp_path):
    drafts = write(tmp_path / "d.jsonl", RISE | {"question": "Another?", "draft": True})
    into = write(tmp_path / "q.jsonl", RISE)
    review(drafts, into, small_article, lambda draft: ("accept", draft))
    assert [question.id for question in read_questions(into, small_article)] == ["q1", "q1-2"]


def test_stopping_half_way_keeps_what_was_decided(small_article: Article, tmp_path):
    drafts = write(tmp_path / "d.jsonl", *(RISE | {"id": f"d{n}", "draft": True} for n in range(3)))
    into = tmp_path / "q.jsonl"
    done = review(drafts, into, small_article, lambda d: ("accept" if d.id == "d0" else "quit", d))
    assert (done.accepted, done.left) == (1, 2)
    assert [question.id for question in read_questions(drafts, small_article)] == ["d1", "d2"]
    assert [question.id for question in read_questions(into, small_article)] == ["d0"]


def test_a_draft_mended_into_something_unusable_changes_nothing(small_article: Article, tmp_path):
    drafts = write(tmp_path / "d.jsonl", RISE | {"id": "d1", "draft": True})
    into = write(tmp_path / "q.jsonl", RISE)
    before = into.read_text()
    with pytest.raises(BadQuestionFile, match="is not in the article"):
        review(drafts, into, small_article, lambda d: ("accept", dataclasses.replace(d, evidence=("The sea rose.",))))
    assert into.read_text() == before
    assert len(read_questions(drafts, small_article)) == 1


# -- sweep


def sweep_file(folder: Path, text: str) -> Path:
    (folder / "sweep.toml").write_text(text, encoding="utf-8")
    return folder / "sweep.toml"


def test_every_combination_is_run_once_and_the_best_comes_first(
    tmp_path, question_set: QuestionSet, open_toy: Callable[[Article], Answerer]
):
    path = sweep_file(tmp_path, 'folder = "out"\n[settings]\nmin_confidence = [0.99, 0.3]\nreader = "fused"\n')
    sweep = read_sweep(path, allowed={"min_confidence", "reader"})
    opened: list[float] = []

    def opener(settings):
        def open_for(article: Article) -> Answerer:
            opened.append(settings["min_confidence"])
            made = open_toy(article)
            return Answerer(made.article_index, made.encoder, made.reader, made.calibration, min_confidence=opened[-1])

        return open_for

    first = run_sweep(sweep, question_set, opener)
    again = run_sweep(sweep, question_set, opener)
    assert opened == [0.99, 0.3]
    assert [row.settings["min_confidence"] for row in first] == [0.3, 0.99]
    assert [row.summary.figures_json() for row in again] == [row.summary.figures_json() for row in first]
    assert [row.again for row in again] == [True, True]


def test_what_can_be_swept_is_what_the_answerer_takes():
    named = {"model", "reader", "min_confidence", "dense_weight", "window_pieces", "most_pieces"}
    assert named == allowed_settings(open_answerer)
    assert "cache" not in allowed_settings(open_answerer)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[settings", "cannot be read"),
        ("mesure = 1", "unknown 'mesure'"),
        ('measure = "good"', "no measure is called 'good'"),
        ("[settings]\nwindow = 3", "no setting is called 'window'; they are reader"),
        ("[settings]\nreader = []", "a list under [settings] is empty"),
        ("limit = 0", "limit is 0; a whole number of questions from 1 on was wanted"),
        ('limit = "ten"', "limit is 'ten'"),
    ],
)
def test_a_bad_sweep_file_is_one_line(tmp_path, text, complaint):
    with pytest.raises(BadSweep) as refused:
        read_sweep(sweep_file(tmp_path, text), allowed={"reader"})
    assert complaint in str(refused.value)


def test_what_only_the_trained_reader_knows_does_not_run_the_other_one_twice(tmp_path):
    text = '[settings]\nreader = ["fused", "trained"]\nwindow_pieces = [96, 160]\n'
    sweep = read_sweep(sweep_file(tmp_path, text), allowed={"reader", "window_pieces"})
    assert sweep.settings == (
        {"reader": "fused"},
        {"reader": "trained", "window_pieces": 96},
        {"reader": "trained", "window_pieces": 160},
    )


def test_a_setting_with_which_nothing_can_be_asked_is_one_line_and_no_table(tmp_path, question_set: QuestionSet):
    sweep = read_sweep(sweep_file(tmp_path, 'folder = "out"\n[settings]\ndense_weight = 7\n'), allowed={"dense_weight"})

    def opener(settings):
        def open_for(article: Article) -> Answerer:
            raise ValueError(f"dense_weight is {settings['dense_weight']}, wanted 0 to 1")

        return open_for

    with pytest.raises(BadSweep, match="no question could be asked with dense_weight 7: ValueError: dense_weight is 7"):
        run_sweep(sweep, question_set, opener)


def test_paths_of_a_sweep_count_from_its_file(tmp_path):
    sweep = read_sweep(sweep_file(tmp_path, 'questions = "q.jsonl"\narticle = "https://example.org/a"'), allowed=set())
    assert (sweep.questions, sweep.article) == (tmp_path / "q.jsonl", "https://example.org/a")
    assert sweep.settings == ({},)


def test_combinations_that_read_alike_have_folders_of_their_own():
    assert folder_name({"reader": "a/b"}) != folder_name({"reader": "a b"})
    assert "/" not in folder_name({"model": "../../etc"})
