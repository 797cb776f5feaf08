"""Who is quoted: carried on over sentences and paragraphs, back to one before, and nobody where nobody is known."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import split_sentences
from qa.speakers import quotations, said_by, speakers, straightened, stretch_of, told_speaker


def who(*paragraphs: str) -> list[str]:
    sentences = split_sentences("\n\n".join(paragraphs))
    return speakers([sentence.text for sentence in sentences], [sentence.paragraph for sentence in sentences])


RUNNING = (
    "Superintendent Ines Mora said: “We have spoken to everyone who was on the pier.",
    "“The keeper is a witness and will be helped. He has been told so.",
    "“We still ask for photographs.”",
    "Hundreds of people wrote to the paper.",
)


def test_a_quotation_that_runs_on_over_paragraphs_keeps_its_speaker_to_its_end():
    mora = "Superintendent Ines Mora"
    assert who(*RUNNING) == ["", mora, mora, mora, ""]


def test_straight_marks_say_the_same_as_typeset_ones():
    assert who(*map(straightened, RUNNING)) == who(*RUNNING)


def test_single_marks_are_marks_where_there_are_no_others():
    found = who(
        "Ines Mora told the inquest: 'I was on the pier at 6pm.",
        "'The keeper's boat was gone. It's a fast one.'",
        "The Moras' house is shut. It was sold.",
    )
    assert found == ["", "Ines Mora", "Ines Mora", "", ""]


def test_a_statement_that_is_read_out_is_said_by_the_statement():
    found = who(
        "Read by his solicitor, Tom Reed, who has acted for the harbour's owners, the statement said: “I am no thief.",
        "“I saw the boat drift and went after it.”",
    )
    assert found == ["", "the statement"]


def test_who_is_named_after_the_first_sentence_says_the_first_too():
    assert who('"I ran as far as the mill." "It was dark," said Ines Mora. "I heard the water."') == [
        "Ines Mora", "", "Ines Mora",
    ]  # fmt: skip


def test_somebody_brought_in_by_role_and_name_speaks_next_and_not_whoever_spoke_before():
    found = who(
        "“We were the better side,” said Alderwick manager Ruth Lund. “It was onside.”",
        "Her opposite number, Graham Reed, was less happy. “It was a foul,” he said. “I told the referee so.”",
    )
    assert found == ["", "Alderwick manager Ruth Lund", "", "Graham Reed", "Graham Reed"]


def test_a_statement_that_it_is_called_is_said_by_whoever_it_was_read_for():
    found = who(
        "The site manager said: “The crane was sound. We checked it.”",
        "Outside, the family's solicitor, Ines Mora, read a statement on behalf of Callum's mother, Denise.",
        "“I want to know why my son was up there,” it said. “I have waited a year.”",
        "“He was nineteen.”",
    )
    assert found == ["", "The site manager", "", *["Callum's mother, Denise"] * 3]


def test_a_conversation_written_down_has_its_speakers():
    found = who(
        "Reporter: What did you see? Were you afraid?",
        "Mora: I saw the boat. It was on its side.",
        "Reporter: And then? Who came?",
        "Mora: Nobody came. I rowed out.",
    )
    assert found == ["", "Reporter", "", "Mora", "", "Reporter", "", "Mora"]


@pytest.mark.parametrize("labels", [("Note", "Warning"), ("Q", "A"), ("Mora", "Mora"), ("Date", "Subject")])
def test_labels_are_nobody(labels):
    one, other = labels
    lines = [f"{label}: The valve is hot. Wait for an hour." for label in (one, other, one, other)]
    assert set(who(*lines)) == {""}


def test_nobody_with_a_role_is_it():
    assert who("The chaplain, Ines Mora, read it out at noon.", "“I signed for the engines,” it said.") == ["", ""]


def test_a_pronoun_is_who_spoke_last():
    assert who('"We ran," said Ines Mora.', '"Nobody helped us at all," she said.') == ["", "Ines Mora"]


def test_two_speakers_are_kept_apart():
    found = who(
        '"The lock was broken," said Ines Mora. "I told them twice."',
        '"Nobody ever told us anything," said Tom Reed. "The lock was new."',
        '"It was tested in the spring."',
    )
    assert found == ["", "Ines Mora", "", "Tom Reed", "Tom Reed"]


def test_what_somebody_said_without_marks_leads_on_to_what_is_quoted():
    assert who("Reed told Radio Vasko that he had slept.", '"I woke up in the water and swam."') == ["", "Reed"]


def test_a_name_between_commas_is_found():
    assert who('Ines Mora, 41, who keeps the lock, said: "I told them. They laughed at all of it."')[1] == "Ines Mora"


@pytest.mark.parametrize(
    "paragraphs",
    [
        ("The book “The Last Lock” sold well. It cost £3.",),  # a title is no speech
        ("“I ran as far as the mill and waited there.”",),  # nobody is named at all
        ("Ines Mora said so.", "The lock is old.", "The weir is new.", "“I ran as far as the mill and waited.”"),
        ("He was told to go.", "The mill is shut."),
    ],
)
def test_where_nobody_is_quoted_or_known_nobody_is_named(paragraphs):
    assert not any(who(*paragraphs))


def test_a_sentence_that_has_the_name_is_not_told_it_again():
    assert who("“Mora is my name, and I keep the lock,” said Ines Mora. “Mora the keeper, they call me.”") == ["", ""]


@given(st.lists(st.tuples(st.text(), st.booleans()), max_size=12))
def test_any_text_has_one_entry_a_sentence(sentences):
    texts = [text for text, _ in sentences]
    paragraphs = [sum(ends for _, ends in sentences[:number]) for number in range(len(sentences))]
    found = speakers(texts, paragraphs)
    assert len(found) == len(texts)
    assert all(len(name) <= 60 for name in found)


@given(st.text())
def test_straightening_moves_nothing(text):
    assert len(straightened(text)) == len(text)


def test_what_stands_before_a_sentence():
    assert (said_by("Ines Mora"), said_by("")) == ("Ines Mora said:", "")


def test_a_paragraph_number_for_every_sentence_is_wanted():
    with pytest.raises(ValueError, match="2 sentences and 1 paragraph numbers"):
        speakers(["a", "b"], [0])


@pytest.mark.parametrize(
    ("paragraphs", "last"),
    [
        (("Hugh Barlow, a critic, said the envoy was wrong.", "“You never send flowers to me.”"), "Hugh Barlow"),
        (("“It fell,” said the former prime minister. “We all saw it fall.”",), "the former prime minister"),
        (("“We ran,” said Ann Lee.", "“It fell on us,” said Şahin Öz. “We ran to the mill.”"), "Şahin Öz"),
        (("“We ran,” said Ann Lee.", "Lee's lawyer beamed: “We won.”", "“It was a long wait for all of us.”"), ""),
        (("“We ran,” said Ann Lee.", "Police Inquiry", "“It fell on us at noon.”"), "Ann Lee"),
        (("“We ran,” said Mrs Lee.", "“It fell on us at noon,” he said."), ""),
        (("“We ran,” Ann Lee sang. “It fell on us at noon.”",), "Ann Lee"),
        (("J.K. Moran said: “We ran. It fell on us.”",), "J.K. Moran"),
        (("“We ran,” said Ann Lee.", "It has a 3.5\" screen. It costs a lot."), ""),
        (("“We ran,” said Ann Lee.", "Watch the flood come in »", "“It fell on us all at noon.”"), "Ann Lee"),
        (("“We ran,” said Ann Lee.", "Watch “the long flood of 1953” »"), ""),
        (("“We ran,” said Ann Lee.", "Films such as “Toy Story” and “The Long Way Home” made her rich."), ""),
    ],
)  # fmt: skip
def test_who_is_quoted_last(paragraphs, last):
    assert who(*paragraphs)[-1] == last


@pytest.mark.parametrize(
    "text", ["," * 1000, "A." * 500, "O'B-C." * 160, "the a " * 160, '"a ' * 300, "said " * 200, '"We ran on. ']
)
def test_no_text_takes_long(text):
    """Such sentences took half a minute of a processor's time once and take a second; how busy it is does not count."""
    began = time.process_time()
    assert len(speakers([text] * 200, [0] * 200)) == 200
    assert time.process_time() - began < 20


