"""The stories the reader is trained on: each can be read, each answer stands where it is said to stand."""

import gzip
import json
from pathlib import Path

import pytest

from training.story import (
    HERE,
    BadStory,
    is_held_back,
    normal_form,
    prepared_stories,
    read_stories,
    won_by_words,
    write_held_back,
)

SLUICE = """@ Sluice jams in flood
1 Ines Mora, the keeper, was asleep when the river rose.
2 A fallen willow jammed the sluice.

3 She had been at her sister's in Tarn.
?why What kept the gate from closing? | 2 | A fallen willow
+ref Where had the keeper been? | 3 | her sister's
+ref And what does she do? | 1 | the keeper
?yes Did anybody wake her? | 1,3 | -
! Who paid for the new gates? | 2
"""


@pytest.fixture
def sluice(tmp_path):
    path = tmp_path / "sluice-06.txt"
    path.write_text(SLUICE, encoding="utf-8")
    return path


def test_a_story_is_read_with_its_paragraphs_and_questions(sluice):
    (story,) = read_stories(sluice)
    assert story.name == "sluice-06-1"
    assert story.paragraph_of == (0, 0, 1)
    assert [question.kind for question in story.questions] == ["why", "ref", "ref", "yes", "none"]
    assert story.questions[3].evidence == (0, 2)
    assert story.questions[3].answers == ()


def test_a_follow_up_carries_every_turn_it_goes_on_from(sluice):
    (article,) = prepared_stories(held_back=True, folder=sluice.parent)
    assert article["questions"][2]["history"] == [
        ["What kept the gate from closing?", "A fallen willow"],
        ["Where had the keeper been?", "her sister's"],
    ]
    assert article["questions"][3]["history"] == []


def test_what_is_held_back_is_never_trained_on(sluice):
    assert is_held_back(sluice)
    assert list(prepared_stories(held_back=False, folder=sluice.parent)) == []
    trained = {article["id"] for article in prepared_stories(held_back=False)}
    held = {article["id"] for article in prepared_stories(held_back=True)}
    assert trained
    assert held
    assert not trained & held


def test_the_normal_form_has_each_answer_at_its_offset(sluice, tmp_path):
    write_held_back(tmp_path / "held.jsonl.gz", sluice.parent)
    with gzip.open(tmp_path / "held.jsonl.gz", "rt", encoding="utf-8") as lines:
        (story,) = [json.loads(line) for line in lines]
    assert story["paragraphs"][1] == "She had been at her sister's in Tarn."
    for question in story["questions"]:
        for answer in question["answers"]:
            paragraph = story["paragraphs"][answer["paragraph"]]
            assert paragraph[answer["start"] :].startswith(answer["text"])
    assert story["questions"][0]["answers"][0]["start"] == 55
    assert story["questions"][3]["answers"][1]["text"] == story["paragraphs"][1]  # no short answer: the sentence
    assert story["questions"][4] == {
        "id": "sluice-06-1-5", "question": "Who paid for the new gates?", "kind": "none", "history": [],
        "answers": [], "answerable": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("?why What jammed it? | 2 | an oak", "'an oak' is not, letter for letter, in sentence 2"),
        ("?why What jammed it? | 9 | -", "there is no sentence 9"),
        ("?why What jammed it? | two | -", "wanted numbers"),
        ("?why What jammed it? | 2", "1 bars"),
        ("?how What jammed it? | 2 | -", "kind 'how'"),
        ("4 A sentence out of turn.", "wanted `3 Sentence.`"),
        ("Neither sentence nor question.", "wanted `3 Sentence.`"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path, line, complaint):
    path = tmp_path / "bad-01.txt"
    path.write_text(f"@ Sluice\n1 The river rose.\n2 A willow jammed the sluice.\n{line}\n", encoding="utf-8")
    with pytest.raises(BadStory, match=r"bad-01\.txt:4") as caught:
        read_stories(path)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: Path(path).stem)
def test_every_story_that_ships_can_be_read_and_asks_no_question_twice(path):
    for story in read_stories(path):
        assert len(story.sentences) >= 2, story.name  # a note of a few sentences; one has none to be told from
        assert normal_form(story)["questions"], story.name
        # A follow-up such as "Why?" may come twice: what it means hangs on the question before it.
        asked = [question.text for question in story.questions if not question.follows]
        assert len(set(asked)) == len(asked), story.name


def test_most_questions_are_not_found_by_counting_words():
    found = [
        won_by_words(story, question)
        for path in sorted(HERE.glob("*.txt"))
        for story in read_stories(path)
        for question in story.questions
        if question.answerable
    ]
    assert 0 < sum(found) < 0.25 * len(found)
