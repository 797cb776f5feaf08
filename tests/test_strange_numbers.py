"""Numbers of a question that a text gives or does not give, by the many ways of writing them, and by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.strange_numbers import strange_numbers


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What happened in 2010?", "In 2010 it burnt."),
        ("Which 12 towns ran dry?", "Twelve towns ran dry."),
        ("How did the 30 people die?", "Thirty people died."),
        ("Who were the 25 men?", "Twenty-five men came."),
        ("What of the 22nd man?", "The twenty second man fell."),
        ("Who has 100 sheep?", "He has a hundred sheep."),
        ("Who are the 2 men?", "Both men left."),
        ("What did he do 2 times?", "He fell twice."),
        ("Who walked 350 miles?", "She walked three hundred and fifty miles."),
        ("What of 2008?", "It was in two thousand and eight."),
        ("What happened in 1984?", "It was in nineteen eighty-four."),
        ("Who counted 12,340 birds?", "He counted twelve thousand three hundred and forty birds."),
        ("Who paid 50%?", "They paid fifty per cent."),
        ("Who paid $1,200,000?", "She paid 1.2 million dollars."),
        ("Who paid 1.2m?", "She paid $1,200,000."),
        ("Where do 5m people live?", "Five million people live there."),
        ("Where are 3.50 euros paid?", "It costs 3.5 euros."),
        ("Who paid 500 rupees?", "He paid Rs500."),
        ("What opened at 10:30?", "At 10.30am it opened."),
        ("What opened at 10.00am?", "It opened at 10am."),
        ("What happened on 05/05/2010?", "It was on 5 May 2010."),
        ("What opened on 24/01?", "It opened on 24 January."),
        ("What was worn in the 1980s?", "In the '80s hats were worn."),
        ("What was worn in the 80s?", "In the 1980s hats were worn."),
        ("What happened in '08?", "In 2008 it closed."),
        ("What ended in 2012?", "It went on in 2010-12."),
        ("Who fought in 1939-45?", "It lasted from 1939 to 1945."),
        ("When was world war 2?", "World War II began in 1939."),
        ("What is the A320?", "A jet."),  # a name, not a number
        ("was it dry b4 noon", "It was dry."),
        ("What are the top 5 reasons?", "It was cold."),  # how much is wanted, not what is so
        ("Tell it in 10 words", "It was cold."),
        ("1) Who won?", "She won."),
        ("Who is the 1 man?", "A man."),
    ],
)
def test_a_number_is_given_in_whatever_way_it_is_written(question, text):
    assert strange_numbers(question, text) == ()


@pytest.mark.parametrize(
    ("question", "text", "strange"),
    [
        ("What happened in 2011?", "In 2010 it burnt.", ("2011",)),
        ("Which 13 towns ran dry?", "Twelve towns ran dry.", ("13",)),
        ("Was it 20 miles or 2005 miles?", "It was 2005 miles.", ("20",)),  # not the beginning of another
        ("What opened at 10:45?", "At 10.30am it opened.", ("10:45",)),
        ("What happened on 05/05/2011?", "It was on 5 May 2010.", ("2011",)),
        ("Who has 40 sheep and 40 goats?", "He has sheep.", ("40",)),  # each once
        ("Who paid 7m and 9 pounds?", "She paid 8 million.", ("7m", "9")),
        ("What was worn in the 1970s?", "In the '80s hats were worn.", ("1970",)),
    ],
)
def test_a_number_that_the_text_gives_in_no_way_is_strange(question, text, strange):
    assert strange_numbers(question, text) == strange


@given(st.integers(0, 10**12), st.sampled_from(["{}", "{:,}", "no. {}", "{}.0", "${:,}m"]))
def test_a_text_gives_the_numbers_that_stand_in_it(number, form):
    assert strange_numbers(f"Who had {number}?", f"They had {form.format(number)} of it.") == ()


@given(st.text(max_size=80), st.text(max_size=200))
def test_what_is_strange_stands_in_the_question(question, text):
    assert all(number in question.lower() for number in strange_numbers(question, text))
    assert strange_numbers(question, question + " " + text) == ()
