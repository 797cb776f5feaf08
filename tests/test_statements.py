"""Whose a statement is that "said" something: who made it, whom "he" means, and nobody where two could be meant."""

import pytest

from index.sentences import split_sentences
from qa.speakers import quotations
from qa.statements import author_of, is_thing

SAID = ['The statement said: "I never saw the gate."', '"I heard a dog, and I went back to bed."']


def whose(*paragraphs: str) -> str:
    """The speaker of the last sentence of an article."""
    sentences = split_sentences("\n\n".join(paragraphs))
    found = quotations([s.text for s in sentences], [s.paragraph for s in sentences])
    return found[-1].speaker if found[-1] else ""


@pytest.mark.parametrize(
    ("before", "author"),
    [
        (["The ferryman released a short statement on Monday."], "The ferryman"),
        (["Ines Mora, 41, later issued a statement through the union."], "Ines Mora"),
        (["A statement from Ines Mora, the harbour's owner, came at noon."], "Ines Mora"),
        (["A crowd cheered the ferryman in the square.", "He was held and then made a statement."], "the ferryman"),
        (["The ferryman was cleared last week.", "Through his lawyer he issued a statement."], "The ferryman"),
        (["Mr Tom Reed was cleared.", "He issued a statement at noon."], "Mr Tom Reed"),
        (["Mora issued a statement."], "Mora"),
        (["Ines Mora, through her lawyer, Tom Reed, issued a statement."], "Ines Mora"),
        (["The union released a statement on behalf of Ines Mora."], "Ines Mora"),
        (["The goalkeeper was banned.", "The union released a statement on his behalf."], "The goalkeeper"),
    ],
)  # fmt: skip
def test_a_statement_is_said_by_whoever_made_it(before, author):
    assert whose(*before, *SAID) == author


@pytest.mark.parametrize(
    "before",
    [
        ["It rained all day."],
        ["The ferryman met the baker on the quay.", "He issued a statement at noon."],
        ["Mrs Mora waited at home.", "He issued a statement at noon."],
        ["Thousands of letters came from the harbour.", "He issued a statement at noon."],
        ["The harbour company issued a new timetable."],
        ["The port released a statement on the arrest of Tom Reed."],
        ["The port published a statement about Ines Mora, a swimmer."],
        ["Ines Mora's lawyer issued a statement."],
        ["Ines Mora was given a statement."],
        ["Ines Mora has not issued a statement."],
        ["The driver, who was held after a witness gave a statement, went home."],
        ["The soldier wrote a letter.", "It rained."],
        ["Tom Reed issued a statement.", "Mr Lund met Mr Mora.", "He issued a statement."],
        ["Yesterday Police met.", "It was an account of the murder."],
    ],
)
def test_where_nobody_or_two_could_be_meant_it_stays_the_statement(before):
    assert whose(*before, *SAID) == "The statement"


def test_the_same_statement_has_the_same_author_further_down():
    found = whose(
        "The ferryman issued a statement.",
        '"I was asleep," the statement said.',
        "Police searched the quay.", "They found a rope.", "It was wet.", "Nobody came.", "The tide was out.",
        '"I heard a dog," the statement went on. "I went back to bed."',
    )  # fmt: skip
    assert found == "The ferryman"


def test_a_lawyers_statement_is_the_lawyers():
    assert author_of("the lawyer's statement", ['"He is ill," the lawyer\'s statement said.'], 0).name == "the lawyer"


@pytest.mark.parametrize(("speaker", "wanted"), [("the statement", True), ("her e-mail", True), ("Ines Mora", False)])
def test_what_is_a_thing_that_says_something(speaker, wanted):
    assert is_thing(speaker) is wanted


def test_no_text_is_too_long_to_look_through():
    long = "The keeper of the " + "very " * 20_000 + "old lighthouse issued a statement."
    assert author_of("the statement", [long, "The statement said nothing."], 1) is not None
