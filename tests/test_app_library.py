"""The app on a library: what is asked, shown and offered, without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import WordEncoder

from index.article import article_from_text
from index.errors import NoSuchArticle
from library import Incoming, Library, create_library, only
from library.errors import BadFilter
from qa.confidence import Calibration
from qa.library_answer import LibraryAnswerer
from qa.reader import FusedReader
from ui.archive import Archive
from ui.article_pane import CONTENTS
from ui.cite import as_json, as_markdown, as_plain
from ui.conversation import conversation_html
from ui.line import Line
from ui.programs import LibraryPrograms, MalformedCall
from ui.words import day, origin

STORIES = (
    ("The great flood", "wire/flood.txt", "2024-05-17", "The river rose on Monday. The flood took the bridge."),
    ("The mayor", "/home/jo/mayor.txt", "2024-06", "Mayor Carter wept.\n\nThe flood took the bridge."),
    ("A spring", "https://example.org/spring", None, "The spring was wet. The river sang <b>loud</b>."),
)
CALIBRATION = Calibration("fused", 0.0, {"top_logit": 1.0}, threshold=0.2)
Opening = Callable[..., Archive]


@pytest.fixture
def library(tmp_path: Path, encoder: WordEncoder) -> Iterator[Library]:
    with create_library(tmp_path / "news", encoder) as made:
        incoming = [
            Incoming(article_from_text(text, title=title, source=source), date) for title, source, date, text in STORIES
        ]
        made.add(incoming, encoder)
        yield made


@pytest.fixture
def archive(library: Library, encoder: WordEncoder) -> Archive:
    return Archive(LibraryAnswerer(library, encoder, FusedReader(), CALIBRATION))


@pytest.fixture
def page(archive: Archive, tmp_path: Path) -> Any:
    from app import _LibraryPage

    return _LibraryPage(archive, tmp_path / "kept")


def beginning() -> Any:
    from app import Session

    return Session(CONTENTS, (CONTENTS,), everything=True)


def asked(page: Any, question: str, session: Any) -> Any:
    return list(page.ask(question, session, True))[-1]


def shown_text(drawn: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", drawn).split())


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_an_answer_names_its_article_with_source_and_date_and_that_article_comes_into_the_pane(page):
    answered = asked(page, "When did the river rise?", beginning())
    told = shown_text(answered.conversation)
    assert "Paragraph 1, sentence 1 of The great flood (flood.txt, 17 May 2024)" in told
    assert answered.session.key == "1"
    assert '<article class="sheet" data-article="1"' in answered.pane
    assert '<span class="s" data-row="0">The river rose on Monday.</span>' in answered.pane
    assert 'data-article="1" data-row="0"' in answered.conversation


def test_the_same_sentence_of_a_copy_is_one_answer_with_its_other_place(page):
    drawn = asked(page, "What did the flood do to the bridge?", beginning()).conversation
    also = re.search(r'<details class="also">.*?</details>', drawn)
    assert also is not None
    assert shown_text(also[0]) == "The same sentence in 1 other place The mayor mayor.txt, June 2024"
    assert 'data-row="1" data-article="2"' in also[0]


def test_an_article_that_has_the_sentence_twice_is_told_once_and_never_as_another(library, encoder, archive):
    for source in ("c", "d"):
        library.add([Incoming(article_from_text("The bridge fell.\n\n" * 2, title=source, source=source))], encoder)
    exchange = archive.ask("The bridge fell?", (), pane=CONTENTS)
    assert (exchange.title, [one.title for one in exchange.elsewhere]) == ("c", ["d"])
    assert json.loads(as_json(exchange))["also_in"] == [{"title": "d", "source": "d"}]


def test_a_runner_up_says_which_article_it_is_of(page):
    drawn = asked(page, "When did the river rise?", beginning()).conversation
    others = re.search(r'<details class="others">.*?</details>', drawn)
    assert others is not None
    assert 'data-article="3"' in others[0]
    assert "<cite>A spring</cite>" in others[0]
    assert "<b>" not in others[0]


def test_only_runners_up_of_the_article_in_the_pane_are_marked_in_it(archive):
    exchange = archive.ask("Was the river loud in spring?", [], pane=CONTENTS)
    drawn = conversation_html([exchange])
    rivals = re.search(r'data-rivals="([^"]*)"', drawn)
    same = {str(runner.row) for runner in exchange.runners[1:] if runner.key == exchange.key}
    assert rivals is not None
    assert set(rivals[1].split()) <= same


def test_what_no_article_says_is_refused_for_all_of_them_with_the_nearest_miss(library, encoder):
    strict = Archive(LibraryAnswerer(library, encoder, FusedReader(), CALIBRATION, min_confidence=1.0))
    exchange = strict.ask("Did the volcano spare the river?", [], pane=CONTENTS)
    told = shown_text(conversation_html([exchange]))
    assert "None of the 3 articles says." in told
    assert "No article mentions" in told
    assert "The nearest it comes:" in told
    assert as_plain(exchange) == "Did the volcano spare the river?\nNone of the 3 articles says."


def test_a_question_that_cannot_be_asked_leaves_the_pane_as_it_is(page):
    session = asked(page, "When did the river rise?", beginning()).session
    answered = asked(page, "?!", session)
    assert answered.session.key == "1"
    assert "The question has no word in it." in answered.conversation


def test_a_library_of_one_article_names_it_all_the_same(tmp_path, encoder):
    with create_library(tmp_path / "one", encoder) as made:
        made.add([Incoming(article_from_text("The river rose.", title="Rain", source="rain.txt"))], encoder)
        answerer = LibraryAnswerer(made, encoder, FusedReader(), CALIBRATION)
        drawn = conversation_html([Archive(answerer).ask("Did the river rise?", [], pane=CONTENTS)])
    assert "<cite>Rain</cite> (rain.txt)" in drawn


def test_a_citation_says_from_which_source_of_which_day(archive):
    exchange = archive.ask("When did the river rise?", [], pane=CONTENTS)
    assert as_plain(exchange).endswith(
        "“The river rose on Monday.” (The great flood, flood.txt, 17 May 2024, paragraph 1, sentence 1)"
    )
    assert "The great flood, flood\\.txt" in as_markdown(exchange).replace("flood.txt", "flood\\.txt")
    record = json.loads(as_json(exchange))
    assert record["article"]["date"] == "2024-05-17"
    assert record["also_in"] == []


def test_in_a_long_article_of_which_a_part_was_read_the_row_counts_in_the_whole(tmp_path, encoder, monkeypatch):
    import qa.library_answer

    monkeypatch.setattr(qa.library_answer, "LONGEST_READ", 20)
    text = "\n\n".join("The river rose in 1953." if n == 70 else f"Line {n} is about nothing." for n in range(100))
    with create_library(tmp_path / "long", encoder) as made:
        made.add([Incoming(article_from_text(text, title="Long", source="long"))], encoder)
        archive = Archive(LibraryAnswerer(made, encoder, FusedReader(), CALIBRATION))
        exchange = archive.ask("When did the river rise?", [], pane=CONTENTS)
        assert exchange.runners[0].row == 70
        assert '<span class="s" data-row="70">The river rose in 1953.</span>' in archive.pane("1")


# --- the contents -----------------------------------------------------------------------------------------------------


def test_the_contents_list_the_articles_that_came_last_first(archive):
    drawn = archive.contents()
    assert re.findall(r'data-open="(\d+)"', drawn) == ["3", "2", "1"]
    assert "17 May 2024" in drawn
    assert "/home/jo" not in drawn


def test_articles_are_found_by_title_source_or_date(archive):
    assert re.findall(r'data-open="(\d+)"', archive.contents("mayor")) == ["2"]
    assert re.findall(r'data-open="(\d+)"', archive.contents(" date:2024-05..2024-07 ")) == ["2", "1"]
    assert "No article is like that." in archive.contents("zebra")
    with pytest.raises(BadFilter):
        archive.contents("date:yesterday")


def test_of_many_articles_the_first_hundred_are_listed_and_the_rest_counted(library, encoder, archive):
    many = [Incoming(article_from_text(f"River {n}.", title=f"R{n}", source=f"r{n}")) for n in range(120)]
    library.add(many, encoder)
    drawn = archive.contents()
    assert drawn.count("data-open=") == 100
    assert "And 23 that came before." in drawn


def test_where_only_some_articles_are_asked_only_those_are_listed(library, encoder):
    some = Archive(LibraryAnswerer(library, encoder, FusedReader(), CALIBRATION, which=only(["date:2024"])))
    drawn = some.contents()
    assert re.findall(r'data-open="(\d+)"', drawn) == ["2", "1"]
    assert "only date:2024" in drawn
    assert re.findall(r'data-open="(\d+)"', some.contents("flood")) == ["1"]
    assert some.ask("Was the spring wet?", [], pane=CONTENTS).title != "A spring"


def test_an_article_opens_from_the_contents_and_leads_back(page):
    import gradio as gr

    (opened,) = page.from_shelf(beginning(), gr.EventData(None, {"open": "3"}))
    assert opened.session.key == "3"
    assert "The river sang &lt;b&gt;loud&lt;/b&gt;." in opened.pane
    assert f'data-open="{CONTENTS}"' in opened.pane
    (back,) = page.from_shelf(opened.session, gr.EventData(None, {"open": CONTENTS}))
    assert back.session.key == CONTENTS
    (gone,) = page.from_shelf(beginning(), gr.EventData(None, {"open": "99"}))
    assert "not in the library any more" in gone.complaint


@pytest.mark.parametrize("key", ["99", "-1", "x", "9" * 40, "", "1 OR 1"])
def test_a_number_that_no_article_has_is_refused(archive, key):
    with pytest.raises(NoSuchArticle):
        archive.pane(key)


def test_what_is_typed_to_find_an_article_and_makes_no_sense_yet_is_told_in_a_line(page):
    assert page.find("date:20", beginning()).complaint.startswith('<p role="alert">date:20: ')  # no word of "--only"
    assert page.find("flood", beginning()).session.key == CONTENTS


def test_a_sentence_that_is_chosen_as_right_is_taken_from_the_article_in_the_pane(page, tmp_path):
    session = asked(page, "When did the river rise?", beginning()).session
    page._judged(session.at("3"), 0, 1)
    draft = json.loads((tmp_path / "kept" / "drafts" / "drafts.jsonl").read_text(encoding="utf-8"))
    assert draft["evidence"] == ["The river sang <b>loud</b>."]


def test_examples_are_questions_that_the_library_answers(page):
    drawn = page.suggest(beginning())
    assert "a sentence of one of the articles" in drawn
    for question in re.findall(r'data-ask="([^"]*)"', drawn):
        assert page.archive.answerer.ask(question).answered


@pytest.mark.parametrize(("date", "said"), [("2024", "2024"), ("2024-05", "May 2024"), ("2024-05-07", "7 May 2024")])
def test_a_date_is_said_as_exactly_as_it_is_known(date, said):
    assert day(date) == said


def test_where_an_article_came_from_is_said_without_folders():
    assert origin("C:\\Users\\jo\\flood.txt") == "flood.txt"
    assert origin("https://example.org/a/b", "2024") == "https://example.org/a/b, 2024"


# --- programs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def programs(archive: Archive) -> LibraryPrograms:
    return LibraryPrograms(archive, Line(2, longest=10))


def test_a_program_gets_the_article_and_every_place_with_offsets(programs, library):
    record = programs.ask("What did the flood do to the bridge?")
    assert json.loads(json.dumps(record)) == record
    assert [place["title"] for place in record["places"]] == ["The great flood", "The mayor"]
    with library.reading() as snapshot:
        for place in record["places"]:
            text = snapshot.article(place["article"]).text
            assert text[place["start"] : place["end"]] == record["sentence"]["text"]
    assert record["library"] == {"folder": "news", "only": None}


def test_a_program_asks_several_questions_and_lists_articles(programs):
    answered = programs.batch([{"id": "a", "question": "When did the river rise?"}, {"id": "b"}])
    assert answered[0]["sentence"]["text"] == "The river rose on Monday."
    assert answered[1]["error"]
    assert [one["date"] for one in programs.articles("date:2024")] == ["2024-06", "2024-05-17"]
    with pytest.raises(MalformedCall):
        programs.ask(5)  # type: ignore[arg-type]


def test_the_app_of_a_library_offers_what_it_can_and_evaluates_nothing(archive):
    from app import build_library_app

    app = build_library_app(archive.answerer, cache=None)
    assert {fn.api_name for fn in app.fns.values() if fn.api_visibility == "public" and fn.api_name} == {
        "ask", "batch", "articles",
    }  # fmt: skip


def test_a_served_library_answers_over_http(archive):
    from gradio_client import Client

    from app import build_library_app, launch

    app = build_library_app(archive.answerer, cache=None)
    try:
        client = Client(launch(app), verbose=False)
        record = client.predict("When did the river rise?", [], api_name="/ask")
        client.close()
    finally:
        app.close(verbose=False)
    assert record["sentence"]["text"] == "The river rose on Monday."
    assert record["article"]["title"] == "The great flood"
