"""The app in a real Chromium: what a person sees and does. Every request the page makes is recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from conftest import WordEncoder

from index.article import Article, article_from_text
from index.build import Progress
from index.embeddings import FloatArray
from qa.answer import Answerer

AT_ONCE = 2  # questions that the app answers side by side
ROOT = Path(__file__).parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PATIENCE = int(
    os.environ.get("BROWSER_PATIENCE", "60000")
)  # ms; a busy machine is slow, and no test here is about speed
HOSTILE = (
    "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'> ${window.broken = 1} {{value}} "
    "**bold** $x^2$ שלום עולם zero\u200bwidth"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get("BROWSER") != "required",
        reason="no Chromium is installed: `make browser` says how to get one",
    ),
    # Not ours: the servers' own threads and the event loop that Playwright leaves behind.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def address(serve_toy: Any) -> Iterator[str]:
    with serve_toy() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


class Visit:
    """One person's page, with everything it asked for and complained about."""

    def __init__(
        self, browser: Any, address: str, *, path: str = "", first: str = "#article .sheet .s", **context: Any
    ) -> None:
        """`first`: what must be there before anything can be done."""
        self.address = address
        self._context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | context))
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address + path)
        self.page.wait_for_selector(first)

    def ask(self, question: str) -> None:
        before = self.page.locator(".turn:not(.pending)").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        self.page.wait_for_selector(f".turn:not(.pending) >> nth={before}")

    def bring(self, text: str) -> None:
        """Paste another article and wait until it is in the pane; its first line is its headline."""
        self.page.click("#another button.label-wrap:not(.open)")
        self.page.fill("#pasted textarea", text)
        self.page.click("#take")
        self.page.wait_for_selector(f"#article h1:has-text({json.dumps(text.split(chr(10))[0])})")

    def close(self) -> None:
        """Leave; nothing may have broken, and nothing been asked of another machine."""
        self._context.close()
        assert self.errors == []
        assert self.requests
        assert [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))] == []


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    one = Visit(browser, address)
    yield one
    one.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Open when set; it is opened in the end, so that no thread is left behind."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slow_address(serve_toy: Any, open_toy: Any, small_article: Article, gate: threading.Event) -> Iterator[str]:
    """An app whose articles are open at once, and whose questions are answered when the gate is open."""

    class Waiting(WordEncoder):
        def encode_queries(self, texts: Sequence[str]) -> FloatArray:
            gate.wait()
            return super().encode_queries(texts)

    def open_article(article: Article, *, progress: Progress) -> Answerer:
        toy = open_toy(article, progress=progress)
        return Answerer(toy.article_index, Waiting(), toy.reader, toy.calibration)

    with serve_toy(open_article) as url:
        yield url
        gate.set()


def lit(page: Any) -> str:
    page.wait_for_selector("#article .s.lit")
    return page.text_content("#article .s.lit")


def in_view(page: Any, selector: str, pane: str) -> bool:
    return page.evaluate(
        """([selector, pane]) => {
            const one = document.querySelector(selector).getBoundingClientRect();
            const around = document.querySelector(pane).getBoundingClientRect();
            return one.top >= around.top - 1 && one.top < around.bottom && one.height > 0;
        }""",
        [selector, pane],
    )


def test_asking_lights_the_answering_sentence_in_the_article(visit):
    visit.ask("When did the river rise?")
    assert lit(visit.page) == "The river rose on Monday."
    assert in_view(visit.page, "#article .s.lit", "#article")
    assert "The river rose on Monday." in visit.page.text_content(".turn .said")


def test_the_box_is_empty_at_once_and_what_is_typed_meanwhile_stays(browser, slow_address, gate):
    one = Visit(browser, slow_address)
    one.page.fill("#question textarea", "When did the river rise?")
    one.page.press("#question textarea", "Enter")
    one.page.wait_for_function("document.querySelector('#question textarea').value === ''")
    one.page.fill("#question textarea", "Who is the mayor?")
    one.page.press("#question textarea", "Enter")  # too early: nothing happens
    one.page.wait_for_timeout(300)
    assert one.page.locator(".turn.pending").count() == 1
    gate.set()
    assert lit(one.page) == "The river rose on Monday."
    assert one.page.input_value("#question textarea") == "Who is the mayor?"
    one.page.press("#question textarea", "Enter")
    one.page.wait_for_selector(".turn:not(.pending) >> nth=1")
    assert "Mayor Jane Carter" in lit(one.page)
    one.close()


