"""qa/confidence.py: the probability by hand, and the file it is kept in."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ModelNotFound
from index.sentences import Sentence
from qa.confidence import UNFITTED, Calibration, features, load_calibration, save_calibration
from qa.reader import Reading, ReadSentence
from qa.retrieve import Candidate


def reading(*relevances: float, cosine: float = 0.5) -> Reading:
    """A reading with these relevances; "none" has the rest."""
    sentences = tuple(
        ReadSentence(
            Candidate(row, Sentence(row, row + 1, "x", 0), cosine, 2.0, 0.5, row + 1, row + 1, row + 1),
            share,
            None,
            None,
        )
        for row, share in enumerate(relevances)
    )
    return Reading(sentences, none=max(1 - sum(relevances), 0.0), read=0)


def test_the_probability_by_hand():
    """Relevance 0.8 has the logit ln 4. -1 + 0.5 ln 4 = ln 2 - 1, and 1 / (1 + e / 2) = 0.4239."""
    calibration = Calibration("toy", -1.0, {"top_logit": 0.5})
    assert calibration.confidence(reading(0.8, 0.1)) == pytest.approx(1 / (1 + math.e / 2))


def test_a_follow_up_may_be_believed_less_at_the_same_relevance():
    calibration = Calibration("toy", 0.0, {"top_logit": 1.0, "follow_up": -1.0, "top_logit_of_follow_up": -0.5})
    alone = reading(0.8, 0.1)
    assert calibration.confidence(alone) == pytest.approx(0.8)
    logit = 0.5 * math.log(4) - 1
    assert calibration.confidence(replace(alone, follow_up=True)) == pytest.approx(1 / (1 + math.exp(-logit)))


def test_an_empty_reading_is_never_right():
    assert Calibration("toy", 50.0, {}).confidence(Reading((), none=1.0, read=0)) == 0.0


def test_features_by_hand():
    seen = features(reading(0.6, 0.3), mentioned_share=0.5)
    assert seen["top_logit"] == pytest.approx(math.log(0.6 / 0.4))
    assert seen["top_over_second"] == pytest.approx(math.log(2))
    assert seen["top_over_none"] == pytest.approx(math.log(6))
    assert seen["mentioned_share"] == 0.5


@given(st.lists(st.floats(0, 1), max_size=4), st.floats(-1, 1))
def test_every_feature_is_finite_and_every_confidence_a_probability(shares, cosine):
    total = max(sum(shares), 1.0)
    read = reading(*sorted((share / total for share in shares), reverse=True), cosine=cosine)
    seen = features(read)
    assert all(math.isfinite(value) for value in seen.values())
    for weight in (-1000.0, 0.0, 1000.0):
        assert 0.0 <= Calibration("toy", 0.0, dict.fromkeys(seen, weight)).confidence(read) <= 1.0


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_a_surer_reader_is_believed_more(share, more):
    assert UNFITTED.confidence(reading(share + more)) > UNFITTED.confidence(reading(share))


def test_what_is_saved_is_loaded_beside_that_of_other_readers(tmp_path):
    path = tmp_path / "weights" / "calibration.json"
    first = Calibration("one", 0.25, {"top_logit": 1.5, "cosine": -2.0}, 0.4, "10 questions")
    second = Calibration("two", -1.0, {}, 0.6, "20 questions")
    save_calibration(first, path)
    save_calibration(second, path)
    assert load_calibration("one", path) == first
    assert load_calibration("two", path) == second


def test_a_reader_without_a_calibration_gets_the_unfitted_one(tmp_path):
    assert load_calibration("nobody", tmp_path / "missing.json") == UNFITTED
    save_calibration(Calibration("one", 0.0), tmp_path / "calibration.json")
    assert load_calibration("nobody", tmp_path / "calibration.json") == UNFITTED


def test_a_library_has_a_calibration_of_its_own_and_without_one_that_of_an_article(tmp_path):
    path = tmp_path / "calibration.json"
    article = Calibration("one", 0.25, {"top_logit": 1.5}, 0.4, "10 questions")
    library = Calibration("one", -1.0, {"none_logit": -0.5}, 0.2, "20 questions of a library")
    save_calibration(article, path)
    assert load_calibration("one", path, library=True) == article
    save_calibration(library, path, library=True)
    assert load_calibration("one", path, library=True) == library
    assert load_calibration("one", path) == article
    assert load_calibration("nobody", path, library=True) == UNFITTED
    save_calibration(article, path)  # fitted anew, for another reader's shares than the library's was
    assert load_calibration("one", path, library=True) == article


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"one": 3}',
        '{"one": {}}',
        json.dumps({"one": {"intercept": 0, "coefficients": {"no_such_feature": 1}, "threshold": 0.5}}),
        json.dumps({"one": {"intercept": 0, "coefficients": {}, "threshold": 1.5}}),
        json.dumps({"one": {"intercept": "x", "coefficients": {}, "threshold": 0.5}}),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelNotFound, match=r"^\S+calibration\.json is damaged .* Install article-qa again\.$"):
        load_calibration("one", path)


def test_the_shipped_calibrations_can_be_loaded():
    for reader in ("trained", "fused"):
        assert 0 < load_calibration(reader).threshold < 1
