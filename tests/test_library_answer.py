"""qa/library_answer.py: one answer out of several articles, where it stands, and how several readings become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import SMALL_ARTICLE, WordEncoder

import qa.library_answer
from index.article import article_from_text, builtin_article
from index.build import build_index
from index.sentences import Sentence
from library import Incoming, Library, create_library, only
from qa.answer import Answerer, open_models
from qa.confidence import Calibration, load_calibration
from qa.dialogue import Turn
from qa.evaluate import evaluate
from qa.library_answer import AboutArticle, LibraryAnswerer, LibraryCandidate, put_together, worth_of
from qa.reader import FusedReader, Reading, ReadSentence
from qa.retrieve import Candidate

CALIBRATION = Calibration("fused", 0.0, {"top_logit": 1.0}, threshold=0.3)
Opening = Callable[..., LibraryAnswerer]


@pytest.fixture
def library(tmp_path: Path, encoder: WordEncoder) -> Library:
    with create_library(tmp_path / "lib", encoder) as made:
        yield made


@pytest.fixture
def open_with(library: Library, encoder: WordEncoder) -> Opening:
    def opened(*texts: str, **options: object) -> LibraryAnswerer:
        articles = [article_from_text(text, title=f"T{n}", source=f"s{n}") for n, text in enumerate(texts)]
        library.add(map(Incoming, articles), encoder)
        return LibraryAnswerer(library, encoder, FusedReader(), CALIBRATION, **options)

    return opened


def read_sentence(row: int, relevance: float) -> ReadSentence:
    sentence = Sentence(10 * row, 10 * row + 5, "Text.", 0)
    return ReadSentence(Candidate(row, sentence, 0.5, 1.0, 0.5, row + 1, row + 1, row + 1), relevance, None, None)


def test_several_readings_become_one_by_their_odds():
    """0.6 and 0.2 of "none" 0.2 are odds of 3 and 1; 0.5 of 0.5 is 1; with 1 for "none" they make 6."""
    one = Reading((read_sentence(0, 0.6), read_sentence(1, 0.2)), none=0.2, read=2)
    two = Reading((read_sentence(0, 0.5),), none=0.5, read=1)
    together, homes = put_together([one, two], [(7, 8), (9,)])
    assert [read.relevance for read in together.sentences] == pytest.approx([1 / 2, 1 / 6, 1 / 6])
    assert (together.none, together.read, homes) == (pytest.approx(1 / 6), 3, [0, 0, 1])


def test_one_reading_alone_stays_as_it_is():
    one = Reading((read_sentence(0, 0.6), read_sentence(1, 0.3)), none=0.1, read=2)
    together, _ = put_together([one], [(0, 1)])
    assert [read.relevance for read in together.sentences] == pytest.approx([0.6, 0.3])
    assert together.none == pytest.approx(0.1)


def test_a_sentence_of_both_articles_counts_once_where_its_odds_are_best():
    one = Reading((read_sentence(0, 0.5),), none=0.5, read=1)
    two = Reading((read_sentence(0, 0.8),), none=0.2, read=1)
    together, homes = put_together([one, two], [(7,), (7,)])
    assert [read.relevance for read in together.sentences] == pytest.approx([0.8])
    assert homes == [1]


@pytest.mark.parametrize(
    "question", ["When did the river rise?", "What will the mayor do?", "Who painted the ceiling?"]
)
def test_a_library_of_one_article_answers_as_the_article_does(open_with, encoder, question):
    article = article_from_text(SMALL_ARTICLE, title="T0", source="s0")
    alone = Answerer(build_index(article, encoder), encoder, FusedReader(), CALIBRATION).ask(question)
    found = open_with(SMALL_ARTICLE).ask(question)
    assert (found.answered, found.sentence, found.nearest_miss) == (alone.answered, alone.sentence, alone.nearest_miss)
    assert found.confidence == pytest.approx(alone.confidence, abs=2e-3)  # the vectors have half as many digits
    assert found.unmentioned == alone.unmentioned
    assert found.home is not None
    assert found.home.article == article


def test_the_answer_is_that_of_the_right_article_and_stands_in_it(open_with):
    texts = ["The river rose on Monday.", "Mayor Carter wept.\n\nThe spring was wet.", "Nobody was hurt by the bridge."]
    answer = open_with(*texts).ask("Was the spring wet?")
    assert answer.sentence is not None
    assert answer.sentence.text == "The spring was wet."
    assert [(place.source, place.title) for place in answer.places] == [("s1", "T1")]
    assert texts[1][answer.places[0].start : answer.places[0].end] == "The spring was wet."


def test_ten_copies_take_the_place_of_one_article(open_with):
    copies = ["The flood took the bridge." for _ in range(10)]
    answerer = open_with(*copies, "The bridge and the river.", articles_read=2)
    answer = answerer.ask("What did the flood do to the bridge?")
    assert [place.source for place in answer.places] == [f"s{n}" for n in range(10)]
    texts = [read.candidate.sentence.text for read in answer.candidates]
    assert texts == ["The flood took the bridge.", "The bridge and the river."]


TWO_PAINTERS = (
    "Anna Berg painted the ceiling of the hall.\n\nShe was born in Bergen, by the sea.",
    "Clara Holt painted the walls of the town hall.\n\nShe was born in Leeds, in a hall of the town, in the hall.",
)


def test_a_follow_up_stays_with_the_article_that_answered(open_with):
    answerer = open_with(*TWO_PAINTERS, min_confidence=0.01)
    before = answerer.ask("Who painted the ceiling?")
    assert before.places[0].title == "T0"
    alone = answerer.ask("Where was she born, in the hall of the town?")
    assert alone.places[0].title == "T1"
    after = answerer.ask("Where was she born, in the hall of the town?", [before.turn])
    assert after.places[0].title == "T0"


def test_a_follow_up_that_its_article_does_not_answer_is_asked_of_all(open_with):
    answerer = open_with(*TWO_PAINTERS, min_confidence=1.0)  # nothing is ever sure enough
    before = answerer.ask("Who painted the ceiling?")
    after = answerer.ask("Where was she born, in the hall of the town?", [before.turn])
    assert {read.candidate.places[0].title for read in after.candidates} == {"T0", "T1"}


def test_a_turn_of_an_article_that_has_gone_misleads_nobody(open_with, library):
    answerer = open_with(*TWO_PAINTERS)
    before = answerer.ask("Who painted the ceiling?")
    library.remove([before.places[0].article])
    after = answerer.ask("Where was she born?", [before.turn])
    assert after.places[0].title == "T1"


def test_an_article_is_worth_its_best_sentence_half_its_second_and_a_quarter_of_its_third():
    assert worth_of([0.8, 0.4, 0.4, 0.4]) == pytest.approx(0.8 + 0.2 + 0.1)


def test_of_a_long_article_the_part_around_the_best_sentence_is_read(open_with, monkeypatch):
    monkeypatch.setattr(qa.library_answer, "LONGEST_READ", 20)
    text = "\n\n".join(f"Line {n} is about nothing." if n != 70 else "The river rose in 1953." for n in range(100))
    answer = open_with(text).ask("When did the river rise?")
    assert answer.sentence is not None
    assert text[answer.sentence.start : answer.sentence.end] == answer.sentence.text == "The river rose in 1953."
    assert answer.places[0].number == 70
    assert len(answer.candidates) == 20


def test_no_article_to_ask_is_said_and_not_answered(open_with, library, encoder):
    answerer = open_with("The river rose.")
    assert answerer.ask("?").reason == "The question has no word in it. Ask it in words."
    answerer.which = only(["date:2024"])
    assert answerer.ask("Did the river rise?").reason == "No article of the library meets --only date:2024."
    library.remove([1])
    answerer.which = None
    assert "empty" in str(answerer.ask("Did the river rise?").reason)


def test_an_article_that_changes_between_two_questions_is_read_anew(open_with, library, encoder):
    answerer = open_with("The river rose on Monday.", "The mayor wept.")
    assert answerer.ask("When did the river rise?").sentence.text == "The river rose on Monday."
    library.add([Incoming(article_from_text("The river rose in spring.", title="T0", source="s0"))], encoder)
    assert answerer.ask("When did the river rise?").sentence.text == "The river rose in spring."


def test_the_evaluation_counts_an_answer_of_another_article_as_wrong_and_of_a_copy_as_right(
    open_with, question_set, small_article
):
    answerer = open_with("The spring of 1953 was dry.", small_article.text, f"A copy.\n\n{small_article.text}")
    outcomes = {one.id: one for one in evaluate(question_set, lambda a: AboutArticle(answerer, a.fingerprint))}
    assert [one.error for one in outcomes.values()] == [None] * 6
    assert outcomes["q1"].right  # "The river rose on Monday.", of either copy
    assert outcomes["q1"].sentence in outcomes["q1"].gold
    elsewhere = AboutArticle(answerer, small_article.fingerprint).ask("What was in the spring of 1953?")
    assert elsewhere.sentence.text == "The spring of 1953 was dry."
    assert elsewhere.sentence.start > len(small_article.text)  # in no place of the article that is asked about
    assert elsewhere.candidates[0].candidate.sentence.start == elsewhere.sentence.start


def test_a_misspelt_word_is_mended_towards_the_articles_that_the_other_words_find(open_with):
    answerer = open_with("Sheep graze here.", "Mayor Carter wept by the river.", "Nobody was hurt by the bridge.")
    answer = answerer.ask("Did the mayor Cartter grieve by the river?")
    assert answer.question == "Did the mayor Cartter grieve by the river?"
    assert answer.understood == "Did the mayor Carter grieve by the river?"
    assert answer.unmentioned == ("grieve",)  # it says "wept"
    assert answer.places[0].source == "s1"


def test_a_misspelt_follow_up_leaves_the_question_before_it_as_it_was(open_with):
    answerer = open_with("Sheep graze here.", "Mayor Carter wept by the river.", "Nobody was hurt by the bridge.")
    answer = answerer.ask("Why did Cartter do that?", [Turn("Who wept by the river?", "")])
    assert answer.understood == "Why did Carter do that? (after: Who wept by the river?)"


@pytest.mark.model
def test_the_real_models_find_the_right_article_among_several(tmp_path):
    encoder, reader = open_models(None, "trained", None)
    texts: Sequence[str] = [
        "Volcano closes airport\n\nThe airport of Catania was closed on Friday after Etna threw ash over the runways. "
        "Flights were moved to Palermo.",
        "Chess champion resigns\n\nThe champion gave up his title on Sunday because of illness. His second plays on.",
    ]
    with create_library(tmp_path / "lib", encoder) as library:
        library.add([Incoming(builtin_article())], encoder)
        library.add([Incoming(article_from_text(text, source=str(n))) for n, text in enumerate(texts)], encoder)
        answerer = LibraryAnswerer(library, encoder, reader, load_calibration(reader.name))
        answer = answerer.ask("Why did the champion give up his title?")
        assert answer.places[0].title == "Chess champion resigns"
        assert answer.sentence is not None
        assert "illness" in answer.sentence.text
        assert isinstance(answer.candidates[0].candidate, LibraryCandidate)
        assert answerer.ask("Where were the flights moved?").sentence.text == "Flights were moved to Palermo."
