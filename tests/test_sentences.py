"""index/sentences.py: where a text is cut, where it is not, and that nothing is lost or moved."""

from __future__ import annotations

import random
import textwrap
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import LONGEST, Sentence, split_sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


def paragraphs(text: str) -> list[str]:
    """The text of each paragraph, its sentences joined by a space."""
    found: dict[int, list[str]] = {}
    for sentence in split_sentences(text):
        found.setdefault(sentence.paragraph, []).append(sentence.text)
    return [" ".join(part).replace("\n", " ") for part in found.values()]


def check(text: str) -> list[Sentence]:
    """Nothing but white space is lost and nothing is moved: the promise every offset of this program rests on."""
    sentences = split_sentences(text)
    assert all(text[s.start : s.end] == s.text for s in sentences)
    assert all(s.text == s.text.strip() and 0 < len(s.text) <= LONGEST for s in sentences)
    assert all(one.end <= two.start for one, two in pairwise(sentences))
    assert "".join("".join(s.text for s in sentences).split()) == "".join(text.split())
    assert [s.paragraph for s in sentences] == sorted(s.paragraph for s in sentences)
    assert {s.paragraph for s in sentences} == set(range(sentences[-1].paragraph + 1 if sentences else 0))
    assert not any("\n\n" in s.text for s in sentences)
    return sentences


PIECES = (
    *(
        "Dr. Okoro left at 5 a.m. Monday.",
        "“One thing.",
        "Two things,” she said.",
        "No. 5 cost 3.5 million.",
        "Why?!",
        "...",
    ),
    *(
        "\n",
        "\n\n",
        "\n \n\n",
        " ",
        "\t",
        "  ",
        "\u00a0",
        "\u3000",
        "- item",
        "1. first",
        "A headline",
        "(He came.",
        "He went.)",
    ),
    *(
        '"Go!" he said.',
        '"',
        "”",
        "«",
        "»",
        "‘",
        "’",
        "don’t",
        "(",
        ")",
        "[1]",
        "²",
        "👩‍👩‍👧 🎉",
        "e\u0301",
        "好的。这是！",
        "مرحبا؟ نعم",
        "यह है।",
    ),
    *("word" * 400, "no final stop", "U.S. I left", "a@b.org", "http://a.org/b?c=d.", "…", "—", "* * *", "E! News"),
)


def scrambled(seed: int) -> str:
    chance = random.Random(seed)
    return "".join(chance.choice(PIECES) + chance.choice(("", " ", " ", "\n")) for _ in range(chance.randint(1, 60)))


@pytest.mark.parametrize("seed", range(150))
def test_splitting_loses_and_moves_nothing(seed: int) -> None:
    check(scrambled(seed))


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.one_of(st.sampled_from(" \n.!?\"'“”‘’«»()Aa1。।؟\u200d\t"), st.characters(exclude_categories=["Cs"])),
        max_size=200,
    )
)
def test_splitting_loses_and_moves_nothing_whatever_the_characters(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\n"])
def test_white_space_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Ruiz met Mr. J. K. Lund in the U.S. Army.", "They left."],
        ["It began at 5 a.m. Monday.", "It ended at 6 p.m.", "He slept."],
        ["At 7 p.m. ET it was dark.", "So they waited."],
        ["Bus No. 5 costs 3.5 million.", "It is new."],
        ["Did he pay?", "No.", "He never did."],
        ["He told me.", "Lund agreed.", "She is older than I.", "Lund knew."],
        ["He was born in the U.S.", "I was not."],
        ["An anti-U.S. film was shown to ex-C.I.A. men.", "Few came."],
        ["It weighs approx. 3 tons.", "It floats."],
        ["Rep. Jane Lund, R-Calif. said so.", "Spc. Ana Ruiz agreed."],
        ["Cllr. Lund and Cllr. A. Ruiz met the Revd. Ann Lee.", "All agreed."],
        ["They met on Tues. 14th Oct. in the hall.", "The next is on Sat. Nov. 1 at noon."],
        ["It opens on Mon.", "The owner said so.", "The cat sat.", "3 people saw it."],
        ["It had a max. of 71 m.p.h. there.", "Add 1 tsp. salt and 2 tbsp. olive oil.", "Wait 20 mins. before dinner."],
        ["Press office: tel. 01632 960 101.", "Tel. +44 1632 960 102 at night.", "See vol. 3."],
        ["Approx. 300 people came.", "Few stayed."],
        ["Lund – who else? – made it two.", "The mayor - you guessed it! - was there.", "Who won?", "– Lund did."],
        ["Having heard of Ms. Lund's need, he called."],
        ["Well... she said so.", "Then she left."],
        ["The film “Who Moved My Boat?” opened on Friday.", "Few came."],
        ["The news was on “E! News” on Friday.", "Few saw it."],
        ["“Stop!” he said.", "“Why?” asked Ms Ruiz.", "Nobody knew."],
        ["She left.", "(Nobody saw it.)", "He stayed."],
        ["Yahoo! is older.", "It was 3.14.", "See http://a.org/b?c=d for more."],
        ["This was shown.²", "That was not.[3]", "And so on."],
        ["We won! 🎉", "They lost."],
        ["好的。", "这是！", "是吗？", "对。"],
        ["مرحبا؟", "نعم."],
        ["यह है।", "वह है।"],
        ["Il est parti. »", "Elle reste."],
    ],
)
def test_sentences_end_where_a_reader_says(sentences: list[str]) -> None:
    assert texts(" ".join(sentences)) == sentences


