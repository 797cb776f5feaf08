"""What a question takes for granted, held against a text: numbers, denials, opposites, by examples and by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_from_text
from index.build import build_index
from qa.contradiction import asks_yes_or_no, held_against, opposed, premises, undenied
from qa.opposites import opposites

DROUGHT = "In 2010 the forest had another severe drought, worse than that of 2005. Twelve towns ran dry."


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("In what year was there a mild drought?", ("mild", "severe")),
        ("In what year was there a severe drought?", None),
        ("Was it a mild drought?", None),  # it asks, and takes nothing for granted
        ("Which drought was mild and which severe?", None),
        ("In what year was there a drought?", None),
        ("Which drought was better?", ("better", "worse")),
        ("How mild was the drought?", None),  # takes no degree for granted
    ],
)
def test_a_word_is_opposed_where_the_sentence_has_its_opposite_in_its_place(question, found):
    assert opposed(premises(question, DROUGHT), DROUGHT.split(". ")[0]) == found


def test_a_verb_is_opposed_in_whatever_form_the_text_has_it():
    premised = premises("When did the council accept her offer?", "")
    assert opposed(premised, "In 2019 the council rejected her offer.") == ("accept", "rejected")
    assert opposed(premised, "In 2019 it accepted what it had rejected.") is None


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Where do most people live?", "At least half of them live in London."),
        ("Which country was first to sign?", "Ghana signed last week, ahead of the others."),
        ("What happened last Friday?", "It was the first attack in weeks."),
        ("How long did the trial last?", "It was the first of its kind and took two weeks."),
        ("What did the old man say?", "He told BBC News that he was fine."),
        ("How much heavy rain fell?", "The lights went out."),
        ("How many people lost money?", "The scheme that he founded failed."),
        ("What happened in New York?", "Old ships were burnt."),  # a name
        ("What kind of car was it?", "A cruel one."),
        ("What is not allowed?", "Dogs are banned."),  # denied, the opposite says the same
        ("Which dish isn't popular?", "The unpopular one is herring."),
        ("Tell me whether he accepted the offer.", "He rejected it."),  # it asks, and takes nothing for granted
        ("I want to know if prices rose.", "Prices fell."),
        ("He accepted the offer, right?", "He rejected it."),
        ("The offer was accepted, wasn't it?", "It was rejected."),
        ("Please, was the offer accepted?", "It was rejected."),
    ],
)
def test_an_ordinary_question_is_not_opposed_by_a_word_that_only_looks_like_the_opposite(question, sentence):
    assert opposed(premises(question, sentence), sentence) is None


@pytest.mark.parametrize(
    ("question", "wants"),
    [
        ("Did he go?", True),
        ("Please, did he go?", True),
        ("Tell me whether he went.", True),
        ("I want to know if he went", True),
        ("Tell me whether or not he went.", True),
        ("He went, didn't he?", True),
        ("Who decided whether the bridge was safe?", False),
        ("When did she ask if the train had left?", False),
        ("Who went, and when?", False),
    ],
)
def test_what_wants_yes_or_no_is_told_from_what_wants_more(question, wants):
    assert asks_yes_or_no(question) is wants


def test_an_opposite_counts_both_ways_though_its_other_forms_mislead():
    assert opposed(premises("When was the company dissolved?", ""), "It was founded in 1990.") == (
        "dissolved",
        "founded",
    )


def test_the_opposite_is_quoted_as_the_sentence_writes_it():
    assert opposed(premises("Which drought was mild?", ""), "SEVERE DROUGHT IN THE NORTH") == ("mild", "SEVERE")


def test_a_word_that_stands_beside_is_not_opposed():
    premised = premises("Which drought was mild?", DROUGHT)
    assert opposed(premised, "The severe one was in 2010.", ["The mild one was in 2005."]) is None
    assert opposed(premised, "The severe one was in 2010.", ["So it was said."]) == ("mild", "severe")


@pytest.mark.parametrize(
    ("question", "sentence", "alone"),
    [
        ("When did the court find that it did not infringe?", "In July the court found that it infringed.", True),
        ("When did the court find that it didn’t infringe?", "In July the court found that it infringed.", True),
        ("Why was the money never collected?", "The crew refused to pay.", False),
        ("Why did he not go?", "He was unable to walk.", False),
        ("Who failed to answer?", "The mayor lacked the papers.", False),
        ("Who answered?", "The mayor answered.", False),
        ("Why didn't he resign?", "He wanted to finish the job.", False),  # what he did instead answers it
        ("What was the reason that he did not come?", "He was in hospital.", False),
        ("Who didn't survive the crash?", "The pilot was killed.", False),
        ("What isn't only cheap but good?", "In the harbour it is cheap and good.", False),
        ("Where is it not only cheap but good?", "In the harbour it is cheap and good.", False),
        ("The stabbing didn't happen indoors, did it?", "He stabbed her in the street.", False),
    ],
)
def test_a_denial_stands_alone_where_the_sentence_denies_nothing(question, sentence, alone):
    assert undenied(premises(question, sentence), sentence) is alone


def test_each_sentence_is_held_against_the_question_with_its_neighbours(encoder):
    text = "The river rose in May. It fell in June. Nobody was hurt. The bridge was built in 1953."
    article_index = build_index(article_from_text(text), encoder)
    held = held_against("When did the river not fall in 1960?", article_index, [0, 1, 2, 3])
    assert held.premises.strange_numbers == ("1960",)
    assert held.undenied == [True, True, False, True]
    held = held_against("When did the river rise and what fell?", article_index, [0])
    assert held.opposed == [None]


def test_opposites_go_both_ways_and_no_word_is_its_own():
    table = opposites()
    assert all(word in table[other] for word, others in table.items() for other in others)
    assert all(word not in others for word, others in table.items())


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_question_can_be_held_against_any_text(question, text):
    premised = premises(question, text)
    assert opposed(premised, text, [text]) is None  # a text that has the word does not oppose it beside itself
    assert set(premised.strange_numbers).isdisjoint({text})
    assert undenied(premised, text) in (True, False)


@given(st.sampled_from(sorted(opposites())))
def test_a_question_is_never_opposed_by_its_own_words(word):
    assert opposed(premises(f"Which was {word}?", ""), f"It was {word}.") is None
