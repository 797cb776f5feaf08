"""index/terms.py: BM25 against the plain formula, stems, and files that are refused."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.irregular import BASES
from index.terms import K1, B, Terms, content_terms

WORDS = ["river", "flood", "bridge", "rebuilt", "Monday", "the", "1953", "£2,000", "café", "東京", "it's", "U.S.", "-"]


def test_bm25_is_the_formula() -> None:
    """sentences of 2, 2 and 3 words, 7/3 on average; "flood" is in 1 of 3, once, in the first

    rarity ln(1 + (3 - 1 + 0.5) / (1 + 0.5)) = 0.9808; frequency 1 / (1 + 0.3 * (0.7 + 0.3 * 2 / (7/3))) = 0.7769
    """
    terms = Terms.from_sentences(["river flood", "river bridge", "bridge bridge town"])
    expected = math.log(1 + 2.5 / 1.5) / (1 + 0.3 * (0.7 + 0.3 * 2 / (7 / 3)))
    assert expected == pytest.approx(0.9808 * 0.7769, abs=1e-4)
    assert terms.scores("flood").tolist() == [pytest.approx(expected), 0, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=8), min_size=1, max_size=8),
    st.lists(st.sampled_from([*WORDS, "unknown"]), min_size=1, max_size=6),
)
def test_adding_up_columns_gives_what_bm25s_gives(sentences: list[list[str]], question: list[str]) -> None:
    import bm25s

    texts = [" ".join(words) for words in sentences]
    tokens = [content_terms(text) for text in texts]
    asked = content_terms(" ".join(question))
    scores = Terms.from_sentences(texts).scores(" ".join(question))
    assert scores.shape == (len(texts),)
    assert scores.dtype == np.float32
    if any(tokens) and asked:
        plain = bm25s.BM25(method="lucene", k1=K1, b=B)
        plain.index(tokens, show_progress=False)
        np.testing.assert_allclose(scores, plain.get_scores(asked), rtol=1e-5)
    else:
        assert not scores.any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The bridges were rebuilt", ["bridg", "rebuild"]),
        ("It cost £2,000 or $3.50, i.e. 1,234,567.89", ["cost", "2000", "3.50", "ie", "1234567.89"]),
        ("2000 and 2,000 are one number; 1, 2,3", ["2000", "2000", "number", "1", "2", "3"]),
        ("Covid-19, covid 19", ["covid", "19", "covid", "19"]),
        ("the 19th and the 22nd at 10:30", ["19", "22", "10:30"]),
        ("U.S. officials told us; the US agreed", ["us", "offici", "tell", "us", "agre"]),
        ("WHO DID IT", []),
        ("WHO said so", ["who", "say"]),
        ("O’Brien's and O'Brien’s café; cafe", ["o'brien", "o'brien", "cafe", "cafe"]),
        ("the A40, a B2B deal", ["a40", "b2b", "deal"]),
        ("didn't don’t dont", []),
        ("Müller und МОСКВА", ["muller", "und", "москва"]),
        ("洪水冲毁了桥。", ["洪水", "水冲", "冲毁", "毁了", "了桥"]),
        ("बाढ़ में पुल", ["बाढ़", "में", "पुल"]),
        ("", []),
        ("?!… — ", []),
    ],
)
def test_a_text_is_cut_into_these_stems(text: str, expected: list[str]) -> None:
    assert content_terms(text) == expected


def test_another_form_of_a_word_and_another_way_to_write_a_number_are_found() -> None:
    terms = Terms.from_sentences(["The town rebuilt the bridges for £2,000.", "Nobody was hurt."])
    for question in ("bridge", "BRIDGES?", "2000 pounds", "the bridge's cost"):
        assert terms.scores(question)[0] > 0
        assert terms.scores(question)[1] == 0


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("driving", "drove"),
        ("drive", "driven"),
        ("wives", "wife"),
        ("policewoman", "policewomen"),
        ("Who stole it", "stealing"),
    ],
)
def test_an_irregular_form_is_the_word_it_is_a_form_of(typed: str, written: str) -> None:
    assert Terms.from_sentences([f"The {written} of Kessock."]).words(typed).unmentioned == ()


@pytest.mark.parametrize("word", ["bit", "lives", "ground", "saws", "founded", "specimen", "abdomen"])
def test_what_is_more_often_another_word_is_no_irregular_form(word: str) -> None:
    assert word not in BASES


def test_what_is_founded_is_not_found() -> None:
    assert content_terms("founded") != content_terms("found") == content_terms("finding")


@pytest.mark.parametrize("question", ["", "?", "Who did what to whom?", "zebra", "москва", "東京", "🙂"])
def test_a_question_without_a_known_word_matches_no_sentence(question: str) -> None:
    scores = Terms.from_sentences(["The river rose.", "The bridge fell."]).scores(question)
    assert scores.tolist() == [0, 0]


@pytest.mark.parametrize("texts", [["The.", "It was."], ["🙂", "..."], []])
def test_sentences_without_a_content_word_match_nothing_and_can_be_saved(texts: list[str], tmp_path: Path) -> None:
    terms = Terms.from_sentences(texts)
    terms.save(tmp_path / "terms.npz")
    for each in (terms, Terms.load(tmp_path / "terms.npz")):
        assert each.scores("What was it?").tolist() == [0] * len(texts)
        assert len(each) == len(texts)
        assert each.words("Who rebuilt it?").unmentioned == ("rebuilt",)


ARTICLE = [
    "The ex-husband of Jane Carter attacked her on Maida Vale at 9 a.m.",
    "The US car's driver, 26, was released on bail after Covid-19 rules changed.",
    "洪水冲毁了桥。",
]


@pytest.mark.parametrize(
    ("question", "mentioned", "unmentioned"),
    [
        ("Who was the ex-husband?", ["ex-husband"], []),
        ("Who was the ex husband?", ["ex", "husband"], []),
        ("What did Carter's ex-wife drive?", ["Carter"], ["ex-wife", "drive"]),
        ("How many drivers were released?", ["drivers", "released"], []),
        ("did covid-19 spread in Brussels or brussels?", ["covid-19"], ["spread", "Brussels"]),
        ("Did the US release the UK driver?", ["US", "release", "driver"], ["UK"]),
        ("Was he 26 or 27?", ["26"], ["27"]),
        ("What happened, according to the article?", [], []),
        ("What happened next?", [], []),
        ("Who else besides Jane Carter was actually released instead?", ["Jane", "Carter", "released"], []),
        ("Apart from that, who was hurt altogether?", [], ["hurt"]),
        ("How old was the driver, and how long was he held?", ["driver"], ["held"]),
        ("Who is the old man?", [], ["old", "man"]),
        ("Who did it?", [], []),
        ("桥怎么了", [], []),
    ],
)
def test_a_question_is_told_which_of_its_words_the_article_never_mentions(
    question: str, mentioned: list[str], unmentioned: list[str]
) -> None:
    words = Terms.from_sentences(ARTICLE).words(question)
    assert (list(words.mentioned), list(words.unmentioned)) == (mentioned, unmentioned)


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("co-driver", True), ("non-Covid", True), ("anti-bail", True), ("self-release", True), ("mid-9", True),
        ("vice-husband", True), ("pre\u2011bail", True), ("semi-pro-driver", True), ("Vice-driver's", True),
        ("co-founder", False), ("mid-January", False), ("self-defence", False), ("bail-pro", False), ("non", False),
        ("water-driver", False),
    ],
)  # fmt: skip
def test_a_prefix_before_a_hyphen_needs_no_mention_but_the_word_after_it_does(typed: str, known: bool) -> None:
    words = Terms.from_sentences(ARTICLE).words(f"Who was the {typed}?")
    assert len(words.mentioned) == known
    assert len(words.unmentioned) == (not known)


def test_words_that_are_not_reported_are_still_searched_for() -> None:
    assert Terms.from_sentences(["They walked together.", "They left."]).scores("together").tolist()[0] > 0


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_no_text_is_too_strange_to_be_searched_for(text: str) -> None:
    terms = Terms.from_sentences([*ARTICLE, text])
    own = terms.scores(text)
    assert (own[-1] > 0) == bool(content_terms(text))
    assert terms.words(text).unmentioned == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.text(max_size=40))
def test_terms_read_from_a_file_score_as_those_that_were_written(texts: list[str], question: str) -> None:
    terms = Terms.from_sentences(texts)
    with tempfile.TemporaryDirectory() as folder:
        terms.save(Path(folder) / "terms.npz")
        loaded = Terms.load(Path(folder) / "terms.npz")
    for asked in (question, *texts):
        np.testing.assert_array_equal(loaded.scores(asked), terms.scores(asked))
        assert loaded.words(asked) == terms.words(asked)


def test_a_capital_of_a_fancy_alphabet_is_the_same_word() -> None:
    assert content_terms("𝘉𝘙𝘐𝘋𝘎𝘌") == content_terms("bridge")
