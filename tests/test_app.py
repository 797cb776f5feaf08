"""The app without a browser: what it draws, what its endpoint answers, what it refuses."""

from __future__ import annotations

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import Article, article_from_text
from index.build import build_index, open_index
from index.errors import EmptyArticle, MissingExtra, NoSuchArticle, UserError
from index.sentences import split_sentences
from qa.answer import Answerer
from qa.questions import read_questions
from ui.article_pane import article_html
from ui.cite import as_markdown, as_plain, as_record
from ui.conversation import conversation_html, exchange_of
from ui.evaluating import Progress, kept_runs, report_html, run_in_steps
from ui.library import HowFar, Library, Shelved, key_of
from ui.line import Line, TooManyWaiting
from ui.programs import MalformedCall
from ui.shelf import shelf_html
from ui.suggestions import _about_words, suggest
from ui.waiting import opening_html, place_html
from ui.words import odds, place, reading_time, sureness

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> ${7*7} {{this}} $x^2$ **bold** <!-- \x00\u202e"


@pytest.fixture(scope="module")
def answerer(open_toy: Any, small_article: Article) -> Answerer:
    return open_toy(small_article)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "said"),
    [
        (0.91, "9 of 10"),
        (0.5, "5 of 10"),
        (0.97, "97 of 100"),
        (1.0, "99 of 100"),
        (0.03, "3 of 100"),
        (0.0, "1 of 100"),
    ],
)
def test_a_confidence_is_a_count_and_never_says_always_or_never(confidence, said):
    assert odds(confidence) == said


def test_how_sure_is_said_in_words_and_as_a_count():
    assert sureness(0.92) == "almost certainly right: 9 of 10 answers like this are"


def test_a_wording_that_is_not_of_right_says_of_what_the_count_is():
    assert sureness(0.5) == "as likely right as wrong: 5 of 10 answers like this are right"


@given(st.floats(0, 1))
def test_words_and_count_say_the_same(confidence):
    """More than half of ten is never "as likely right as wrong", fewer never "likely right"."""
    count = odds(confidence)
    if count.endswith("of 10") and not count.startswith("5"):
        assert "as likely" not in sureness(confidence)
        assert (int(count.split()[0]) > 5) == ("wrong" not in sureness(confidence))


def test_a_place_counts_paragraphs_and_sentences_from_one(small_article):
    """Paragraph 2 begins "The river rose on Monday. By 1953 ...": the second sentence there is row 2."""
    sentences = split_sentences(small_article.text)
    assert place(sentences, 0) == "paragraph 1, sentence 1"
    assert place(sentences, 2) == "paragraph 2, sentence 2"


def test_even_a_headline_takes_a_minute_to_read():
    assert (reading_time(5), reading_time(2300), reading_time(230 * 90)) == ("1 min read", "10 min read", "1.5 h read")


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_no_character_of_an_article_is_drawn_as_markup():
    article = article_from_text(f"{HOSTILE}\n\n{HOSTILE} ends.", title=HOSTILE, source=HOSTILE)
    drawn = article_html(article, split_sentences(article.text), key='"><b>')
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "<!--" not in drawn
    assert "<b>" not in drawn


def test_every_sentence_is_drawn_once_with_its_row(small_article):
    sentences = split_sentences(small_article.text)
    drawn = article_html(small_article, sentences, key="k")
    assert [f'data-row="{row}"' in drawn for row in range(len(sentences))] == [True] * len(sentences)
    assert drawn.count("data-row=") == len(sentences)


def test_the_headline_is_drawn_once():
    with_headline = article_from_text("A storm is coming\n\nIt rained.", title="A storm is coming")
    without = article_from_text("It rained.", title="Rain")
    for article in (with_headline, without):
        drawn = article_html(article, split_sentences(article.text), key="k")
        assert drawn.count("<h1") == 1


def test_the_folders_of_an_uploaded_file_are_not_shown():
    article = article_from_text("It rained.", title="t", source="/home/somebody/secret/rain.txt")
    assert "secret" not in article_html(article, split_sentences(article.text), key="k")


def test_an_answer_shows_its_sentence_its_place_and_how_sure(answerer):
    drawn = conversation_html([exchange_of(answerer.ask("When did the river rise?"), answerer, key="k")])
    assert "The river rose on Monday." in drawn
    assert "Paragraph 2, sentence 1" in drawn
    assert "answers like this are" in drawn
    assert "Runners-up" in drawn
    assert "Why this answer" in drawn


