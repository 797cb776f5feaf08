"""The short answer inside a sentence: which pieces, by sums worked out by hand; which words, by examples."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.spans import LENGTH_COST, LONG_ANSWER, LONGEST_SPAN, SentenceLogits, mean_of, whole_words


def of_pieces(starts, ends):
    return SentenceLogits(0.0, np.array(starts, np.float32), np.array(ends, np.float32))


def test_two_readings_of_a_sentence_count_alike():
    one = SentenceLogits(1.0, np.array([2, -4], np.float32), np.array([0, 6], np.float32))
    other = SentenceLogits(-2.0, np.array([4, 0], np.float32), np.array([1, 2], np.float32))
    mean = mean_of(one, other)
    assert (mean.sentence, mean.starts.tolist(), mean.ends.tolist()) == (-0.5, [3, -2], [0.5, 4])
    assert mean.spans(1) == [(0, 1)]
    assert mean.span_logit == 3.5


def test_the_best_span_does_not_end_before_it_starts():
    """Best start is piece 2 (5), best end piece 0 (6), but 2..0 is no span: 2..2 has 5 + 1, 0..0 has 1 + 6 = 7."""
    logits = of_pieces([1, 0, 5], [6, 0, 1])
    assert (logits.spans(1), logits.span_logit) == ([(0, 0)], 3.5)


def test_of_two_spans_about_as_likely_a_long_one_is_not_taken():
    """0..0 has 5 + 4 = 9, 0..19 has 5 + 5 = 10; eight of its twenty pieces are beyond twelve and cost 1.6."""
    starts, ends = [5] + [0] * 19, [4] + [0] * 18 + [5]
    logits = of_pieces(starts, ends)
    assert logits.spans(2) == [(0, 0), (0, 19)]
    assert logits.span_logit == 5.0  # what the length costs says nothing of whether the sentence answers
    assert of_pieces(starts[:16], [*ends[:15], 5]).spans(1) == [(0, 15)]  # four beyond cost 0.8, less than it leads by


@given(
    st.lists(st.tuples(st.floats(-9, 9, width=32), st.floats(-9, 9, width=32)), max_size=40),
    st.integers(1, 30),
)
def test_spans_come_in_order_each_once_the_first_the_same_however_many_are_wanted(pieces, count):
    logits = of_pieces([start for start, _ in pieces], [end for _, end in pieces])
    spans = logits.spans(count)
    assert spans[:1] == logits.spans(1)
    assert len(set(spans)) == len(spans) <= count
    assert all(0 <= first <= last < len(pieces) and last - first < LONGEST_SPAN for first, last in spans)
    worth = [
        logits.starts[first] + logits.ends[last] - LENGTH_COST * max(last - first + 1 - LONG_ANSWER, 0)
        for first, last in spans
    ]
    assert all(one >= other - 1e-5 for one, other in itertools.pairwise(worth))


def test_a_sentence_without_pieces_has_no_short_answer():
    assert (of_pieces([], []).spans(1), of_pieces([], []).span_logit) == ([], 0.0)


def test_a_span_is_widened_to_whole_words_and_loses_loose_punctuation():
    text = "The car, a Renault, hit him."
    start = text.index("enau")
    assert text[slice(*whole_words(text, start, start + 4, 0, len(text)))] == "Renault"
    start = text.index(", a")
    assert text[slice(*whole_words(text, start, text.index(", hit") + 1, 0, len(text)))] == "a Renault"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        ("is 0.", "is 0"), ("in 2019.", "in 2019"), ("a blue boat.", "a blue boat"), ("boat.", "boat"),
        ("£3.50.", "£3.50"), ("at 5 a.m.", "at 5 a.m."), ("the U.S.", "the U.S."),
        ("Vasko Inc.", "Vasko Inc."), ("page 7", "page 7"),
    ],
)  # fmt: skip
def test_a_span_loses_the_full_stop_of_its_sentence_but_not_of_an_abbreviation(span, shown):
    text = f"So {span} Then"
    assert text[slice(*whole_words(text, 3, 3 + len(span), 0, len(text)))] == shown


@pytest.mark.parametrize(
    ("text", "found", "shown"),
    [
        ("It was on Monday (5 May).", "Monday (5 May", "Monday (5 May)"),
        ('He would "see it first".', 'would "see it first', 'would "see it first"'),
        ("Ann Lee (the chair) left.", "the chair) left", "(the chair) left"),
        ("She is called “the Hawk” here.", "the Hawk", "the Hawk"),  # nothing is opened in it, so nothing to close
        ("She is called “the Hawk” here.", "“the Hawk", "the Hawk"),  # marks around all of it say nothing more
        ("Ann (the chair) left.", "the chair)", "the chair"),
        ("They (Ann and Bo) left (early).", "Ann and Bo", "Ann and Bo"),
        ("It is () here.", "(", "("),  # never nothing at all
        ("It is () here.", ")", ")"),
    ],
)
def test_a_span_that_opens_a_bracket_or_a_quotation_closes_it(text, found, shown):
    start = text.index(found)
    assert text[slice(*whole_words(text, start, start + len(found), 0, len(text)))] == shown