def sure(*paragraphs: str) -> list[str]:
    sentences = split_sentences("\n\n".join(paragraphs))
    found = quotations([sentence.text for sentence in sentences], [sentence.paragraph for sentence in sentences])
    return [one.speaker if one and one.sure else "" for one in found]


@pytest.mark.parametrize(
    ("paragraphs", "last"),
    [
        (("Mora said: “The bridge is old.", "“The river rose.”"), "Mora"),
        (("“The bridge is old,” said Mora. “The river rose.”",), "Mora"),
        (("Mora said: “The bridge is old.", "“The river rose.” The crowd cheered. “We won the cup at last!”"), ""),
        (("Tom Reed died on Monday. His widow wept. “He was a good man and a friend.”",), ""),  # not the dead man
        (("New York was hot on Monday. “It was the worst day of my life.”",), ""),
        (("The mayor asked Ines Mora what happened. “We ran to the mill.”",), ""),
        (("“It rained,” said Ines Mora. Her deputy shook his head. “It was fine on Monday.”",), ""),
        (("“We ran,” said Ann Lee. A second witness took the stand. “I heard a shot.”",), ""),
        (("Ines Mora confirmed that Reed told her: “You took it. I saw you with it.”",), ""),
        (("Ann Lee was told by Judge Tom Reed: “You lied. You will go now.”",), ""),
        (("Ines Mora called it “the flood of 1953”. It rose on Monday. The mill fell.",), ""),
        (("Tom Reed said: “She told us ‘go home’”. The river rose on Monday.",), ""),
        (("Tom Reed said the road was \"Route 66\". It was built in 1930.",), ""),
    ],
)  # fmt: skip
def test_a_speaker_is_sure_where_a_verb_of_saying_names_her_beside_what_runs_on(paragraphs, last):
    assert sure(*paragraphs)[-1] == last