def test_what_a_colon_promises_is_drawn_after_the_sentence(answerer):
    text = "The rain fell.\n\nThe mayor asks for these things:\n\n- a higher bridge\n- two <pumps>"
    index = build_index(article_from_text(text), answerer.encoder)
    asking = Answerer(index, answerer.encoder, answerer.reader, answerer.calibration, min_confidence=0.0)
    drawn = conversation_html([exchange_of(asking.ask("What does the mayor ask for?"), asking, key="k")])
    assert 'these things:<span class="around">' in drawn
    assert "two &lt;pumps&gt;</span></button>" in drawn


def test_a_quoted_sentence_is_drawn_with_its_speaker_as_text(answerer):
    text = "Ines O'Brien said: “The bridge is old.\n\n“The river rose on Monday.”"
    index = build_index(article_from_text(text), answerer.encoder)
    quoting = Answerer(index, answerer.encoder, answerer.reader, answerer.calibration, min_confidence=0.0)
    exchange = exchange_of(quoting.ask("When did the river rise?"), quoting, key="k")
    drawn = conversation_html([exchange])
    assert "(Ines O'Brien, in Ines O'Brien said" in as_plain(exchange)
    assert 'Speaker: <span dir="auto">Ines O&#x27;Brien</span>' in drawn


def test_what_the_article_does_not_say_is_said_with_the_words_it_lacks(answerer):
    strict = Answerer(
        answerer.article_index, answerer.encoder, answerer.reader, answerer.calibration, min_confidence=1.0
    )
    drawn = conversation_html([exchange_of(strict.ask("Did the volcano spare the bridge?"), strict, key="k")])
    assert "The article does not say." in drawn
    assert "<q>volcano</q>" in drawn
    assert 'class="miss"' in drawn


def test_a_hostile_question_is_drawn_as_text(answerer):
    drawn = conversation_html([exchange_of(answerer.ask("river " + HOSTILE), answerer, key="k")], trouble=HOSTILE)
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_why_names_the_words_that_question_and_sentence_share(answerer):
    exchange = exchange_of(answerer.ask("Which bridges did the flood take?"), answerer, key="k")
    assert set(exchange.runners[0].shared) == {"bridges", "flood", "take"}  # it "took" them


def test_few_candidates_are_kept_of_a_long_article(open_toy):
    article = article_from_text("The river rose. " * 500)
    asked = open_toy(article)
    exchange = exchange_of(asked.ask("Did the river rise?"), asked, key="k")
    assert len(exchange.runners) == len(exchange.answer.candidates) == 8


# --- taking an answer away --------------------------------------------------------------------------------------------


def test_a_citation_names_the_article_and_the_place(answerer):
    exchange = exchange_of(answerer.ask("When did the river rise?"), answerer, key="k")
    assert as_plain(exchange).endswith("“The river rose on Monday.” (The great flood, paragraph 2, sentence 1)")
    record = as_record(exchange)
    start, end = record["sentence"]["start"], record["sentence"]["end"]
    assert answerer.article.text[start:end] == record["sentence"]["text"]


def test_markdown_in_an_article_is_shown_not_interpreted(open_toy):
    article = article_from_text("The *river* [rose](http://x) `on` Monday.", title="A_B")
    asked = open_toy(article)
    drawn = as_markdown(exchange_of(asked.ask("When did the river rise?"), asked, key="k"))
    assert r"\*river\*" in drawn
    assert r"\[rose\]\(http" in drawn
    assert r"A\_B" in drawn


# --- the library ------------------------------------------------------------------------------------------------------


def test_an_article_that_many_ask_for_at_once_is_opened_once(open_toy, small_article):
    opened = []

    def slow(article: Article, *, progress: Any) -> Answerer:
        opened.append(article)
        return open_toy(article, progress=progress)

    library = Library(slow, cache=None)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: library.answerer(small_article), range(16)))
    assert len(opened) == 1
    assert len({id(answerer) for answerer in found}) == 1


def test_only_so_many_articles_stay_open_and_the_oldest_goes(open_toy):
    library = Library(open_toy, cache=None)
    keys = [library.put(article_from_text(f"Text number {number}.")) for number in range(20)]
    assert library.article(keys[0]) is None
    assert library.article(keys[-1]) is not None
    assert len(library.shelf()) == 16


