"""qa/answer.py: what is answered, what is refused and why; the encoder is the toy, the reader needs no training."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.article import article_from_text
from index.build import build_index
from index.errors import ModelNotFound
from qa.answer import LONGEST_QUESTION, Answer, Answerer, open_answerer, open_reader, tidy
from qa.confidence import Calibration
from qa.dialogue import Turn
from qa.reader import FusedReader, Reading, ReadSentence

CALIBRATION = Calibration("fused", 0.0, {"top_logit": 1.0})


@pytest.fixture(scope="session")
def answerer(small_index, encoder) -> Answerer:
    return Answerer(small_index, encoder, FusedReader(), CALIBRATION)


class FirstWordReader:
    """Answers with the first sentence for certain; the short answer is its first word."""

    name = "first-word"
    fingerprint = "0" * 64

    def read(self, question, history, article_index, candidates) -> Reading:
        ordered = sorted(candidates, key=lambda candidate: candidate.row)
        start = ordered[0].sentence.start
        span = (start, start + len(ordered[0].sentence.text.split()[0]))
        best = ReadSentence(ordered[0], 1.0, span, 1.0)
        return Reading((best, *(ReadSentence(one, 0.0, None, None) for one in ordered[1:])), none=0.0, read=1)


def answerer_for(text: str, encoder, **options: float) -> Answerer:
    return Answerer(build_index(article_from_text(text), encoder), encoder, FusedReader(), CALIBRATION, **options)


def test_an_answer_is_a_sentence_of_the_article_at_its_place(answerer):
    answer = answerer.ask("When did the river rise?")
    assert answer.answered
    assert answer.sentence.text == "The river rose on Monday."
    assert answerer.article.text[answer.sentence.start : answer.sentence.end] == answer.sentence.text
    assert answer.reason is None
    assert answer.nearest_miss is None
    assert answer.confidence > 0.5


def test_a_question_the_article_does_not_answer_gets_no_answer_a_reason_and_the_nearest_miss(answerer):
    answer = answerer.ask("Who painted the ceiling?")
    assert not answer.answered
    assert (answer.sentence, answer.span, answer.passage) == (None, None, None)
    assert answer.reason == "No sentence answers this well enough, and the article never mentions “painted”, “ceiling”."
    assert answer.unmentioned == ("painted", "ceiling")
    assert answer.nearest_miss.text == answer.candidates[0].candidate.sentence.text


def test_all_sentences_are_listed_best_first_also_when_nothing_is_answered(answerer):
    for question in ("When did the river rise?", "Who painted the ceiling?"):
        relevances = [read.relevance for read in answerer.ask(question).candidates]
        assert len(relevances) == len(answerer.article_index.sentences)
        assert relevances == sorted(relevances, reverse=True)


def test_min_confidence_takes_the_place_of_the_threshold(small_index, encoder):
    def answered(least: float) -> bool:
        reader = FusedReader()
        return Answerer(small_index, encoder, reader, CALIBRATION, min_confidence=least).ask("river bridge").answered

    assert (answered(0.0), answered(1.0)) == (True, False)


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_confidence_that_is_no_probability_is_refused(small_index, encoder, least):
    with pytest.raises(ValueError, match="wanted 0 to 1"):
        Answerer(small_index, encoder, FusedReader(), CALIBRATION, min_confidence=least)


def test_the_short_answer_lies_inside_the_sentence(small_index, encoder):
    answer = Answerer(small_index, encoder, FirstWordReader(), CALIBRATION).ask("What is this?")
    assert answer.span.text == answer.sentence.text.split()[0]
    assert answer.sentence.start <= answer.span.start < answer.span.end <= answer.sentence.end


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("", "The question is empty."),
        (" \n\t ", "The question is empty."),
        ("?!... -- ?", "The question has no word in it."),
        ("\u200b\u200b\ufeff", "The question has no word in it."),
        ("river " * 20_000, "The question has 119,999 characters and the limit is 1,000."),
    ],
)
def test_what_cannot_be_asked_gets_a_plain_reason_and_no_candidates(answerer, question, reason):
    answer = answerer.ask(question)
    assert not answer.answered
    assert answer.reason.startswith(reason)
    assert answer.candidates == ()
    assert len(answer.question) <= LONGEST_QUESTION


@pytest.mark.parametrize("question", ["谁修了桥？", "Кто построил мост?", "من بنى الجسر؟"])
def test_a_question_in_another_script_is_told_so_and_still_gets_candidates(answerer, question):
    answer = answerer.ask(question)
    assert answer.reason == "The question is not in English, the only language this program reads."
    assert len(answer.candidates) == len(answerer.article_index.sentences)


def test_invisible_characters_change_nothing(answerer):
    plain, pasted = (
        answerer.ask("When did the river rise?"),
        answerer.ask("When did\u00a0the ri\u200bver\u200d  rise?\n"),
    )
    assert pasted.question == plain.question
    assert pasted.sentence == plain.sentence


def test_tidy_by_hand():
    assert tidy("  a\u200b \t b\r\nc\x00\x1bd \ud800 ") == "a b c d ?"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec=None), max_size=80),
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=2),
)
def test_no_question_raises(answerer, question, history):
    answer = answerer.ask(question, [Turn(*turn) for turn in history])
    assert answer.answered == (answer.sentence is not None) == (answer.reason is None)
    assert 0 <= answer.confidence <= 1
    answer.question.encode("utf-8")


def test_a_follow_up_is_understood_with_the_turn_before(answerer):
    first = answerer.ask("What did Mayor Jane Carter say?")
    second = answerer.ask("Will she rebuild it?", [Turn("What did Mayor Jane Carter say?", first.sentence.text)])
    assert second.understood == "Will Mayor Jane Carter rebuild it?"
    assert second.sentence.text == "Mayor Jane Carter said the town would rebuild it."


def test_a_turn_says_the_shortest_that_is_known(small_index, encoder, answerer):
    assert answerer.ask("When did the river rise?").turn.pair == [
        "When did the river rise?",
        "The river rose on Monday.",
    ]
    short = Answerer(small_index, encoder, FirstWordReader(), CALIBRATION).ask("What is this?")
    assert short.turn.pair == ["What is this?", "The"]
    assert answerer.ask("Who painted the ceiling?").turn.pair == ["Who painted the ceiling?", ""]


PASSAGES = """The flood came at night. It took the bridge. Work on the mayor's house stopped.