def test_each_sentence_of_a_quotation_stands_alone_and_keeps_its_marks() -> None:
    text = (
        "He said: “We came. We saw.” “They left,” she said. ‘Then we slept. All of us.’ "
        '"You did. I saw it." So it ended.'
    )
    assert texts(text) == [
        "He said: “We came.",
        "We saw.”",
        "“They left,” she said.",
        "‘Then we slept.",
        "All of us.’",
        '"You did.',
        'I saw it."',
        "So it ended.",
    ]


def test_a_quotation_running_over_paragraphs_stays_in_them() -> None:
    assert texts("“We came. We saw.\n\n“We left,” she said.") == ["“We came.", "We saw.", "“We left,” she said."]


PROSE = (
    "The ferry left the harbour at noon with more than a hundred people aboard, most of them islanders going home. "
    "Dr. Ruiz, who was on deck, saw the rocks first. She called out. Nobody on the bridge heard her over the engines.",
    "A second boat came within the hour. It took off the children, then the old, then everybody else who would leave.",
)


@pytest.mark.parametrize("width", [45, 60, 72, 80, 100])
def test_a_wrapped_file_has_the_sentences_of_the_same_file_unwrapped(width: int) -> None:
    wrapped = "\n\n".join(textwrap.fill(paragraph, width) for paragraph in PROSE)
    check(wrapped)
    assert [text.replace("\n", " ") for text in texts(wrapped)] == texts("\n\n".join(PROSE))


def test_a_wrapped_file_with_indents_and_no_blank_lines_keeps_its_paragraphs() -> None:
    wrapped = "\n".join(textwrap.fill(paragraph, 60, initial_indent="    ") for paragraph in PROSE)
    assert paragraphs(wrapped) == list(PROSE)


def test_a_headline_and_a_list_in_a_wrapped_file_are_lines_of_their_own() -> None:
    text = "Ferry runs aground\n" + textwrap.fill(PROSE[0], 72) + "\n- life jackets\n- flares\n1. a raft\n"
    assert paragraphs(text) == ["Ferry runs aground", PROSE[0], "- life jackets", "- flares", "1. a raft"]


def test_in_a_file_of_one_paragraph_a_line_each_line_is_a_paragraph() -> None:
    lines = ["Ferry runs aground", "By Ana Ruiz", *PROSE, "The ferry, pictured in May", "It will sail again."]
    assert paragraphs("\n".join(lines)) == lines


@pytest.mark.parametrize("width", [48, 60, 72])
def test_a_wrapped_paragraph_in_capitals_is_one_paragraph(width: int) -> None:
    """A disclaimer shouts: no line of it begins with a small letter, and it is wrapped all the same."""
    disclaimer = (
        "The lender gives no promise of any kind that the boat is fit for the open sea or for the season. All risk of "
        "rain, rocks and wrong tides lies with you, and so does the cost of every repair. Ask at the quay."
    )
    wrapped = "\n\n".join(textwrap.fill(one, width) for one in (PROSE[0], disclaimer.upper(), PROSE[1]))
    check(wrapped)
    wanted = texts("\n\n".join((PROSE[0], disclaimer.upper(), PROSE[1])))
    assert [text.replace("\n", " ") for text in texts(wrapped)] == wanted


def test_a_headline_of_two_lines_in_capitals_stands_apart_from_a_list_in_capitals() -> None:
    text = "WHAT TO BRING ABOARD\nLIFE JACKETS FOR ALL WHO CANNOT SWIM\nA FLARE\nTHE LAMP AND TWO CANS OF OIL\nROPE"
    assert texts(text) == text.split("\n")


def test_short_lines_are_not_taken_for_wrapped_prose() -> None:
    lines = ["Key facts", "Ferry: the Tarn", "Aboard: 112 people in all", "Hurt: none", "Next sailing in June"]
    assert texts("\n".join(lines)) == lines


def test_a_long_headline_right_above_a_sentence_is_not_joined_to_it() -> None:
    lines = ["Ferry with 112 people aboard runs aground off Tarn Point", "Nobody was hurt."]
    assert texts("\n".join(lines)) == lines


def test_a_list_number_stays_with_its_item() -> None:
    assert texts("1. Wait here. Then go.\n2. Sleep.\na) Rest.") == [
        "1. Wait here.",
        "Then go.",
        "2. Sleep.",
        "a) Rest.",
    ]


def test_a_sentence_of_50_000_characters_is_cut_after_clauses_or_words() -> None:
    words = check("word " * 10_000)
    assert {s.text.replace(" ", "").replace("word", "") for s in words} == {""}
    clauses = check("this is a clause, " * 3_000)
    assert all(s.text.endswith(",") for s in clauses)
    check("x" * 50_000)


def test_a_long_cut_never_parts_a_joined_emoji_or_an_accent() -> None:
    for unit in ("👩‍👩‍👧", "e\u0301"):
        for s in check("x" * (LONGEST // 2) + unit * 500):
            assert s.text[0] not in "\u0301\u200d"
            assert s.text[-1] != "\u200d"


@pytest.mark.parametrize("piece", [" ", "\n", "(", "(a. ", ".”", "! ", '."b', "好。", "Dr. ", "a.\n"])
def test_no_repeated_piece_makes_the_splitter_slow_or_lossy(piece: str) -> None:
    """Were its time to grow with the square of the length, the suite would stop here for minutes."""
    check("a" + piece * (60_000 // len(piece)) + "b")


def test_a_file_of_five_megabytes_is_split() -> None:
    text = ("\n\n".join(PROSE) + "\n\n") * (5_000_000 // sum(map(len, PROSE)))
    assert len(split_sentences(text)) == 6 * (5_000_000 // sum(map(len, PROSE)))
