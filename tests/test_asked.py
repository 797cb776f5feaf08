"""training/asked.py: questions of our own on paragraphs that are not here, read and joined to them."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.asked import (
    OURS,
    AskedQuestion,
    Edit,
    as_change,
    as_question,
    changes_between,
    lines_of,
    read_asked,
    with_changes,
)

PARAGRAPHS = ["The mill closed.", "The yearbook, called The Dome, first came out in 1906. The bishop founded nothing."]
SHUT = {"id": "q", "question": "What shut?", "answers": [{"text": "mill", "paragraph": 0, "start": 4}]}
FIRST = {
    "id": "5733", "question": "When did the yearbook first come out in print?",
    "answers": [{"text": "1906", "paragraph": 1, "start": 50}],
}  # fmt: skip
ARTICLE = {"id": "squad11.train:0", "title": "A", "paragraphs": PARAGRAPHS, "questions": [SHUT, FIRST]}
LINES = """
@ squad11.train:0 | 1
! Which magazine did the bishop found?
? When was the yearbook launched? | 1906; in 1906
"""


def test_questions_are_read_with_the_paragraph_they_are_on():
    assert read_asked(LINES.splitlines()) == [
        AskedQuestion("squad11.train:0", 1, "Which magazine did the bishop found?", ()),
        AskedQuestion("squad11.train:0", 1, "When was the yearbook launched?", ("1906", "in 1906")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "! Asked of nothing?",
        "@ a | b",
        "@ a | 1\n? No answer? |",
        "@ a | 1\n? No bar?",
        "@ a | 1\n! Why?",
        "and then",
        "@ a | 1\n~ q",
        "@ a | 1\n~ q | not",
        "@ a | 1\n~ q | 4-2 not",
        "~ q | 1-2 not",
    ],
)
def test_a_line_that_cannot_be_read_is_named(line):
    with pytest.raises(ValueError, match=r"^line \d"):
        read_asked(line.splitlines())


def test_an_answer_stands_where_the_paragraph_has_it():
    question = as_question(read_asked(LINES.splitlines())[1], ARTICLE, 7)
    assert question is not None
    assert question["answerable"]
    for answer in question["answers"]:
        assert PARAGRAPHS[answer["paragraph"]][answer["start"] :].startswith(answer["text"])


def test_what_nothing_answers_is_unanswerable_in_its_paragraph():
    question = as_question(read_asked(LINES.splitlines())[0], ARTICLE, 7)
    assert question is not None
    assert (question["answerable"], question["asked_of_paragraph"], question["answers"]) == (False, 1, [])


@pytest.mark.parametrize(("paragraph", "answer"), [(2, "1906"), (-1, "1906"), (1, "1907"), (0, "1906")])
def test_a_question_that_does_not_fit_the_data_is_left_out(paragraph, answer):
    assert as_question(AskedQuestion("a", paragraph, "When was it launched?", (answer,)), ARTICLE, 0) is None


def test_a_changed_question_is_kept_as_its_change_and_comes_back_word_for_word():
    twin = AskedQuestion("squad11.train:0", 1, "When did the yearbook never come out on film?", ())
    kept = as_change(twin, ARTICLE["questions"])
    assert (kept.of, kept.changes) == ("5733", (Edit(4, 5, ("never",)), Edit(7, 9, ("on", "film?"))))
    assert lines_of([kept]) == ["@ squad11.train:0 | 1", "~ 5733 | 4-5 never; 7-9 on film?"]
    assert read_asked(lines_of([kept])) == [kept]
    question = as_question(kept, ARTICLE, 0)
    assert question is not None
    assert (question["question"], question["answerable"]) == (twin.question, False)


def test_what_only_we_ask_is_kept_in_full():
    own = AskedQuestion("squad11.train:0", 1, "Which magazine did the bishop found?", ())
    answered = AskedQuestion("squad11.train:0", 1, "When did the yearbook come out?", ("1906",))
    for asked in (own, answered):
        assert as_change(asked, ARTICLE["questions"]) == asked
        assert read_asked(lines_of([asked])) == [asked]


WORDS = st.lists(st.sampled_from(["who", "shut", "the", "mill;", "not", "3-4", "~"]), max_size=8).map(" ".join)


@given(before=WORDS, after=WORDS)
def test_changes_make_one_question_of_the_other(before, after):
    assert with_changes(before, changes_between(before, after)) == after


@pytest.mark.parametrize(("of", "change"), [("nobody", Edit(0, 1, ("Who",))), ("5733", Edit(8, 10, ("film?",)))])
def test_a_change_that_does_not_fit_the_data_is_left_out(of, change):
    assert as_question(AskedQuestion("squad11.train:0", 1, "", (), of, (change,)), ARTICLE, 0) is None


def test_a_set_is_prepared_with_them_as_a_second_article(tmp_path):
    pytest.importorskip("tomllib", reason="training needs Python 3.11")
    from training.prepare import prepared_articles

    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "a-01.txt").write_text(LINES, encoding="utf-8")
    article = {**ARTICLE, "questions": [SHUT]}
    with gzip.open(tmp_path / "squad11.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(article))
    first, second = prepared_articles(tmp_path, ["squad11"], ["wikipedia"], ours={"asked": tmp_path / "ours"})
    assert (first["set"], second["set"], second["sentences"]) == ("squad11", "asked", first["sentences"])
    assert [q["id"] for q in first["questions"]] == ["q"]
    trap, answered = second["questions"]
    assert (trap["answerable"], trap["gold"], trap["own"]) == (False, [], [1, 3])
    assert (answered["answerable"], answered["gold"], answered["own"]) == (True, [1], [1, 3])
    # For validation, only what the sets hold themselves.
    validation = prepared_articles(tmp_path, ["squad11"], None, ours={"asked": tmp_path / "ours"})
    assert [one["set"] for one in validation] == ["squad11"]


def test_all_that_is_shipped_can_be_read():
    for path in [path for folder in OURS.values() for path in folder.glob("*.txt")]:
        assert read_asked(path.read_text(encoding="utf-8").splitlines()), path
