"""How what was noticed about sentences becomes their logits: by hand, and what no order or neighbour may change."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.weighing import (
    FEW_SENTENCES,
    LEAD_SENTENCES,
    NEIGHBOURS,
    NONE_SIGNALS,
    OF_SORTS,
    SIGNALS,
    UNREAD_SHARE,
    Noticed,
    QuestionType,
    around,
    none_signals,
    shared_out,
    signals,
    weigh,
)

PLAINLY = QuestionType(yes_no=False, unmentioned=0.0, words=8)  # of no sort
NOTHING = dict.fromkeys((*SIGNALS, *NONE_SIGNALS), 0.0)


def noticed(rows: list[int], bm25: list[float]) -> Noticed:
    """Sentences that differ in their place and their words only."""
    n = len(rows)
    return Noticed(rows, [0.0] * n, [0.0] * n, [0.0] * n, bm25, rows, [1] * n, [False] * n, [False] * n, 0, PLAINLY)


def test_the_signals_of_two_sentences_by_hand():
    seen = Noticed(
        [0, 4], [1.0, -2.0], [0.5, 0.25], [0.9, 0.1], [math.e - 1, 0.0], [0, 400], [10, 1], [True, False],
        [False, True], 2, PLAINLY,
    )  # fmt: skip
    assert signals(seen)[:, : -len(OF_SORTS)] == pytest.approx(
        np.array(
            [
                [1.0, 0.5, 0.9, math.e - 1, 1.0, math.e - 1, 0.0, math.log(10), 1.0, 0.0],
                [-2.0, 0.25, 0.1, 0.0, 0.0, 0.0, -math.log(1 + LEAD_SENTENCES), 0.0, 0.0, 1.0],
            ]
        )
    )
    assert (signals(seen)[:, -len(OF_SORTS) :] == 0).all()
    assert none_signals(signals(seen), 2) == pytest.approx([1.0, 1.0, 0.5, 0.9, 1.0, 0.0, 1.0])


@pytest.mark.parametrize(("count", "wanted"), [(1, 0.0), (FEW_SENTENCES, 0.0), (4 * FEW_SENTENCES, math.log(4))])
def test_the_number_of_sentences_speaks_for_none_from_ten_on(count, wanted):
    assert none_signals(np.zeros((count, len(SIGNALS))), 0)[NONE_SIGNALS.index("none_count")] == pytest.approx(wanted)


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 5)), min_size=1, max_size=30, unique_by=lambda one: one[0]))
def test_neighbours_are_the_sentences_within_three_rows_that_were_read(read):
    """Against the definition, sentence by sentence."""
    read.sort()
    rows, values = [row for row, _ in read], np.array([value for _, value in read])
    for row, value, found in zip(rows, values, around(rows, values), strict=True):
        near = [v for r, v in zip(rows, values, strict=True) if 0 < abs(r - row) <= NEIGHBOURS]
        assert found == pytest.approx(np.mean(near) if near else value, abs=1e-9)


def test_a_sentence_among_others_that_share_words_with_the_question_gains_and_one_far_off_does_not():
    weights = {**NOTHING, "around": 1.0}
    logits = weigh(noticed([0, 1, 2, 30], [3.0, 0.0, 3.0, 0.0]), weights)
    assert logits[1] == pytest.approx(3.0)
    assert logits[3] == pytest.approx(0.0)


def test_what_speaks_for_none_changes_no_order_of_sentences():
    seen = noticed([0, 1, 2], [1.0, 5.0, 0.0])
    before = weigh(seen, {**NOTHING, "bm25": 1.0})
    after = weigh(seen, {**NOTHING, "bm25": 1.0, "none": 2.0, "none_bm25_log": 0.7})
    assert (after[:-1] == before[:-1]).all()
    assert after[-1] - before[-1] == pytest.approx(2.0 + 0.7 * math.log(6))


def test_a_question_that_wants_yes_or_no_may_trust_the_model_more_and_the_top_less():
    """By hand: two sentences, the top one preferred until the question is of the sort that leans elsewhere."""
    question = QuestionType(yes_no=True, unmentioned=0.25, words=12)
    seen = replace(noticed([0, 3], [0.0, 0.0]), sentence=[1.0, 2.0], question=question)
    found = dict(zip(SIGNALS, signals(seen).T, strict=True))
    assert found["sentence_yes_no"] == pytest.approx([1.0, 2.0])
    assert found["sentence_unmentioned"] == pytest.approx([0.25, 0.5])
    assert found["sentence_long"] == pytest.approx([0.5, 1.0])
    assert found["lead_yes_no"] == pytest.approx([0.0, -math.log(4)])
    weights = {**NOTHING, "sentence": 0.5, "lead": 1.0, "lead_yes_no": -1.0}
    assert np.argmax(weigh(seen, weights)[:2]) == 1
    assert np.argmax(weigh(replace(seen, question=PLAINLY), weights)[:2]) == 0


@pytest.mark.parametrize(("words", "same_as"), [(0, 4), (1, 4), (16, 17), (16, 400)])
def test_beyond_some_words_a_question_is_no_longer_or_shorter(words, same_as):
    """A pasted paragraph must not turn the weights over."""
    one, other = (QuestionType(yes_no=False, unmentioned=0.0, words=n).sorts for n in (words, same_as))
    assert one == pytest.approx(other)
    assert -0.5 <= one[2] <= 1.0


def test_a_weight_that_is_missing_is_an_error_and_no_zero():
    with pytest.raises(KeyError, match="around"):
        weigh(noticed([0], [1.0]), {name: 1.0 for name in NOTHING if name != "around"})


@given(st.lists(st.floats(-40, 40), min_size=1, max_size=20), st.integers(0, 2000))
def test_the_relevance_that_is_shared_out_is_one_in_all(logits, unread):
    """A softmax of what was read; the unread have a millionth in all, each less than the one before."""
    read, rest = shared_out(np.array(logits), unread)
    assert read.sum() + rest.sum() == pytest.approx(1.0)
    assert rest.sum() == pytest.approx(UNREAD_SHARE if unread else 0.0)
    assert (np.diff(rest) <= 0).all()
    assert read / read.max() == pytest.approx(np.exp(np.array(logits) - max(logits)))