He had left in spring. The council said three things: The river had warned them in 1953.
"""


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("What did the flood do at night?", "The flood came at night."),
        ("bridge", "The flood came at night. It took the bridge."),  # "It" needs the sentence before
        ("spring", "He had left in spring."),  # nothing is before it in its paragraph
    ],
)
def test_a_passage_has_the_neighbours_that_its_sentence_leans_on(encoder, question, passage):
    answer = answerer_for(PASSAGES, encoder, min_confidence=0.0).ask(question)
    assert answer.passage.text == passage


ANNOUNCED = """The driver had two faults:
- He was late. Very late.
- He was tired.

Nobody was hurt.

Was the bridge safe?

It was mended in 1953. It stands.
"""


@pytest.mark.parametrize(
    ("row", "passage"),
    [
        (0, "The driver had two faults:\n- He was late. Very late.\n- He was tired."),
        (1, "- He was late."),
        (5, "Was the bridge safe?\n\nIt was mended in 1953."),
    ],
)
def test_a_passage_has_the_list_that_a_colon_announces_and_what_follows_a_question(encoder, row, passage):
    answerer = answerer_for(ANNOUNCED, encoder, min_confidence=0.0)
    answer = answerer.ask(answerer.article_index.sentences[row].text)
    assert (answer.candidates[0].candidate.row, answer.passage.text) == (row, passage)


def test_every_stage_says_how_long_it_took(answerer):
    ms = answerer.ask("When did the river rise?").ms
    assert list(ms) == ["understand", "retrieve", "read", "decide", "total"]
    assert ms["total"] == pytest.approx(sum(time for stage, time in ms.items() if stage != "total"))


def test_the_same_question_gets_the_same_answer(answerer):
    def told(answer: Answer) -> tuple[object, ...]:
        return answer.sentence, answer.confidence, answer.candidates

    assert told(answerer.ask("Who was the mayor?")) == told(answerer.ask("Who was the mayor?"))


def test_an_unknown_reader_is_refused_with_the_known_ones():
    with pytest.raises(ModelNotFound, match=r"no reader is called 'best'\. Choose one of: trained, fused\."):
        open_reader("best")


def test_an_opposite_in_the_nearest_sentence_is_named_beside_the_word_of_the_question(encoder):
    text = "The river flood of 1953 was severe. The bridge was built in 1960."
    strict = answerer_for(text, encoder, min_confidence=1.0)
    refused = strict.ask("When was the mild flood of the river?")
    assert refused.contrast == ("mild", "severe")
    assert refused.reason == "No sentence answers this well enough: the nearest one says “severe”, not “mild”."
    assert strict.ask("When was the severe flood of the river?").contrast is None


@pytest.mark.parametrize(("intercept", "told"), [(-1.0, ("mild", "severe")), (3.0, None)])
def test_a_sure_answer_is_not_quibbled_at(encoder, intercept, told):
    """Shown at 27 % an answer is held against the question word by word, at 95 % not."""
    article = article_from_text("The river flood of 1953 was severe. The bridge was built in 1960.")
    calibration = Calibration("fused", intercept)
    answerer = Answerer(build_index(article, encoder), encoder, FusedReader(), calibration, min_confidence=0.0)
    answer = answerer.ask("When was the mild flood of the river?")
    assert answer.answered
    assert answer.contrast == told


RUNNING = "Ines Mora said: “The bridge is old.\n\n“The river rose on Monday.”"


def test_a_quoted_sentence_comes_with_its_speaker_and_where_the_article_names_her(encoder):
    answerer = answerer_for(RUNNING, encoder, min_confidence=0.0)
    answer = answerer.ask("When did the river rise?")
    assert answer.sentence.text == "“The river rose on Monday.”"
    assert (answer.speaker.start, answer.speaker.end, answer.speaker.text) == (0, 9, "Ines Mora")
    assert "  Speaker: Ines Mora" in answerer.as_text(answer).splitlines()
    assert answerer.as_dict(answer)["speaker"] == {"text": "Ines Mora", "start": 0, "end": 9}


@pytest.mark.parametrize(
    "text",
    [
        "Ines Mora said: “The bridge is old.”\n\n“The river rose on Monday.”",  # closed, and begun anew: it may be hers
        "Ines Mora said the bridge was old.\n\n“The river rose on Monday,” she said.",
        "Ines Mora knows the bridge. The river rose on Monday.",
    ],
)
def test_nobody_is_named_who_may_not_be_the_speaker(encoder, text):
    answer = answerer_for(text, encoder, min_confidence=0.0).ask("When did the river rise?")
    assert "The river rose" in answer.sentence.text
    assert answer.speaker is None


def test_a_refusal_quotes_nobody(encoder):
    answer = answerer_for(RUNNING, encoder, min_confidence=1.0).ask("When did the river rise?")
    assert (answer.answered, answer.speaker) == (False, None)


@pytest.mark.model
def test_an_article_that_is_not_to_be_kept_leaves_nothing_in_the_cache(tmp_path):
    """What a stranger opens on a shared server: the encoder's graph may be kept, the text may not."""
    article = article_from_text("The mayor of Quillport resigned on Monday. It was raining.")
    assert open_answerer(article, cache=tmp_path, keep=False).ask("Who resigned on Monday?").answered
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Quillport" in path.read_bytes()]
    open_answerer(article, cache=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"Quillport" in path.read_bytes()]