def test_an_article_that_was_forgotten_is_not_on_the_shelf(open_toy, small_article):
    library = Library(open_toy, cache=None)
    key = library.put(small_article)
    library.forget(key)
    assert library.shelf() == []
    assert library.article(key) is None


def test_whoever_waits_for_an_article_is_told_how_far_it_is(open_toy, small_article):
    """The opening stops at 2 of 6 sentences until the one who waits has heard of it."""
    heard = threading.Event()

    def halting(article: Article, *, progress: Any) -> Answerer:
        progress("embedding sentences", 2, 6)
        heard.wait()
        return open_toy(article)

    library = Library(halting, cache=None)
    for far in library.open_in_steps(small_article):
        if far == HowFar(2, 6):
            heard.set()
    assert library.is_open(key_of(small_article))
    assert list(library.open_in_steps(small_article)) == []


def test_an_article_that_cannot_be_opened_says_so_to_whoever_waits(small_article):
    def broken(article: Article, *, progress: Any) -> Answerer:
        raise EmptyArticle("nothing in it")

    with pytest.raises(EmptyArticle, match="nothing in it"):
        list(Library(broken, cache=None).open_in_steps(small_article))


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_the_third_of_two_at_once_waits_for_one(open_toy):
    line = Line(2, longest=10)
    with line.place() as first, line.place() as second:
        with line.place() as third, line.place() as fourth:
            assert [place.before for place in (first, second, third, fourth)] == [0, 0, 1, 2]
            assert "One question is before yours" in place_html(third)
            assert "2 questions are before yours" in place_html(fourth)
        with line.place() as fifth:
            assert fifth.before == 1


def test_a_place_that_is_left_moves_the_others_up():
    line = Line(1, longest=10)
    moved = []
    with line.place():
        waiting = threading.Thread(target=lambda: moved.append(_stood(line)))
        waiting.start()
        while len(line._places) < 2:
            pass
        assert moved == []
    waiting.join()
    assert moved == [0]


def _stood(line: Line) -> int:
    with line.place() as place:
        place.wait()
        return place.before


def test_nobody_waits_in_a_line_that_is_too_long():
    line = Line(1, longest=1)
    with line.place(), line.place(), pytest.raises(TooManyWaiting, match="1 question"), line.place():
        pass


def test_a_bar_without_an_end_has_no_figures():
    assert "value=" not in opening_html(0, 0)
    assert "512 of 12,000 sentences" in opening_html(512, 12000)


# --- examples ---------------------------------------------------------------------------------------------------------


def test_an_example_question_is_answered_by_a_sentence_that_names_what_it_asks_about(answerer):
    for question in suggest(answerer):
        assert answerer.ask(question).answered


def test_a_place_is_not_asked_about_as_a_person(open_toy):
    article = article_from_text("The river rose in Maida Vale. Maida Vale flood victim Jane Carter, the mayor, spoke.")
    assert not any("Who is Maida Vale" in question for question in suggest(open_toy(article)))


def test_a_name_at_the_beginning_of_a_sentence_loses_its_capital_the():
    text = "The Metropolitan Police said that the river rose."
    assert [question for question, _ in _about_words(text)] == ["What did the Metropolitan Police say?"]


def test_an_article_without_names_gets_no_example_that_fails(open_toy):
    assert suggest(open_toy(article_from_text("It rained. Then it stopped."))) == []


# --- the app ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(open_toy: Any, small_article: Article) -> Any:
    from app import _Page

    return _Page(Library(open_toy, cache=None), small_article, None, shared=True)


def asked(page: Any, question: str, session: Any, everything: bool) -> Any:
    """What the page shows when the answer has come."""
    return list(page.ask(question, session, everything))[-1]


def test_two_conversations_do_not_mix(page, small_article):
    from app import Session

    one = other = Session(key_of(small_article), (key_of(small_article),))
    one, _, drawn_one, *_ = asked(page, "When did the river rise?", one, False)
    other, _, drawn_other, *_ = asked(page, "Who is the mayor?", other, False)
    assert "When did the river rise?" not in drawn_other
    assert [len(session.exchanges) for session in (one, other)] == [1, 1]
    assert "Who is the mayor?" not in drawn_one


def test_a_bad_article_is_complained_about_in_one_line_and_the_old_one_stays(page, small_article):
    from app import Desk, Session

    last = list(page.bring_text("  \n ", Session(key_of(small_article), ())))[-1]
    with pytest.raises(EmptyArticle) as refused:
        article_from_text("  \n ")
    assert "\n" not in str(refused.value)
    assert 'role="alert"' in last.complaint
    assert last.another.open  # where the complaint stands, for what was clicked elsewhere
    assert (last.session, last.pane, last.examples, last.question) == (Desk().session,) * 4


