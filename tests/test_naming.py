"""Who is asked for: names go before "a jockey", and nobody is who he is told apart from. By examples and by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_from_text
from index.sentences import split_sentences
from qa.naming import asks_who, is_other, named_first, others_in, whole_name
from qa.reader import Reading, ReadSentence
from qa.retrieve import Candidate

RACE = (
    "A jockey who pulled up to help a rival was cleared on Friday. Rhona Quill, 24, broke no rule, the stewards found. "
    "Quill kept her licence. Passers-by cheered her."
)


def reading(*found, none=0.1, text=RACE):
    """Return a reading of an article's sentences: (row, relevance, short answer or None), best first."""
    sentences = split_sentences(text)
    read = []
    for row, relevance, answer in found:
        sentence = sentences[row]
        start = sentence.start + sentence.text.index(answer) if answer else 0
        span = (start, start + len(answer)) if answer else None
        candidate = Candidate(row, sentence, 0.5, 1.0, 0.5, row + 1, row + 1, row + 1)
        read.append(ReadSentence(candidate, relevance, span, 0.5 if answer else None))
    return Reading(tuple(read), none=none, read=len(read))


def rows(question, before, text=RACE):
    after = named_first(question, before, article_from_text(text))
    return [read.candidate.row for read in after.sentences]


@pytest.mark.parametrize(
    "question", ["Who was cleared?", "who was cleared", "And who was cleared?", "Whom did they clear?"]
)
def test_who_is_answered_with_a_name_that_is_about_as_likely(question):
    assert rows(question, reading((0, 0.5, "A jockey"), (1, 0.3, "Rhona Quill"))) == [1, 0]


@pytest.mark.parametrize(
    ("question", "before"),
    [
        ("Who was cleared?", [(0, 0.6, "A jockey"), (1, 0.2, "Rhona Quill")]),  # less than half as likely
        ("What was cleared?", [(0, 0.5, "A jockey"), (1, 0.3, "Rhona Quill")]),
        ("Who was cleared?", [(1, 0.5, "Rhona Quill"), (2, 0.3, "Quill")]),
        ("Who is Rhona Quill?", [(0, 0.5, "A jockey"), (1, 0.3, "Rhona Quill")]),  # who has the name wants no name
        ("Who was cleared?", [(0, 0.5, "A jockey"), (3, 0.3, "Passers-by")]),  # its capital begins a sentence
        ("Who was cleared?", [(0, 0.5, "A jockey"), (1, 0.3, None)]),
        ("Who was cleared?", [(0, 0.5, None), (1, 0.3, "Rhona Quill")]),
        ("Who was cleared?", [(0, 0.5, "A jockey")]),
    ],
)
def test_otherwise_the_likeliest_stays_first(question, before):
    assert rows(question, reading(*before)) == [row for row, _, _ in before]


def test_a_single_name_that_begins_a_sentence_counts_where_the_article_has_it_inside_one():
    before, text = [(0, 0.5, "A jockey"), (1, 0.3, "Quill")], "A jockey was cleared. Quill broke no rule."
    assert rows("Who was cleared?", reading(*before, text=text), text) == [0, 1]
    text += " They cheered Quill."
    assert rows("Who was cleared?", reading(*before, text=text), text) == [1, 0]


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3))
def test_the_relevances_are_what_they_were_and_best_first(relevances):
    best, other, third = sorted(relevances, reverse=True)
    before = reading((0, best, "A jockey"), (1, other, "Rhona Quill"), (2, third, "Quill"))
    after = named_first("Who was cleared?", before, article_from_text(RACE))
    assert [read.relevance for read in after.sentences] == [best, other, third]
    assert sorted(read.candidate.row for read in after.sentences) == [0, 1, 2]


@pytest.mark.parametrize(
    ("question", "others"),
    [
        ("Who did the ex-husband kill?", {"ex", "husband", "kill"}),
        ("Who was killed by her ex-husband?", {"ex", "husband"}),
        ("Who is the driver?", set()),  # the driver is the one asked for
        ("Who stars in the film?", {"film"}),  # and so is the star
        ("Who worked there as a nurse?", set()),
        ("What did the ex-husband do?", set()),
    ],
)
def test_by_which_words_somebody_else_is_told(question, others):
    assert others_in(question) == others


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        ("Leon Hart", True),
        ("her ex-husband Leon Hart", True),
        ("Mia Lund", False),
        ("Hart", False),  # cut in half; nothing stands before it that says who he is
    ],
)
def test_somebody_else_is_who_stands_after_such_a_word(answer, other):
    text = "Mia Lund was hit on Monday by her ex-husband Leon Hart."
    start = text.index(answer)
    others = others_in("Who did the ex-husband hit?")
    assert is_other(others, text, start, start + len(answer), low=0) is other
    assert not is_other(frozenset(), text, start, start + len(answer), low=0)


def test_a_word_before_a_comma_or_in_another_sentence_tells_nobody():
    others = others_in("Who told the driver?")
    for text in ("After the driver, Mia Lund spoke.", "It was the driver. Mia Lund spoke."):
        start = text.index("Mia")
        assert not is_other(others, text, start, start + 8, low=text.find(". ") + 2 if ". " in text else 0)


@pytest.mark.parametrize(
    ("found", "whole"),
    [("Mia", "Mia Anne Lund"), ("Mia Anne Lund", "Mia Anne Lund"), ("the vicar", "the vicar"), ("Lund", "Lund")],
)
def test_half_a_name_is_made_whole_after_its_first_part(found, whole):
    text = "On Monday Mia Anne Lund met the vicar."
    start = text.index(found)
    place = whole_name(text, start, start + len(found), high=len(text))
    assert text[slice(*place)] == whole


@given(st.text(max_size=60))
def test_any_question_can_be_looked_at(question):
    assert isinstance(asks_who(question), bool)
    assert is_other(others_in(question), "the driver Mia Lund", 11, 19, low=0) in (True, False)
