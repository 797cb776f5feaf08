"""Near misses made for training: each is a question that people could ask, and that its paragraph answers no more."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.traps import (
    changed_word,
    conditioned,
    denied,
    other_number,
    replaced,
    spliced,
    trap,
    without_span,
)

seeds = st.integers(0, 10_000)


@given(seeds)
def test_a_name_is_changed_for_another_of_the_paragraph(seed):
    change = changed_word("When did Ann Reed resign?", ["Ann Reed", "Bob Stone", "Reed"], [], random.Random(seed))
    assert change == ("Ann Reed", "Bob Stone")


@given(seeds)
def test_a_question_without_name_number_or_opposite_is_left_alone(seed):
    assert changed_word("Why?", ["Ann"], ["12"], random.Random(seed)) is None


@given(st.from_regex(r"[1-9][0-9]{0,5}(\.[0-9]{1,2})?", fullmatch=True), seeds)
def test_another_number_has_the_same_length_and_differs_in_one_digit(number, seed):
    other = other_number(number, random.Random(seed))
    assert len(other) == len(number)
    assert sum(a != b for a, b in zip(number, other, strict=True)) == 1


def test_only_whole_words_are_replaced():
    assert replaced("Ann met Anna and Ann's son.", ("Ann", "Eve")) == "Eve met Anna and Eve's son."


@given(seeds)
def test_denying_adds_one_word_and_denying_again_takes_it_away(seed):
    rng = random.Random(seed)
    question = "What did the town build near the river?"
    once = denied(question, rng)
    assert once is not None
    assert re.search(r"n't|not|never", once)
    assert denied(once, rng) == question


def test_a_condition_comes_from_another_question():
    found = conditioned("Who led the party in 1967?", ["Who fled to Brazil after the war?"], random.Random(1))
    assert found in {"Who led the party after the war?", "Who led the party in 1967 after the war?"}


def test_two_questions_are_joined_where_they_share_a_word():
    assert spliced("Who wrote the song?", ["Who sank the ship?"], random.Random(1)) == "Who wrote the ship?"
    assert spliced("Who wrote the song?", ["Where sank the ship?"], random.Random(1)) is None


@pytest.mark.parametrize(
    ("text", "answer", "left"),
    [
        ("The mill was sold in 1990, to a farmer.", "1990", "The mill was sold, to a farmer."),
        ("It was built by the king.", "the king", "It was built."),
        ("It was built by the king.", "king", "It was built."),
    ],
)
def test_an_emptied_sentence_loses_its_answer_and_the_words_that_led_to_it(text, answer, left):
    start = text.index(answer)
    assert without_span(text, start, start + len(answer)) == left


@given(seeds)
def test_a_trap_is_never_the_question_itself(seed):
    question = "Who was the first mayor of Ely in 1967?"
    near = ["Who was the owner of the old mill?", "What happened to the bridge after the flood?"]
    found = trap(question, names=["York", "Ely"], numbers=["1971"], near=near, rng=random.Random(seed))
    assert found is not None
    assert found != question
