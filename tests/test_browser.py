"""The app in a real Chromium: what a person sees and does. Every request the page makes is recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.article import article_from_text

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
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: `make browser` says how to get one"),
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

    def __init__(self, browser: Any, address: str, *, path: str = "", **context: Any) -> None:
        self._context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | context))
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address + path)
        self.page.wait_for_selector("#article .sheet .s")

    def ask(self, question: str) -> None:
        before = self.page.locator(".turn:not(.pending)").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        self.page.wait_for_selector(f".turn:not(.pending) >> nth={before}")

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    one = Visit(browser, address)
    yield one
    one.close()
    assert one.errors == []


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


def test_the_box_is_empty_and_ready_for_the_next_question(visit):
    visit.ask("When did the river rise?")
    visit.page.wait_for_function("document.querySelector('#question textarea').value === ''")


def test_a_click_on_a_runner_up_moves_the_light(visit):
    visit.ask("What did the flood take?")
    first = lit(visit.page)
    visit.page.click(".others summary")
    runner = visit.page.locator(".others .runner").first
    text = runner.text_content()
    runner.click()
    assert lit(visit.page) == text != first
    visit.page.click(".turn .said")
    assert lit(visit.page) == first


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


def test_no_request_leaves_the_machine(browser, address):
    one = Visit(browser, address)
    one.ask("When did the river rise?")
    one.page.click(".turn .why summary")
    one.close()
    assert one.requests
    assert [url for url in one.requests if not url.startswith((address, "data:", "blob:"))] == []


def test_another_article_is_pasted_and_asked(visit):
    visit.page.click("#another button")
    visit.page.fill("#pasted textarea", "The bridge\n\nThe mayor opened a bridge. It was spring.")
    visit.page.click("#take")
    visit.page.wait_for_selector("#article h1:has-text('The bridge')")
    visit.ask("Who opened the bridge?")
    assert lit(visit.page) == "The mayor opened a bridge."


def test_a_dropped_file_is_opened(visit, tmp_path):
    path = tmp_path / "spring.txt"
    path.write_text("Spring came early. The river was low.", encoding="utf-8")
    visit.page.click("#another button")
    visit.page.set_input_files("#file input[type=file]", path)
    visit.page.wait_for_selector("#article .s:has-text('Spring came early.')")


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


def test_the_keyboard_alone_is_enough(visit):
    page = visit.page
    page.keyboard.press("/")
    page.keyboard.type("What did the flood take?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn:not(.pending)")
    first = lit(page)
    page.focus(".turn .said")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("(first) => document.querySelector('#article .s.lit').textContent !== first", arg=first)


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


def test_a_long_article_is_lit_far_down(browser, address, tmp_path):
    text = "\n\n".join(f"Paragraph {number} is about nothing in particular." for number in range(3000))
    one = Visit(browser, address)
    one.page.click("#another button")
    path = tmp_path / "long.txt"
    path.write_text(text + "\n\nThe river rose on Monday.", encoding="utf-8")
    one.page.set_input_files("#file input[type=file]", path)
    one.page.wait_for_selector("#article .s[data-row='3000']", state="attached")
    one.ask("When did the river rise?")
    assert lit(one.page) == "The river rose on Monday."
    one.page.wait_for_function(
        """() => { const s = document.querySelector('#article .s.lit').getBoundingClientRect();
                   return s.top > 0 && s.bottom < innerHeight; }"""
    )
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


def test_the_shelf_brings_an_earlier_article_back_with_its_conversation(visit):
    visit.ask("When did the river rise?")
    visit.page.click("#another button")
    visit.page.fill("#pasted textarea", "A dull day\n\nNothing happened.")
    visit.page.click("#take")
    visit.page.wait_for_selector("#article h1:has-text('A dull day')")
    assert visit.page.locator(".turn").count() == 0
    visit.page.click("#another button")
    visit.page.click("#shelf [data-open]:has-text('The great flood')")
    visit.page.wait_for_selector("#article h1:has-text('The great flood')")
    visit.page.wait_for_selector(".turn:has-text('When did the river rise?')")


def test_an_evaluation_runs_in_the_page_and_shows_its_report(visit, tmp_path):
    path = tmp_path / "mine.jsonl"
    line = {"id": "a", "question": "When did the river rise?", "evidence": ["The river rose on Monday."],
            "answers": ["Monday"], "kind": "direct"}  # fmt: skip
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    visit.page.click("button[role=tab]:has-text('Evaluate')")
    visit.page.set_input_files("#questions-file input[type=file]", path)
    visit.page.wait_for_selector("#questions-file :text('mine')")
    visit.page.click("#run")
    visit.page.wait_for_selector("#report iframe.report")
    assert "When did the river rise?" in visit.page.get_attribute("#report iframe.report", "srcdoc")


AXE = next(
    (path for path in (Path(os.environ.get("AXE", "-")), ROOT / ".venv/axe/node_modules/axe-core/axe.min.js")
     if path.is_file()), None
)  # fmt: skip


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed: npm install --prefix .venv/axe axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["Ask", "Evaluate"])
def test_axe_has_no_serious_finding(browser, address, scheme, tab):
    one = Visit(browser, address, color_scheme=scheme)
    if tab == "Ask":
        one.ask("What did the flood take?")
        one.ask("Quantum zebra?")
        one.page.click(".turn .why > summary")
        one.page.click("#another button")
    else:
        one.page.click("button[role=tab]:has-text('Evaluate')")
        one.page.wait_for_selector("#run:visible")
    one.page.wait_for_timeout(500)
    one.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = one.page.evaluate("axe.run().then((result) => result.violations)")
    serious = [
        f"{finding['id']}: {node['html'][:160]}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
    assert serious == []
    one.close()


def test_proxies_are_not_asked_for_our_own_pages(address):
    assert address.startswith("http://127.0.0.1")
    assert "127.0.0.1" in os.environ["NO_PROXY"]


def test_articles_from_text_keep_what_was_pasted():
    assert article_from_text(HOSTILE).text == HOSTILE