def test_the_complaint_about_an_article_is_escaped(page, small_article):
    from app import Session

    last = list(page.bring_file("/nowhere/<img src=x>.txt", Session(key_of(small_article), ())))[-1]
    assert "<img" not in last.complaint


def test_only_the_endpoints_that_are_promised_are_public(open_toy, small_article, tmp_path):
    from app import build_app

    def public(cache: Path | None) -> set[str]:
        app = build_app(small_article, open_article=open_toy, cache=cache)
        return {fn.api_name for fn in app.fns.values() if fn.api_visibility == "public" and fn.api_name}

    assert public(None) == {"ask", "batch", "open"}
    assert public(tmp_path) == {"ask", "batch", "open", "articles", "evaluate"}


def test_a_program_is_told_of_the_endpoints_with_their_types(serve_toy):
    with serve_toy() as url, urllib.request.urlopen(f"{url}gradio_api/info") as answer:
        named = json.load(answer)["named_endpoints"]
    assert set(named) == {"/ask", "/batch", "/open", "/articles", "/evaluate"}
    assert named["/ask"]["parameters"][0]["type"] == {"type": "string"}


def test_nothing_is_opened_until_somebody_asks(small_article):
    from app import build_app

    def never(article: Article, *, progress: Any) -> Answerer:
        raise AssertionError("opened")

    build_app(small_article, open_article=never, cache=None)


def test_demo_is_there_for_gradios_own_tools():
    import app

    assert app.demo is app.demo


def test_local_calls_are_kept_off_proxies(monkeypatch):
    from app import _keep_local_calls_off_proxies

    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("no_proxy", raising=False)
    _keep_local_calls_off_proxies()
    import os

    assert os.environ["NO_PROXY"].split(",")[:2] == ["example.org", "localhost"]
    assert "127.0.0.1" in os.environ["no_proxy"]


def test_the_page_asks_nothing_of_other_machines():
    ui = Path(__file__).parent.parent / "ui"
    for name in ("page.css", "page.js"):
        text = (ui / name).read_text(encoding="utf-8")
        assert "http://" not in text
        assert "https://" not in text
        assert "@import" not in text
        assert "url(" not in text


