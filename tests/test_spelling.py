"""Misspelt words of a question become the article's; everything else stays as it was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_from_text
from qa.spelling import mended, vocabulary

ARTICLE = article_from_text(
    "The police in Beijing said Ms. Schumacher's driver caused the fatalities. The Defense Secretary had no comment. "
    "The judge heard that the bridge was closed on Monday."
)
ENGLISH = frozenset("what did the police decide who drive house badge bride hear about moon".split())


def asked(question: str, unmentioned: list[str]) -> str:
    return mended(question, unmentioned, lambda: vocabulary(ARTICLE), known=ENGLISH.__contains__)


@pytest.mark.parametrize(
    ("question", "unmentioned", "meant"),
    [
        ("wat did the polic say", ["wat", "polic"], "wat did the police say"),
        ("What is a Bejing-based O'Polise?", ["Bejing-based", "O'Polise"], "What is a Beijing-based O'Polise?"),
        ("How many fatalties in Bejing?", ["fatalties", "Bejing"], "How many fatalities in Beijing?"),
        ("Where is Shumacher's car?", ["Shumacher"], "Where is Schumacher's car?"),
        ("What did the Defence Secretary say?", ["Defence"], "What did the Defense Secretary say?"),
    ],
)
def test_a_slip_becomes_the_word_that_the_article_has(question, unmentioned, meant):
    assert asked(question, unmentioned) == meant


@pytest.mark.parametrize(
    ("question", "unmentioned"),
    [
        ("Who stole the badge?", ["stole", "badge"]),  # English, though one letter from "bridge" and "judge"
        ("What did Obama say?", ["Obama"]),  # nothing in the article is like it
        ("Who is Xi?", ["Xi"]),  # too short to tell
        ("When did the police act?", []),
        ("What about xPolicez3?", ["xPolicez3"]),
        ("", []),
    ],
)
def test_a_word_that_is_merely_absent_stays(question, unmentioned):
    assert asked(question, unmentioned) == question


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_only_words_called_unmentioned_can_change_and_only_into_words_of_the_article(question, unmentioned):
    found = asked(question, unmentioned)
    if found != question:
        assert any(word in question for word in unmentioned)
        assert set(found.split()) - set(question.split()) <= {
            piece for piece in found.split() if any(w in piece for ws in vocabulary(ARTICLE).values() for w in ws)
        }


def test_the_words_of_an_article_are_only_gathered_for_a_doubtful_word():
    def never():
        raise AssertionError("gathered")

    assert mended("Who did it?", ["it"], never) == "Who did it?"


def test_the_dictionary_knows_english_and_not_its_misspellings():
    words = vocabulary(article_from_text("The police said the badger was found."))
    assert mended("polic badge", ["polic", "badge"], lambda: words) == "police badge"


def test_a_slip_gets_no_capital_where_the_article_writes_the_word_without_one_too():
    words = vocabulary(article_from_text("Minutes of the Meeting in Beijing. The last meeting was short."))
    meant = mended("Was the meetng in bejing?", ["meetng", "bejing"], lambda: words, known=lambda _: False)
    assert meant == "Was the meeting in Beijing?"


def test_a_follow_up_to_a_misspelt_question_is_understood_by_the_word_that_was_meant(open_toy, small_article):
    answerer = open_toy(small_article)
    first = answerer.ask("When did the riverr rise?")
    assert answerer.ask("And why?", [first.turn]).understood == "And why? (after: When did the river rise?)"


def test_an_answer_says_how_a_misspelt_question_was_understood(open_toy, small_article):
    answer = open_toy(small_article).ask("When did the riverr rise?")
    assert answer.question == "When did the riverr rise?"
    assert answer.understood == "When did the river rise?"
    assert "riverr" not in answer.unmentioned
