"""qa/dialogue.py: which questions lean on what was said, what is searched for then, and how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dialogue import TURNS_SHOWN, Turn, content_words, leans_on_history, understand

FLOOD = Turn("When did the flood take the bridge?", "in one night")


@pytest.mark.parametrize(
    "question",
    [
        "Did he survive?",
        "What did she say?",
        "How old was her son?",
        "Where was it?",
        "Were they punished?",
        "And when?",
        "What about the old bridge?",
        "Why?",
        "Where?",
        "What happened next?",
        "Who else was hurt in the flood?",
        "Was that legal?",
        "Why did the town do that?",
        "What did the mayor do after that?",
        "Who lived there?",
        "how many",
        "the colour?",
        "How many people?",
        "Which bridge?",
        "In what town?",
        "And the driver?",
        "And the mayor's old driver?",
        "And how many people in the town?",
        "And what about the law?",
        "But why did she wait?",
        "And was the mayor?",
        "And?",
        "So what then?",
        "What happened?",
        "What will happen?",
        "Did the mayor?",
        "Was the driver?",
        "Why did the mayor?",
        "Why was the mayor?",
        "Has this happened before?",
        "Whose car?",
        "Which one?",
        "And the second one was?",
        "Which one shares a border with Velmond?",
        "Did the mayor like that one?",
        "What happened to the old ones?",
        "How much does the larger one cost?",
        "Where do older ones live?",
        "Would the blue one fit?",
        "Is there one?",
        "Did she hurt herself?",
        "By itself?",
    ],
)
def test_a_question_that_means_nothing_alone_leans_on_what_was_said(question):
    assert leans_on_history(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who rebuilt the bridge?",
        "How old must one be to rent a plot?",
        "Did more than one person drown in the flood?",
        "Who is one of the leaders of the strike?",
        "When did the river rise?",
        "Is it true that the bridge burned down?",
        "How long did it take to rebuild the bridge?",
        "How much does it cost to rent a plot?",
        "Was it raining when the bridge fell?",
        "Who is the man that rebuilt the bridge?",
        "Which bridge was built in 1953?",
        "Who was Carter?",
        "mayor rebuild town cost",
        "Is the inquest over?",
        "And who was arrested?",
        "But why did the council wait?",
        "So was the driver charged?",
        "And what's the verdict?",
        "Who died?",
        "who was carter",
        "Who was arrested?",
        "Who’s the mayor?",
        "What was the verdict?",
        "What's the verdict?",
        "What was stolen?",
        "When was the funeral?",
        "Where is the driver now?",
        "Was there a petition?",
        "Weren't there any witnesses?",
        "What did the mayor say?",
        "How many were hurt?",
        "How many died?",
        "What is this article about?",
        "Why couldn’t the mayor carry on herself?",
        "Who blamed himself?",
    ],
)
def test_a_question_that_says_what_it_is_about_stands_alone(question):
    assert not leans_on_history(question)


def test_a_question_that_stands_alone_is_searched_for_as_it_is():
    understood = understand("Who rebuilt the bridge?", [FLOOD])
    assert (understood.search, understood.shown, understood.turns) == ("Who rebuilt the bridge?",) * 2 + ((),)


def test_without_earlier_turns_every_question_stands_alone():
    assert understand("Did he survive?", []).search == "Did he survive?"


def test_a_leaning_question_is_searched_for_with_the_content_words_of_the_turn_before():
    """Of "When did the flood take the bridge?" and "in one night": flood, take, bridge, night."""
    understood = understand("And why?", [FLOOD])
    assert understood.search == "flood take bridge one night And why?"
    assert understood.shown == "And why? (after: When did the flood take the bridge?)"
    assert understood.turns == (FLOOD,)


def test_words_that_the_question_has_already_are_not_searched_for_twice():
    assert understand("Was it a new bridge?", [FLOOD]).search.lower().split().count("bridge") == 0 + 0
    assert understand("Was it a new bridge?", [FLOOD]).search.count("bridge") == 1


def test_a_chain_of_leaning_questions_reaches_back_to_the_one_that_says_what_it_is_about():
    history = [Turn("Who was Jane Carter?", "the mayor"), Turn("Was she hurt?", "nobody was hurt")]
    assert "Carter" in understand("And when?", history).search


def test_the_reader_sees_only_the_last_turns():
    history = [Turn(f"Who was number {n} in the line?", "a man") for n in range(9)]
    assert understand("And why?", history).turns == tuple(history[-TURNS_SHOWN:])


@pytest.mark.parametrize(
    ("question", "history", "shown"),
    [
        ("Did he survive?", [Turn("Who drove the car?", "Leon Hart")], "Did Leon Hart survive?"),
        ("Did he survive?", [Turn("What did Leon Hart drive?", "a car")], "Did Leon Hart survive?"),
        ("What was his job?", [Turn("Who drove the car?", "Leon Hart")], "What was Leon Hart’s job?"),
        ("What was his job?", [Turn("Who drove the car?", "Tom Evans")], "What was Tom Evans’ job?"),
        ("Did they arrest him?", [Turn("Who drove the car?", "Leon Hart")], "Did they arrest Leon Hart?"),
        ("Did they help her at once?", [Turn("Who was hit?", "Ann Lee")], "Did they help Ann Lee at once?"),
        ("Where was her house?", [Turn("Who was hit?", "Ann Lee")], "Where was Ann Lee’s house?"),
        ("Did she die?", [Turn("Who was hit?", "Mrs Lee")], "Did Mrs Lee die?"),
        ("Did she die?", [Turn("What was her name?", "Ann Lee")], "Did Ann Lee die?"),
        ("Did he die?", [Turn("Who was he?", "Leon Hart")], "Did Leon Hart die?"),
        ("Did he die?", [Turn("What was he called?", "Leon Hart")], "Did Leon Hart die?"),
        ("Why did he go?", [Turn("Who hit her?", "Leon Hart")], "Why did Leon Hart go?"),
        ("Did he die?", [Turn("Why did Leon Hart say he was ill?", "")], "Did Leon Hart die?"),
    ],
)  # fmt: skip
def test_a_pronoun_becomes_the_only_name_that_fits(question, history, shown):
    assert understand(question, history).shown == shown


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("Did he survive?", [Turn("Who met?", "Leon Hart and Ann Lee")]),  # either could be meant
        ("Did he survive?", [Turn("Where was the crash?", "in Maida Vale")]),  # a place
        ("Did he survive?", [Turn("Where did the car crash?", "Maida Vale")]),  # a place again: nobody was asked for
        ("Did he survive?", [Turn("Who was hit?", "Mrs Lee")]),  # "he" is not Mrs Lee
        ("Did he hit her?", [Turn("Who drove the car?", "Leon Hart")]),  # two people, one name
        ("Did he know Ann Lee?", [Turn("Who drove the car?", "Leon Hart")]),
        ("Did he survive?", [Turn("Who stabbed him?", "Leon Hart")]),  # who was stabbed, or who stabbed?
        ("Where was his house?", [Turn("Does Leon Hart agree with him?", "")]),
        ("Where was her house?", [Turn("Did she know Ann Lee?", "")]),
        ("Whom did he hit?", [Turn("Who is she?", "Dot Pike")]),
        ("When did he score?", [Turn("Who scored for Eastmoor?", "Novak")]),  # Eastmoor is a team
        ("Where was it?", [Turn("Who drove the car?", "Leon Hart")]),  # "it" is nobody
    ],
)
def test_where_a_name_would_be_a_guess_the_turn_before_is_shown_instead(question, history):
    assert understand(question, history).shown == f"{question} (after: {history[-1].question})"


def test_content_words_keep_their_order_and_come_once():
    assert content_words("The bridge, the old Bridge and Carter's bridge of 1953!") == [
        "bridge",
        "old",
        "Carter's",
        "1953",
    ]


TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from("he she it And Who Leon Hart Mrs Lee was hit that's there 's his her ? . ’".split()), max_size=9
).map(" ".join)


@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS).map(lambda pair: Turn(*pair)), max_size=3))
def test_whatever_is_said_the_question_itself_is_searched_for(question, history):
    understood = understand(question, history)
    assert understood.search.endswith(understood.shown) or question.strip() in understood.search
    assert understood.turns in ((), tuple(history[-TURNS_SHOWN:]))