def test_a_click_on_a_runner_up_moves_the_light(visit):
    visit.ask("What did the flood take?")
    first = lit(visit.page)
    visit.page.click(".others summary")
    runner = visit.page.locator(".others .runner").first
    text = runner.text_content()
    assert text != first
    runner.click()
    visit.page.wait_for_function("text => document.querySelector('#article .s.lit')?.textContent === text", arg=text)
    visit.page.click(".turn .said")
    visit.page.wait_for_function("text => document.querySelector('#article .s.lit')?.textContent === text", arg=first)


def test_what_the_article_does_not_say_is_said_and_the_nearest_miss_is_grey(visit):
    visit.ask("Quantum zebra?")
    assert "does not say" in visit.page.text_content(".turn .short")
    assert "zebra" in visit.page.text_content(".turn .missing")
    visit.page.wait_for_selector("#article .s.lit.grey")


def test_two_people_see_their_own_conversations_only(browser, address):
    one, other = Visit(browser, address), Visit(browser, address)
    one.ask("When did the river rise?")
    other.ask("Who is the mayor?")
    assert one.page.locator(".turn").count() == other.page.locator(".turn").count() == 1
    one.close()
    other.close()


def test_a_request_to_another_machine_would_be_noticed(browser, address):
    one = Visit(browser, address)
    one.page.evaluate("fetch('http://localhost:9/').catch(() => 0)")
    with pytest.raises(AssertionError, match="localhost:9"):
        one.close()


def test_another_article_is_pasted_and_asked(visit):
    visit.bring("The bridge\n\nThe mayor opened a bridge. It was spring.")
    visit.ask("Who opened the bridge?")
    assert lit(visit.page) == "The mayor opened a bridge."


def test_a_dropped_file_is_opened(visit, tmp_path):
    path = tmp_path / "spring.txt"
    path.write_text("Spring came early. The river was low.", encoding="utf-8")
    visit.page.click("#another button")
    visit.page.set_input_files("#file input[type=file]", path)
    visit.page.wait_for_selector("#article .s:has-text('Spring came early.')")


@pytest.mark.parametrize("name", ["ferry.pdf", "ferry.html", "ferry.docx"])
def test_a_pdf_a_saved_web_page_and_a_word_document_are_opened_and_asked(visit, name):
    visit.page.click("#another button")
    visit.page.set_input_files("#file input[type=file]", ROOT / "tests" / "data" / name)
    visit.page.wait_for_selector("#article h1:has-text('Ferry runs aground off Tarn Point')")
    assert "Cookie" not in visit.page.text_content("#article")
    visit.ask("What did Dr. Ana Ruiz, a passenger, say?")
    assert "said Dr. Ana Ruiz" in lit(visit.page)


