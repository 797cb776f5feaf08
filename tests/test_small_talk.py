"""What asks nothing of an article is told apart from what does, by examples."""

import pytest

from qa.answer import hear
from qa.dialogue import Turn


def complaint(text, history=()):
    return hear(text, history).complaint


@pytest.mark.parametrize(
    "text",
    ["Thanks!", "thank you very much", "Hello", "hi there", "Good morning!", "OK", "ok thanks", "yes", "Wow, great"],
)
def test_small_talk_is_no_question(text):
    assert complaint(text) == "There is no question in that. Type one about the article."
    assert complaint(text, [Turn("Who died?", "Mia Lund.")]) == complaint(text)


@pytest.mark.parametrize(
    "text",
    [
        "Is there a lot?", "Who said thanks?", "How many?", "So what?", "What happened in the morning?", "good?",
        "Thanks to whom was she saved?", "night", "Hello Kitty", "very much so?",
    ],
)  # fmt: skip
def test_a_question_with_the_same_words_is_one(text):
    assert complaint(text, [Turn("Who died?", "Mia Lund.")]) is None


@pytest.mark.parametrize("text", ["a", "who", "Why?", "the", "x"])
def test_a_small_word_alone_says_too_little_unless_it_goes_on_from_a_turn(text):
    assert complaint(text) == f"“{text.strip('?')}” alone says too little. Add what it is about."
    assert complaint(text, [Turn("Who died?", "Mia Lund.")]) is None


@pytest.mark.parametrize("text", ["7", "Prosser", "2019", "fire"])
def test_a_number_or_a_word_that_says_something_can_be_looked_for(text):
    assert complaint(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "summarize", "Summarise this article", "Can you give me a summary?", "tl;dr", "TLDR please", "sum it up",
        "Give me the main points of the article", "a short summary in two sentences", "Could you sum up?",
        "i want a brief overview",
    ],
)  # fmt: skip
def test_a_wish_for_a_summary_is_told_what_this_is(text):
    assert complaint(text).startswith("Only sentences of the article are shown here, and no summary is written.")


@pytest.mark.parametrize(
    "text",
    [
        "Who wrote the summary?", "What was the gist of her speech?", "Did he summarise the findings?",
        "What sum did they pay?", "What is the summary of evidence?", "What are the main points of the treaty?",
        "summary judgment", "Tell me about the overview committee",
    ],
)  # fmt: skip
def test_a_question_about_a_summary_is_a_question(text):
    assert complaint(text) is None