def test_a_second_thread_does_not_warm_up_twice(page):
    threads = [threading.Thread(target=page.warm_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(page._library.shelf()) == 1


# --- the shelf, drafts, evaluating ------------------------------------------------------------------------------------


def test_a_stranger_does_not_see_what_others_opened(page, small_article):
    from app import Session

    page._library.put(article_from_text("Somebody's secret.", title="Secret"))
    key = key_of(small_article)
    assert page._shelf_shown(Session(key, (key,))) == ""


def test_the_shelf_marks_the_article_in_the_pane_and_escapes_titles():
    drawn = shelf_html([Shelved("a", "<b>A</b>", 3), Shelved("b", "B", None)], current="b")
    assert "<b>A" not in drawn
    assert 'data-open="a"' in drawn
    assert 'data-open="b"' not in drawn
    assert 'aria-current="true"' in drawn


@pytest.fixture
def own_page(open_toy: Any, small_article: Article, tmp_path: Path) -> Any:
    """A page on somebody's own machine, where things may be written."""
    from app import _Page

    return _Page(Library(open_toy, cache=tmp_path), small_article, tmp_path, shared=False)


def test_an_uploaded_file_is_known_by_its_name_and_not_by_gradios_folder(own_page, small_article, tmp_path):
    from app import Session

    folder = tmp_path / "0123456789abcdef"
    folder.mkdir()
    (folder / "spring.txt").write_text("Spring came early. The river was low.", encoding="utf-8")
    (folder / "nothing.txt").write_text("", encoding="utf-8")
    session = Session(key_of(small_article), ())
    opened = list(own_page.bring_file(str(folder / "spring.txt"), session))[-1].session
    assert own_page._article(opened.key).source == "spring.txt"
    refused = list(own_page.bring_file(str(folder / "nothing.txt"), session))[-1]
    assert refused.complaint.startswith('<p role="alert">nothing.txt: ')
    assert str(folder) not in refused.complaint


def test_the_sentence_that_would_have_been_right_becomes_a_draft_question(own_page, small_article, tmp_path):
    from app import Session

    key = own_page._library.put(small_article)
    session = asked(own_page, "Who spoke of rebuilding?", Session(key, (key,)), False)[0]
    session = own_page._judged(session, 0, 4)
    assert session.exchanges[0].judged
    path = tmp_path / "drafts" / "drafts.jsonl"
    draft = json.loads(path.read_text(encoding="utf-8"))
    assert draft["evidence"] == [split_sentences(small_article.text)[4].text]
    assert draft["draft"] is True
    (read,) = read_questions(path, None)
    assert read.question == "Who spoke of rebuilding?"


def test_a_draft_can_say_that_the_article_does_not_answer(own_page, small_article, tmp_path):
    from app import Session

    key = own_page._library.put(small_article)
    session = asked(own_page, "Who spoke of rebuilding?", Session(key, (key,)), False)[0]
    own_page._judged(session, 0, -1)
    draft = json.loads((tmp_path / "drafts" / "drafts.jsonl").read_text(encoding="utf-8"))
    assert draft["evidence"] == []
    assert draft["kind"] == "unanswerable"


def test_of_several_articles_the_surest_answers_and_is_named(own_page, small_article):
    from app import Session

    other = own_page._library.put(article_from_text("Nothing happens here. Nobody is about.", title="Dull"))
    key = own_page._library.put(small_article)
    session, pane, drawn, *_ = asked(own_page, "When did the river rise?", Session(other, (other, key)), True)
    assert session.key == key
    assert "The river rose on Monday." in pane
    assert "<cite>The great flood</cite>" in drawn


def test_the_shelf_follows_the_answer_to_its_article(own_page, small_article):
    from app import Session

    other = own_page._library.put(article_from_text("Nothing happens here. Nobody is about.", title="Dull"))
    key = own_page._library.put(small_article)
    shelf = asked(own_page, "When did the river rise?", Session(other, (other, key)), True).shelf
    assert f'data-open="{other}"' in shelf
    assert f'data-open="{key}"' not in shelf


def test_an_article_that_cannot_be_opened_any_more_does_not_keep_the_others_from_answering(
    own_page, page, small_article, encoder, tmp_path
):
    from app import Session

    damaged = article_from_text("Nothing happens here.", title="Damaged")
    open_index(damaged, encoder, cache=tmp_path)
    (vectors,) = tmp_path.rglob("*.faiss")
    vectors.write_bytes(b"")
    key = own_page._library.put(small_article)
    assert key_of(damaged) in {shelved.key for shelved in own_page._shelf(Session(key, (key,)))}
    assert asked(own_page, "When did the river rise?", Session(key, (key,)), True).session.exchanges
    gone = page._library.put(article_from_text("Nothing happens here.", title="Gone"))
    page._library.forget(gone)
    lost = asked(page, "When did the river rise?", Session(gone, (gone,)), True)
    assert "Open one again" in lost.conversation


@pytest.mark.parametrize("address", ["www.example.invalid/news", "Https://example.invalid/news"])
def test_a_web_address_is_one_however_it_is_typed(page, small_article, address):
    """A shared server refuses to fetch it, which says that it was taken for an address and not for an article."""
    from app import Session

    last = list(page.bring_text(f" {address} ", Session(key_of(small_article), ())))[-1]
    assert "a shared server fetches no web pages" in last.complaint


def test_where_no_article_of_several_answers_none_of_them_is_blamed_alone(own_page, small_article):
    from app import Session

    other = own_page._library.put(article_from_text("Sheep graze here. Nobody is about.", title="Dull"))
    key = own_page._library.put(small_article)
    session, _, drawn, *_ = asked(own_page, "Quantum zebra?", Session(key, (other, key)), True)
    assert "Neither of the 2 articles says." in drawn
    assert "Neither of the 2 articles says." in as_plain(session.exchanges[0])


def test_starting_over_forgets_this_article_only(own_page, small_article):
    import gradio as gr

    from app import Session

    other = own_page._library.put(article_from_text("The bridge is old.", title="Old"))
    key = own_page._library.put(small_article)
    session = asked(own_page, "How is the bridge?", Session(other, (other,)), False)[0]
    session = asked(own_page, "When did the river rise?", session.at(key), False)[0]
    session, _, drawn, *_ = own_page.hear(session, gr.EventData(None, {"fresh": True}))
    assert "river" not in drawn
    assert [exchange.key for exchange in session.exchanges] == [other]


QUESTIONS = [
    {"id": "a", "question": "When did the river rise?", "evidence": ["The river rose on Monday."],
     "answers": ["Monday"], "kind": "direct"},
    {"id": "b", "question": "Who took the bridge?", "evidence": [], "answers": [], "kind": "unanswerable"},
]  # fmt: skip


def test_an_evaluation_goes_step_by_step_and_leaves_a_run_to_show(open_toy, small_article, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in QUESTIONS), encoding="utf-8")
    steps = list(run_in_steps(path, small_article, open_toy, runs=tmp_path / "runs", stop=threading.Event()))
    assert all(isinstance(step, Progress) and step.total == 2 for step in steps[:-1])
    assert kept_runs(tmp_path / "runs") == [steps[-1]]
    drawn = report_html(tmp_path / "runs", str(steps[-1]))
    assert drawn.startswith("<iframe")
    assert 'sandbox="allow-scripts"' in drawn


def test_a_stopped_evaluation_keeps_what_was_asked(open_toy, small_article, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in QUESTIONS), encoding="utf-8")
    stop = threading.Event()
    stop.set()
    *_, name = run_in_steps(path, small_article, open_toy, runs=tmp_path / "runs", stop=stop)
    assert "1 question left unasked" in report_html(tmp_path / "runs", str(name))