def drop(page: Any) -> None:
    """Drop a file on the article's text."""
    page.wait_for_selector("#file input[type=file]", state="attached")
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["The bridge\\n\\nIt is old."], "bridge.txt", { type: "text/plain" }));
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
            document.querySelector("#article .s").dispatchEvent(drop);
            window.stayed = drop.defaultPrevented;
        }"""
    )


def test_a_file_dropped_anywhere_is_opened_and_the_next_question_can_be_typed(visit):
    visit.page.click("#another button.label-wrap")
    visit.page.focus("#pasted textarea")
    drop(visit.page)
    visit.page.wait_for_selector("#article h1:has-text('The bridge')")
    assert visit.page.evaluate("window.stayed")
    assert visit.page.title() == "The bridge – Article QA"
    visit.page.wait_for_function("document.activeElement.matches('#question textarea')")


def test_a_file_dropped_where_nothing_was_unfolded_before_is_opened_and_the_shelf_can_be_asked(visit):
    drop(visit.page)
    visit.page.wait_for_selector("#article h1:has-text('The bridge')")
    visit.page.wait_for_selector("#everything input:visible")
    assert visit.page.locator("#another button.label-wrap.open").count() == 0


def test_an_article_without_a_headline_is_not_called_after_its_file(visit, tmp_path):
    path = tmp_path / "article.txt"
    path.write_text("The mayor opened a bridge.\n\nIt was spring.", encoding="utf-8")
    visit.page.click("#another button")
    visit.page.set_input_files("#file input[type=file]", path)
    visit.page.wait_for_selector("#article .lede:has-text('The mayor opened a bridge.')")
    assert visit.page.text_content("#article h1") == "The mayor opened a bridge."
    assert visit.page.locator("#article h1").bounding_box()["height"] <= 1


def test_a_bar_shows_how_far_an_article_is_embedded(browser, serve_toy, open_toy, gate):
    def halting(article: Article, *, progress: Progress) -> Answerer:
        progress("embedding sentences", 2, 6)
        gate.wait()
        return open_toy(article)

    with serve_toy(halting) as url:
        one = Visit(browser, url)
        one.page.wait_for_selector("#waiting progress[value='2'][max='6']")
        one.page.fill("#question textarea", "When did the river rise?")
        one.page.press("#question textarea", "Enter")
        one.page.wait_for_selector(".turn.pending")
        assert "2 of 6 sentences" in one.page.text_content("#waiting .wait")
        gate.set()
        one.page.wait_for_selector(".turn:not(.pending)")
        one.page.wait_for_selector("#waiting progress", state="detached")
        one.close()


def test_who_waits_in_line_is_told_how_many_are_before_them(browser, slow_address, gate):
    people = [Visit(browser, slow_address) for _ in range(AT_ONCE + 1)]
    for one in people:
        one.page.fill("#question textarea", "When did the river rise?")
        one.page.press("#question textarea", "Enter")
        one.page.wait_for_selector(".turn.pending")
        one.page.wait_for_timeout(300)  # so that they stand in line in this order
    people[-1].page.wait_for_selector("#waiting .wait:has-text('One question is before yours')")
    assert people[0].page.locator("#waiting .wait").count() == 0
    gate.set()
    for one in people:
        assert "The river rose on Monday." in lit(one.page)
        one.close()


def test_the_whole_shelf_is_asked_and_the_answer_names_its_article(browser, serve_toy):
    with serve_toy() as url:
        one = Visit(browser, url)
        one.bring("A quiet valley\n\nSheep graze there. The village rebuilt its bakery in spring.")
        one.page.check("#everything input")
        one.ask("When did the river rise?")
        assert one.page.text_content(".turn cite") == "The great flood"
        one.page.wait_for_selector("#article h1:has-text('The great flood')")
        assert lit(one.page) == "The river rose on Monday."
        one.ask("Did the village have a bakery in spring?")
        one.page.wait_for_selector("#article h1:has-text('A quiet valley')")
        assert lit(one.page) == "The village rebuilt its bakery in spring."
        one.page.click(".turn[data-turn='0'] .said")  # the light goes back to the first answer, and the article with it
        one.page.wait_for_selector("#article h1:has-text('The great flood')")
        assert lit(one.page) == "The river rose on Monday."
        one.close()


def test_a_bad_file_gets_one_line_and_the_old_article_stays(visit, tmp_path):
    path = tmp_path / "empty.txt"
    path.write_bytes(b"\x00\xff\xfe\x00\x80" * 50)
    visit.page.click("#another button")
    visit.page.set_input_files("#file input[type=file]", path)
    complaint = visit.page.wait_for_selector("#complaint [role=alert]").text_content()
    assert complaint.strip()
    assert "\n" not in complaint.strip()
    assert "The river rose on Monday." in visit.page.text_content("#article")


def test_hostile_text_is_shown_as_text_and_does_nothing(browser, address):
    one = Visit(browser, address)
    one.page.click("#another button")
    one.page.fill("#pasted textarea", f"{HOSTILE}\n\nThe river rose. {HOSTILE}")
    one.page.click("#take")
    one.page.wait_for_selector("#article .s:has-text('The river rose.')")
    assert HOSTILE in re.sub(r"\s+", " ", one.page.text_content("#article .sheet"))
    one.ask("Did the river rise? " + HOSTILE)
    assert one.page.evaluate("window.broken") is None
    assert one.page.locator("#article img, #article script, .turn img, .turn script").count() == 0
    assert one.errors == []
    one.close()


def test_a_question_of_100000_characters_is_refused_kindly(visit):
    visit.ask("river " * 16_667)
    assert "limit" in visit.page.text_content(".turn")


def tab_to(page: Any, selector: str, *, key: str = "Tab") -> None:
    """Press Tab until the focus is there, as somebody without a mouse would."""
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by {key}")


def test_the_keyboard_alone_asks_moves_among_runners_up_and_closes(visit):
    page = visit.page
    # The box has the focus when the page is there; on a busy machine keys could come before it.
    focused = "document.activeElement.matches('#question textarea')"
    page.wait_for_function(focused)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.wait_for_function(focused)
    page.keyboard.type("What did the flood take?")
    assert page.input_value("#question textarea") == "What did the flood take?"
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn:not(.pending)")
    first = lit(page)
    tab_to(page, ".others summary", key="Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, ".others .runner")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "(first) => (document.querySelector('#article .s.lit')?.textContent ?? first) !== first", arg=first
    )
    second = page.evaluate("document.activeElement.textContent")
    assert lit(page) == second
    page.keyboard.press("ArrowUp")
    assert lit(page) != second
    page.keyboard.press("Escape")
    assert page.locator(".others[open]").count() == 0
    assert page.evaluate("document.activeElement.matches('.others summary')")


def test_the_keyboard_alone_opens_another_article_and_shuts_the_box(visit):
    page = visit.page
    tab_to(page, "#another button.label-wrap")
    page.keyboard.press("Enter")
    tab_to(page, "#pasted textarea")
    page.keyboard.press("Escape")
    page.wait_for_selector("#another button.label-wrap:not(.open)")
    page.keyboard.press("Enter")
    tab_to(page, "#pasted textarea")
    page.keyboard.type("The mayor opened a bridge.")
    tab_to(page, "#take")
    page.keyboard.press("Enter")
    page.wait_for_selector("#article .s:has-text('The mayor opened a bridge.')")


def test_the_keyboard_alone_says_which_sentence_is_right(visit):
    page = visit.page
    visit.ask("What did the flood take?")
    tab_to(page, "[data-wrong]", key="Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, ".s[data-row='2']", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".noted:has-text('Noted')")
    page.wait_for_function("document.activeElement.id === 'conversation'")  # and not at the beginning of the page


@pytest.mark.parametrize(("width", "height"), [(360, 640), (768, 1024), (1280, 800), (2560, 1440)])
def test_nothing_overflows_sideways_and_the_question_box_is_in_reach(browser, address, width, height):
    one = Visit(browser, address, viewport={"width": width, "height": height})
    one.ask("When did the river rise?")
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    assert one.page.evaluate("document.documentElement.scrollHeight") <= height
    place = one.page.locator("#question textarea").bounding_box()
    assert place["y"] + place["height"] <= height
    assert place["x"] + place["width"] <= width
    assert lit(one.page)
    assert in_view(one.page, "#article .s.lit", "#article")
    one.close()


def test_on_a_phone_the_box_for_another_article_has_room_and_a_report_comes_into_sight(browser, address, tmp_path):
    one = Visit(browser, address, viewport={"width": 360, "height": 640})
    one.page.click("#another button.label-wrap")
    one.page.wait_for_function(
        # The folded part is made when it is first opened, so the button may not be there yet.
        """() => { const box = document.querySelector('#another')?.getBoundingClientRect();
                   const button = document.querySelector('#take')?.getBoundingClientRect();
                   return box && button && button.height > 0 && button.bottom <= box.bottom; }"""
    )
    evaluate(one, questions_file(tmp_path / "mine.jsonl"))
    report(one)
    top = "document.querySelector('#report iframe')?.getBoundingClientRect().top"
    one.page.wait_for_function(f"{top} < innerHeight / 2")
    one.close()


def test_dark_is_dark(browser, address):
    one = Visit(browser, address, color_scheme="dark")
    colour = one.page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", colour)[:3]) < 60
    one.close()


def test_an_emoji_before_the_short_answer_does_not_move_its_mark(visit):
    """The page counts characters as Python does; JavaScript counts an emoji as two."""
    page = visit.page
    visit.ask("When did the river rise?")
    page.evaluate(
        """() => {
            const one = document.querySelector('#article .s.lit');
            one.textContent = '🌊🌊 The river rose on Monday.';
            const turn = document.querySelector('.turn');
            turn.dataset.from = 21; turn.dataset.to = 27;
        }"""
    )
    page.click(".turn .said")
    assert page.text_content("#article .s.lit mark") == "Monday"


def test_five_hundred_pages_are_lit_far_down_and_laid_out_only_where_one_looks(browser, address, tmp_path):
    """2,500 paragraphs of 5 sentences and 100 words: what a book of 500 pages has."""
    nothing = "On that day there was nothing in particular to be seen or heard by anyone at all in the town. "
    text = "\n\n".join(f"Paragraph {number}. {nothing * 4}" for number in range(2500))
    one = Visit(browser, address)
    one.page.click("#another button")
    path = tmp_path / "long.txt"
    path.write_text(text + "\n\nThe river rose on Monday.", encoding="utf-8")
    one.page.set_input_files("#file input[type=file]", path)
    one.page.wait_for_selector("#article .s:has-text('Paragraph 2499.')", state="attached")
    drawn = """(which) => document.querySelector(`#article section:${which}-of-type p`)
                 .checkVisibility({ contentVisibilityAuto: true })"""
    one.page.wait_for_function(f"({drawn})('first') && !({drawn})('last')")
    one.ask("When did the river rise?")
    assert lit(one.page) == "The river rose on Monday."
    one.page.wait_for_function(
        """() => { const s = document.querySelector('#article .s.lit')?.getBoundingClientRect();
                   return s && s.top > 0 && s.bottom < innerHeight; }"""
    )
    one.page.wait_for_function(f"!({drawn})('first') && ({drawn})('last')")
    one.close()


def test_a_link_opens_the_page_at_its_article_and_question(browser, address, visit):
    visit.ask("When did the river rise?")
    key = visit.page.get_attribute("#article .sheet", "data-article")
    one = Visit(browser, address, path=f"?article={key}&q=Who+is+the+mayor%3F")
    one.page.wait_for_selector(".turn:not(.pending)")
    assert one.page.text_content(".turn .asked") == "Who is the mayor?"
    assert "Mayor Jane Carter" in lit(one.page)
    one.close()


def test_a_link_to_an_article_that_is_gone_says_so(browser, address):
    one = Visit(browser, address, path="?article=0123456789abcdef&q=Who%3F")
    assert "not kept here any more" in one.page.text_content(".trouble")
    assert one.page.locator(".turn").count() == 0
    one.close()


def test_an_answer_is_copied_with_its_citation(browser, address):
    one = Visit(browser, address, permissions=["clipboard-read", "clipboard-write"])
    one.ask("When did the river rise?")
    one.page.click(".turn [data-form=text]")
    one.page.wait_for_selector(".turn [data-copy]:has-text('Copied')")
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("“The river rose on Monday.” (The great flood, paragraph 2, sentence 1)")
    one.close()


def test_a_conversation_is_saved_as_a_file(visit):
    visit.ask("When did the river rise?")
    visit.ask("Who is the mayor?")
    with visit.page.expect_download() as download:
        visit.page.click("[data-export=JSON]")
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert [record["question"] for record in saved] == ["When did the river rise?", "Who is the mayor?"]


def test_starting_over_empties_the_conversation(visit):
    visit.ask("When did the river rise?")
    visit.page.click("[data-fresh]")
    visit.page.wait_for_selector(".turn", state="detached")
    assert visit.page.locator("#article .s.lit").count() == 0


def test_a_wrong_answer_is_corrected_by_a_click_on_the_right_sentence(visit):
    visit.ask("What did the flood take?")
    visit.page.click("[data-wrong]")
    visit.page.click("#article .s:has-text('Work began in the spring')")
    visit.page.wait_for_selector(".noted:has-text('Noted')")


def test_correcting_can_be_given_up_with_escape(visit):
    visit.ask("What did the flood take?")
    visit.page.click("[data-wrong]")
    visit.page.keyboard.press("Escape")
    assert visit.page.locator(".chooser").count() == 0
    assert visit.page.locator("body.choosing").count() == 0
    assert visit.page.evaluate("document.activeElement.matches('[data-wrong]')")  # the keyboard is where it was


def test_who_goes_to_another_article_is_not_correcting_the_former_one_any_more(visit):
    visit.ask("What did the flood take?")
    visit.page.click("[data-wrong]")
    visit.bring("A quiet valley\n\nSheep graze there. Nobody is about.")
    assert visit.page.locator("body.choosing").count() == 0
    visit.page.click("#article .s:has-text('Sheep graze')")
    visit.page.wait_for_timeout(300)
    assert visit.page.locator(".noted, [role=alert]").count() == 0


def test_who_goes_on_to_another_article_is_not_taken_back_by_a_late_answer(browser, slow_address, gate):
    one = Visit(browser, slow_address)
    one.page.fill("#question textarea", "When did the river rise?")
    one.page.press("#question textarea", "Enter")
    one.page.wait_for_selector(".turn.pending")
    one.bring("A quiet valley\n\nSheep graze there. The village rebuilt its bakery in spring.")
    one.page.wait_for_selector(".turn.pending", state="detached")
    gate.set()
    one.ask("Where do sheep graze?")
    assert lit(one.page) == "Sheep graze there."
    assert one.page.locator(".turn").count() == 1
    one.close()


def test_what_is_lit_stays_lit_where_the_pane_is_drawn_anew(visit):
    visit.ask("When did the river rise?")
    assert lit(visit.page) == "The river rose on Monday."
    visit.page.evaluate(
        """() => {
            const sheet = document.querySelector("#article .sheet");
            const copy = sheet.cloneNode(true);
            for (const one of copy.querySelectorAll(".lit")) one.classList.remove("lit");
            sheet.replaceWith(copy);
        }"""
    )
    assert lit(visit.page) == "The river rose on Monday."


def test_the_shelf_brings_an_earlier_article_back_with_its_conversation(visit):
    visit.ask("When did the river rise?")
    visit.bring("A dull day\n\nNothing happened.")
    assert visit.page.locator(".turn").count() == 0
    visit.page.click("#another button")
    visit.page.click("#shelf [data-open]:has-text('The great flood')")
    visit.page.wait_for_selector("#article h1:has-text('The great flood')")
    visit.page.wait_for_selector(".turn:has-text('When did the river rise?')")


def questions_file(path: Path, *, wrong: bool = False) -> Path:
    """Two questions on the small article; `wrong`: the second one's evidence is not what answers it."""
    evidence = "Work began in the spring" if wrong else "Mayor Jane Carter said"
    lines = [
        {"id": "a", "question": "When did the river rise?", "evidence": ["The river rose on Monday."],
         "answers": ["Monday"], "kind": "direct"},
        {"id": "b", "question": "Who is the mayor?", "evidence": [evidence], "answers": [], "kind": "direct"},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def evaluate(visit: Visit, path: Path) -> None:
    """Go to the tab, take a file and begin."""
    page = visit.page
    page.click("button[role=tab]:has-text('Evaluate')")
    page.set_input_files("#questions-file input[type=file]", path)
    page.wait_for_selector(f"#questions-file :text('{path.stem}')")
    page.click("#run")


def report(visit: Visit) -> Any:
    """The frame with the report, when it has text to read."""
    frame = visit.page.frame_locator("#report iframe.report")
    frame.locator("h1").wait_for()
    return frame


def test_an_evaluation_shows_its_report_to_read(visit, tmp_path):
    evaluate(visit, questions_file(tmp_path / "mine.jsonl"))
    shown = report(visit)
    assert "mine: 2 questions" in shown.locator("h1").text_content()
    assert shown.locator("h2").count() > 2
    box = visit.page.locator("#report iframe").bounding_box()
    assert box["height"] > 300
    assert box["width"] > 600


def test_two_runs_are_compared_and_a_former_one_is_opened(visit, tmp_path):
    for name in ("first", "second"):
        visit.page.reload()
        evaluate(visit, questions_file(tmp_path / f"{name}.jsonl"))
        assert f"{name}: 2 questions" in report(visit).locator("h1").text_content()
    visit.page.wait_for_selector("#compare:visible")
    visit.page.click("#compare")
    visit.page.wait_for_selector("#report iframe[title*='compared with']")
    assert "second" in report(visit).locator("h1").text_content()
    visit.page.click("#former input")
    visit.page.click("#former ul [role=option]:has-text('first')")
    visit.page.click("#show")
    visit.page.wait_for_selector("#report iframe[title^='Report of'][title*='first']")
    assert "first: 2 questions" in report(visit).locator("h1").text_content()


def test_a_run_that_is_stopped_shows_what_was_asked(browser, slow_address, gate, tmp_path):
    one = Visit(browser, slow_address)
    evaluate(one, questions_file(tmp_path / "mine.jsonl"))
    one.page.wait_for_selector("#report progress[value='0'][max='2']")
    one.page.click("#stop")
    one.page.wait_for_timeout(500)  # the click has to reach the server
    gate.set()
    one.page.wait_for_selector("#report:has-text('1 question left unasked')")
    one.page.wait_for_selector("#stop", state="hidden")
    one.page.wait_for_function("document.activeElement.id === 'run'")  # the button that was pressed is gone
    one.close()


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.txt"])
def test_a_questions_file_that_cannot_be_read_gets_one_line_with_its_place(visit, tmp_path, name):
    path = tmp_path / name
    path.write_text('{"id": "a"}\n', encoding="utf-8")
    evaluate(visit, path)
    assert visit.page.wait_for_selector("#report [role=alert]").text_content().startswith(f"{name}:1: ")
    assert visit.page.locator(".toast-body, #questions-file .error").count() == 0


def test_on_a_phone_the_box_for_questions_has_the_whole_width(browser, address):
    one = Visit(browser, address, viewport={"width": 360, "height": 740})
    one.page.click("button[role=tab]:has-text('Evaluate')")
    box, button = (one.page.locator(part).bounding_box() for part in ("#questions-file", "#run"))
    assert box["width"] >= 300
    assert button["y"] >= box["y"] + box["height"]
    one.close()


AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def show_asked(visit: Visit, tmp_path: Path) -> None:
    """Answered, refused, explained, with the box for another article and the shelf open."""
    visit.bring("A quiet valley\n\nSheep graze there.")
    visit.page.check("#everything input")
    visit.ask("What did the flood take?")
    visit.ask("Quantum zebra?")
    visit.page.click(".turn .why > summary >> nth=0")
    visit.page.click(".turn .numbers > summary >> nth=0")
    visit.page.click(".turn .others > summary >> nth=0")
    visit.page.click("#another button.label-wrap:not(.open)")
    visit.page.wait_for_selector("#shelf:visible")


def show_choosing(visit: Visit, tmp_path: Path) -> None:
    """Somebody is about to say which sentence is right."""
    visit.ask("What did the flood take?")
    visit.page.click("[data-wrong]")


def show_complaint(visit: Visit, tmp_path: Path) -> None:
    """Nothing was pasted."""
    visit.page.click("#another button.label-wrap")
    visit.page.click("#take")
    visit.page.wait_for_selector("#complaint [role=alert]")


def show_bench(visit: Visit, tmp_path: Path) -> None:
    """The other tab, before anything was asked."""
    visit.page.click("button[role=tab]:has-text('Evaluate')")
    visit.page.wait_for_selector("#run:visible")


def show_report(visit: Visit, tmp_path: Path) -> None:
    """A run and its report."""
    evaluate(visit, questions_file(tmp_path / "mine.jsonl", wrong=True))
    report(visit)


def serious(page: Any) -> list[str]:
    """What axe finds to be serious or critical, in the page and its frames."""
    serious = []
    for frame in page.frames:  # a report is read as part of the page
        frame.evaluate(AXE)
        found = frame.evaluate("axe.run().then((result) => result.violations)")
        serious += [
            f"{finding['id']}: {node['html'][:160]}"
            for finding in found
            if finding["impact"] in ("serious", "critical")
            for node in finding["nodes"]
        ]
    return serious


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("show", [show_asked, show_choosing, show_complaint, show_bench, show_report])
def test_axe_has_no_serious_finding(browser, address, tmp_path, scheme, show):
    one = Visit(browser, address, color_scheme=scheme, reduced_motion="reduce")
    show(one, tmp_path)
    one.page.wait_for_timeout(500)
    assert serious(one.page) == []
    one.close()


def test_axe_would_find_something(visit):
    visit.page.evaluate("document.body.append(document.createElement('button'))")
    visit.page.evaluate(AXE)
    found = visit.page.evaluate("axe.run().then((result) => result.violations)")
    assert "button-name" in [finding["id"] for finding in found]


def test_proxies_are_not_asked_for_our_own_pages(address):
    assert address.startswith("http://127.0.0.1")
    assert "127.0.0.1" in os.environ["NO_PROXY"]


def test_articles_from_text_keep_what_was_pasted():
    assert article_from_text(HOSTILE).text == HOSTILE


@pytest.fixture(scope="module")
def library_address(encoder: WordEncoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a library of three articles, two of which share a sentence."""
    from app import build_library_app, launch
    from library import Incoming, create_library
    from qa.confidence import Calibration
    from qa.library_answer import LibraryAnswerer
    from qa.reader import FusedReader

    stories = (
        ("The great flood", "2024-05-17", "The river rose on Monday. The flood took the bridge."),
        ("The mayor", None, f"{HOSTILE}\n\nMayor Carter wept.\n\nThe flood took the bridge."),
        ("A spring", None, "The spring was wet. A river sang in spring."),
    )
    folder = tmp_path_factory.mktemp("libraries")
    with create_library(folder / "news", encoder) as library:
        incoming = [
            Incoming(article_from_text(text, title=title, source=f"wire/{title}.txt"), date)
            for title, date, text in stories
        ]
        library.add(incoming, encoder)
        calibration = Calibration("fused", 0.0, {"top_logit": 1.0}, threshold=0.2)
        app = build_library_app(LibraryAnswerer(library, encoder, FusedReader(), calibration), cache=folder / "kept")
        try:
            yield launch(app)
        finally:
            app.close(verbose=False)


class LibraryVisit(Visit):
    """One person's page of a library, which begins with its contents."""

    def __init__(self, browser: Any, address: str, *, path: str = "", **context: Any) -> None:
        super().__init__(browser, address, path=path, first="#article .sheet", **context)


def test_a_library_answers_in_its_article_and_the_light_goes_to_the_others_too(browser, library_address):
    one = LibraryVisit(browser, library_address)
    page = one.page
    assert page.text_content("#article .facts") == "3 articles"
    one.ask("What did the flood do to the bridge?")
    assert lit(page) == "The flood took the bridge."
    assert page.text_content("#article .kicker") == "The great flood.txt, 17 May 2024"
    assert "of The great flood" in page.text_content(".turn .place")

    page.click(".turn .also > summary")
    page.click(".turn .also button.runner")  # the same sentence in the other article that has it
    page.wait_for_selector('#article .sheet[data-article="2"]')
    assert lit(page) == "The flood took the bridge."
    assert page.title() == "The mayor – Article QA"

    page.click(".turn .said")
    page.wait_for_selector('#article .sheet[data-article="1"]')
    assert lit(page) == "The flood took the bridge."

    page.click(".back button")
    page.wait_for_selector("#article .sheet.contents")
    page.wait_for_function("document.activeElement.id === 'article'")  # the button that was pressed is gone
    page.type("#find textarea", "spring")
    page.wait_for_selector("#article .facts:has-text('1 article with spring')")
    page.click(".toc button")
    page.wait_for_selector("#article h1:has-text('A spring')")
    assert page.locator(".turn").count() == 1  # the conversation is about the library and stays
    one.close()


def test_a_link_of_a_library_opens_its_article_and_asks_the_library(browser, library_address):
    one = LibraryVisit(browser, library_address, path="?article=3&q=When%20did%20the%20river%20rise%3F")
    one.page.wait_for_selector(".turn:not(.pending)")
    assert lit(one.page) == "The river rose on Monday."
    one.close()
    gone = LibraryVisit(browser, library_address, path="?article=99&q=Who%3F")
    gone.page.wait_for_selector(".trouble")
    assert gone.page.locator(".turn").count() == 0
    gone.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_library_fits_a_phone_and_axe_has_no_serious_finding(browser, library_address, scheme):
    one = LibraryVisit(browser, library_address, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    for step in (None, "What did the flood do to the bridge?", "Which volcano erupted?"):
        if step is not None:
            one.ask(step)
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert serious(one.page) == []
    one.close()
