"""Tests of qa/questions.py: what is read, what is refused, and where the complaint points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.article import Article
from index.errors import BadQuestionFile
from qa.dialogue import Turn
from qa.questions import check_questions, find_evidence, read_question_set, read_questions, read_squad

GOOD = {"id": "q1", "question": "When did the river rise?", "evidence": ["The river rose on Monday."], "kind": "direct"}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "questions.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def test_a_question_is_read_with_every_place_of_its_evidence(small_article: Article, tmp_path):
    line = GOOD | {"evidence": ["bridge"], "answers": ["bridge"], "history": [["Who?", "The mayor."]]}
    (question,) = read_questions(write(tmp_path, line), small_article)
    assert [small_article.text[start:end] for start, end in question.places] == ["bridge", "bridge"]
    assert question.history == (Turn("Who?", "The mayor."),)
    assert (question.line, question.answerable, question.article) == (1, True, small_article.fingerprint)


def test_a_quote_on_one_line_is_found_where_the_article_breaks_the_line():
    assert find_evidence("two  words", "some two\nwords") == [(5, 14)]
    assert find_evidence("aa", "aaa") == [(0, 2), (1, 3)]
    assert find_evidence("a.c", "abc") == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "this is not JSON"),
        ("[1]", "one JSON object was wanted, this is a list"),
        ("null", "one JSON object was wanted, this is null"),
        ("1.5", "one JSON object was wanted, this is a number"),
        ({"question": "?"}, '"id" is missing'),
        (GOOD | {"id": " "}, '"id" is empty'),
        (GOOD | {"id": 7}, '"id" must be a text, not 7'),
        (GOOD | {"evidence": "The river"}, '"evidence" must be a list of texts'),
        (
            GOOD | {"evidence": ["The sea rose."]},
            "the evidence “The sea rose.” is not in the article “The great flood”",
        ),
        (GOOD | {"evidence": []}, "there is no evidence"),
        (GOOD | {"kind": "unanswerable"}, "there is evidence"),
        (GOOD | {"kind": "unanswerable", "evidence": [], "answers": ["x"]}, '"answers" are given but no "evidence"'),
        (GOOD | {"history": ["Who?"]}, '"history" must be a list of [question, answer] pairs'),
        (GOOD | {"anwsers": []}, "unknown field 'anwsers'"),
        (GOOD | {"article": "missing.txt"}, "missing.txt"),
        (GOOD | {"draft": "yes"}, '"draft" must be true or false'),
    ],
)
def test_a_bad_line_is_refused_with_its_number(small_article: Article, tmp_path, line, complaint):
    path = write(tmp_path, GOOD | {"id": "before"}, "", line)
    with pytest.raises(BadQuestionFile) as refused:
        read_question_set(path, small_article)
    assert str(refused.value).startswith(f"{path}:3: ")
    assert complaint in str(refused.value)


def test_half_a_character_and_nests_are_complained_of_and_not_stumbled_over(small_article: Article, tmp_path):
    path = tmp_path / "q.jsonl"
    half = json.dumps(GOOD | {"id": "h", "question": "What \ud83d happened?"})
    path.write_text(f"{half}\n{'[' * 100_000}\n", encoding="utf-8")
    first, second = check_questions(path, small_article)
    assert "half of a character" in first.message
    assert second.line == 2


def test_a_file_of_drafts_only_is_told_from_an_empty_one(small_article: Article, tmp_path):
    path = write(tmp_path, GOOD | {"draft": True, "origin": "the app"})
    with pytest.raises(BadQuestionFile, match="only drafts"):
        read_question_set(path, small_article)


def test_a_path_through_a_file_is_refused_in_plain_words(small_article: Article, tmp_path):
    (tmp_path / "a").write_text("x", encoding="utf-8")
    for read in (lambda path: read_questions(path, small_article), read_squad):
        with pytest.raises(BadQuestionFile, match="cannot be opened"):
            read(tmp_path / "a" / "q.jsonl")


def test_squad_paragraphs_with_odd_line_ends_and_empty_titles_are_read(tmp_path):
    context = "\ufeffThe river rose.\u2028It fell\fon Friday."
    asked = {"id": "1", "question": "When?", "answers": [{"text": "Friday", "answer_start": context.index("Friday")}]}
    data = [{"title": "Empty", "paragraphs": []}, {"title": "T", "paragraphs": [{"context": context, "qas": [asked]}]}]
    (tmp_path / "s.json").write_text(json.dumps({"data": data}), encoding="utf-8")
    (question,) = read_squad(tmp_path / "s.json").questions
    assert question.evidence == ("Friday",)


def test_check_finds_every_bad_line_and_not_only_the_first(small_article: Article, tmp_path):
    path = write(tmp_path, "{", GOOD, GOOD, GOOD | {"id": "q2", "evidence": ["no such words"]})
    assert [(complaint.line, complaint.message[:20]) for complaint in check_questions(path, small_article)] == [
        (1, "this is not JSON: Ex"),
        (3, "the id 'q1' is taken"),
        (4, "the evidence “no suc"),
    ]


def test_a_line_separator_inside_a_text_does_not_cut_the_line(small_article: Article, tmp_path):
    (question,) = read_questions(write(tmp_path, GOOD | {"question": "When\u2028did it rise?"}), small_article)
    assert question.question == "When\u2028did it rise?"


def test_drafts_are_read_and_never_scored(small_article: Article, tmp_path):
    path = write(tmp_path, GOOD, GOOD | {"id": "q2", "draft": True, "origin": "the app"})
    assert [question.draft for question in read_questions(path, small_article)] == [False, True]
    question_set = read_question_set(path, small_article)
    assert [question.id for question in question_set.questions] == ["q1"]
    assert question_set.left_out == {"drafts": 1}


def test_a_line_may_name_its_own_article_relative_to_the_file(small_article: Article, tmp_path):
    (tmp_path / "other.txt").write_text("Nothing rose on Tuesday. The cat slept.", encoding="utf-8")
    path = write(tmp_path, GOOD, GOOD | {"id": "q2", "article": "other.txt", "evidence": ["The cat slept."]})
    question_set = read_question_set(path, small_article)
    assert len(question_set.articles) == 2
    other = question_set.articles[question_set.questions[1].article]
    start, end = question_set.questions[1].places[0]
    assert other.text[start:end] == "The cat slept."


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_opened_is_one_line(small_article: Article, tmp_path, name):
    with pytest.raises(BadQuestionFile, match=r"no such file|is a folder"):
        read_question_set(tmp_path / name, small_article)


def test_a_file_without_a_question_is_refused(small_article: Article, tmp_path):
    with pytest.raises(BadQuestionFile, match="there is no question in it"):
        read_question_set(write(tmp_path, ""), small_article)


def test_the_fingerprint_changes_with_what_decides_a_score_and_not_with_the_order(small_article: Article, tmp_path):
    one = read_question_set(write(tmp_path, GOOD, GOOD | {"id": "q2"}), small_article).fingerprint
    assert one == read_question_set(write(tmp_path, GOOD | {"id": "q2"}, GOOD), small_article).fingerprint
    changed = GOOD | {"id": "q2", "evidence": ["The great flood"]}
    assert one != read_question_set(write(tmp_path, GOOD, changed), small_article).fingerprint


FIRST = "  Normans came from Normandy.\r\nThey were Norse."
SECOND = "They were Norse. So was Rollo."


def squad(folder: Path, *, start: int = 24) -> Path:
    def asked(name: str, question: str, answers: list[tuple[str, int]], *, impossible: bool = False) -> dict:
        golds = [{"text": text, "answer_start": place} for text, place in answers]
        return {"id": name, "question": question, "answers": golds, "is_impossible": impossible}

    data = {
        "version": "v2.0",
        "data": [
            {
                "title": "The_Normans",
                "paragraphs": [
                    {
                        "context": FIRST,
                        "qas": [
                            asked("a", "What were they?", [("Norse", 41), ("They were Norse", 31)]),
                            asked("b", "Who was the king?", [], impossible=True),
                        ],
                    },
                    {"context": SECOND, "qas": [asked("c", "Who was Norse too?", [("Rollo", start)])]},
                ],
            }
        ],
    }
    path = folder / "squad.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_squad_paragraphs_become_one_article_and_answers_keep_their_offsets(tmp_path):
    question_set = read_squad(squad(tmp_path))
    (article,) = question_set.articles.values()
    assert article.title == "The Normans"
    shown = {q.id: [article.text[start:end] for start, end in q.places] for q in question_set.questions}
    assert shown == {"a": ["They were Norse", "Norse"], "c": ["Rollo"]}


def test_an_answer_in_a_repeated_sentence_is_placed_by_its_offset_and_not_searched_for(tmp_path):
    question_set = read_squad(squad(tmp_path))
    (article,) = question_set.articles.values()
    place = question_set.questions[0].places[0]
    assert place[0] == article.text.index("They were Norse")
    assert article.text.count("They were Norse") == 2


def test_squad_unanswerable_questions_are_left_out_of_whole_articles_and_counted(tmp_path):
    question_set = read_squad(squad(tmp_path))
    assert [question.id for question in question_set.questions] == ["a", "c"]
    assert question_set.left_out == {"unanswerable only in their own paragraph": 1}


def test_squad_by_paragraph_leaves_nothing_out(tmp_path):
    question_set = read_squad(squad(tmp_path), paragraph=True)
    assert [(question.id, question.answerable) for question in question_set.questions] == [
        ("a", True), ("b", False), ("c", True),
    ]  # fmt: skip
    assert len(question_set.articles) == 2
    assert question_set.left_out == {}


def test_a_squad_answer_that_is_not_where_it_says_is_refused(tmp_path):
    with pytest.raises(BadQuestionFile, match="c: the answer 'Rollo' is not at its answer_start 23"):
        read_squad(squad(tmp_path, start=23))


@pytest.mark.parametrize("text", ["{", '{"data": [{"paragraphs": [{}]}]}', "[]", '{"data": []}'])
def test_a_file_that_is_not_squad_is_one_line(tmp_path, text):
    (tmp_path / "squad.json").write_text(text)
    with pytest.raises(BadQuestionFile) as refused:
        read_squad(tmp_path / "squad.json")
    assert "\n" not in str(refused.value)


def test_the_project_s_own_questions_are_good():
    from index.article import builtin_article

    assert check_questions(Path(__file__).parent.parent / "eval" / "questions.jsonl", builtin_article()) == []