def test_a_complaint_about_questions_names_their_file_and_not_gradios_folder(own_page, small_article, tmp_path):
    from app import Session

    path = tmp_path / "0123456789abcdef" / "mine.jsonl"
    path.parent.mkdir()
    path.write_text('{"id": "a"}\n', encoding="utf-8")
    key = key_of(small_article)
    *_, last = own_page.evaluate(str(path), Session(key, (key,)), SimpleNamespace(session_hash="one"))
    assert last[0].startswith('<p role="alert">mine.jsonl:1: ')


def test_a_run_outside_the_runs_is_not_shown(tmp_path):
    with pytest.raises(UserError, match="no run called"):
        report_html(tmp_path, "../elsewhere")


def test_a_program_may_not_name_a_file_of_this_machine_as_its_article(own_page):
    answered = own_page.programs.batch([{"id": "a", "question": "When did the river rise?", "article": "/etc/passwd"}])
    assert [record["error"] for record in answered] == [None]
    assert answered[0]["sentence"]["text"] == "The river rose on Monday."


def test_a_program_opens_an_article_and_asks_it(own_page):
    opened = own_page.programs.open("The mayor left. It was spring.", "News")
    assert opened["title"] == "News"
    assert opened["sentences"] == 2
    assert own_page.programs.ask("Who left?", article=opened["key"])["article"]["title"] == "News"
    assert opened["key"] in [one["key"] for one in own_page.programs.articles()]


def test_a_program_gets_figures_with_n(own_page):
    figures = own_page.programs.evaluate(QUESTIONS)
    assert json.loads(json.dumps(figures)) == figures


def test_a_program_that_sends_nonsense_is_told_in_one_line(own_page):
    for nonsense in ([1, 2], "abc", [["only one"]]):
        with pytest.raises(MalformedCall, match="form"):
            own_page.programs.ask("Who?", history=nonsense)
    with pytest.raises(MalformedCall, match="form"):
        own_page.programs.ask(5)
    with pytest.raises(MalformedCall, match="form"):
        own_page.programs.evaluate(["not a line"])
    with pytest.raises(NoSuchArticle, match="not open here"):
        own_page.programs.ask("Who?", article="no-such-key")


def test_mcp_without_its_package_names_the_extra(small_article, monkeypatch):
    import app

    monkeypatch.setattr(app, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"article-qa\[mcp\]"):
        app.serve(small_article, mcp=True)


def test_a_follow_up_tells_how_it_was_understood(answerer):
    answer = answerer.ask("Why did it happen?", [answerer.ask("Who is Mayor Jane Carter?").turn])
    drawn = conversation_html([exchange_of(answer, answerer, key="k")])
    assert "Understood" in drawn
    assert "(after:" not in drawn
    assert "data-mend=" in drawn


def test_a_shared_server_fetches_no_web_pages(page, small_article):
    from app import Session

    key = key_of(small_article)
    last = list(page.bring_text("http://127.0.0.1:1/secret", Session(key, (key,))))[-1]
    assert "fetches no web pages" in last.complaint