def test_the_speaker_is_named_at_whole_words():
    text = "In Leeds, “we ran to the mill,” said Lee. “It was dark in there.”"
    assert told_speaker(split_sentences(text), 1) == (text.index("Lee."), text.index("Lee.") + 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The pier's keeper, Ines Mora, said: “We ran.\n\n“It fell on us.”", "The pier's keeper, Ines Mora"),
        ("“We ran,” said the pier's keeper, Ines Mora. “It fell on us.”", "the pier's keeper, Ines Mora"),
        ("Ines Mora, Leeds, said: “We ran.\n\n“It fell on us.”", "Ines Mora"),
        ("The keeper, who saw it, said: “We ran.\n\n“It fell on us.”", "The keeper"),
    ],
)
def test_a_role_is_told_with_the_name_beside_it(text, told):
    start, end = told_speaker(split_sentences(text), 1)
    assert text[start:end] == told


@pytest.mark.parametrize("before", [0, 230, 1000])
def test_who_speaks_is_found_as_far_down_as_the_article_goes(before):
    text = "\n\n".join([*["It rained."] * before, "Mora said: “The bridge is old.", "“The river rose.”", "It rained."])
    sentences = split_sentences(text)
    assert stretch_of(sentences, before + 1)[before + 1] == "Mora"
    start, end = told_speaker(sentences, before + 1)
    assert (text[start:end], start) == ("Mora", text.index("Mora"))
    assert told_speaker(sentences, before + 2) is None


def test_the_stretches_of_an_article_are_all_its_sentences():
    sentences = split_sentences("\n\n".join(["“The river rose again,” said Mora. “It fell.”"] * 250))
    rows = [row for first in range(0, len(sentences), 200) for row in stretch_of(sentences, first)]
    assert rows == list(range(len(sentences)))
