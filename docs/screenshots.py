"""The app on the built-in article and on a small library comes in; pictures of it go out, into docs/screenshots/.

python docs/screenshots.py          needs Chromium, and playwright from the extra "dev"
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs from anywhere, installed or not

FOLDER = ROOT / "docs" / "screenshots"
DESKTOP, PHONE = (1280, 800), (390, 780)
PATIENCE = 120_000  # ms
COLOURS = 128  # a page of two inks on paper needs no more, and the files are a third as large
ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def ask(page: Any, question: str) -> None:
    """Type a question and wait for its answer."""
    before = page.locator(".turn:not(.pending)").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_selector(f".turn:not(.pending) >> nth={before}")
    page.wait_for_timeout(900)  # the light scrolls smoothly


def welcome(page: Any) -> None:
    """Before anything was asked."""
    page.wait_for_selector("#first button")


def answer(page: Any) -> None:
    """An answer and a follow-up."""
    ask(page, "What happened to McCaskie?")
    ask(page, "What colour was the car that hit him?")


def does_not_say(page: Any) -> None:
    """A question that the article does not answer."""
    ask(page, "Which prison was the driver held in?")


def why(page: Any) -> None:
    """Why this answer."""
    ask(page, "Who is Mohammed Akunjee?")
    page.click(".turn .why > summary")
    page.click(".turn .others > summary")


def another(page: Any) -> None:
    """Where another article comes in."""
    page.click("#another button")
    page.wait_for_timeout(600)


def bring(page: Any, text: str) -> None:
    """Paste another article and wait until it is in the pane."""
    page.click("#another button.label-wrap:not(.open)")
    page.fill("#pasted textarea", text)
    page.click("#take")
    page.wait_for_selector(f"#article h1:has-text({json.dumps(text.split(chr(10))[0])})")


def whole_shelf(page: Any) -> None:
    """An answer that comes from another article than the one in the pane."""
    from index.article import read_article

    bring(page, read_article(ROOT / "tests" / "data" / "ferry.html").text)
    page.check("#everything input")
    ask(page, "What colour was the car that hit the attacker?")
    ask(page, "Who felt a bump?")
    page.click("#another button.label-wrap:not(.open)")
    page.wait_for_timeout(600)


def opening(page: Any) -> None:
    """A long article on its way."""
    again = [f"Day {day}. The ferry left at {day % 12 + 1} and came back late. Nobody was hurt." for day in range(3000)]
    bring(page, "A log of many days\n\n" + "\n\n".join(again))
    page.wait_for_selector("#waiting progress[value]")
    page.wait_for_timeout(1500)


def evaluate(page: Any) -> None:
    """The report of an earlier run."""
    page.click("button[role=tab]:has-text('Evaluate')")
    page.click("#show")
    page.frame_locator("#report iframe").locator("h1").wait_for()
    page.wait_for_timeout(600)


def library(page: Any) -> None:
    """An answer out of several articles, with the other places of its sentence."""
    ask(page, "How many people were on the ferry?")
    page.click(".turn .also > summary")
    page.click(".turn .others > summary")


def contents(page: Any) -> None:
    """What a library holds."""
    page.wait_for_selector(".toc")


STATES: tuple[tuple[str, tuple[int, int], str, Callable[[Any], None]], ...] = (
    ("welcome", DESKTOP, "light", welcome),
    ("answer", DESKTOP, "light", answer),
    ("answer-dark", DESKTOP, "dark", answer),
    ("does-not-say", DESKTOP, "light", does_not_say),
    ("why", DESKTOP, "light", why),
    ("another-article", DESKTOP, "light", another),
    ("phone", PHONE, "light", answer),
    ("evaluate", DESKTOP, "light", evaluate),
    ("evaluate-dark", DESKTOP, "dark", evaluate),
    ("whole-shelf", DESKTOP, "light", whole_shelf),
    ("opening", DESKTOP, "light", opening),
)
LIBRARY_STATES = (
    ("library", DESKTOP, "light", library),
    ("library-contents", DESKTOP, "light", contents),
    ("library-dark", DESKTOP, "dark", library),
    ("library-phone", PHONE, "light", library),
)
STORIES = (
    ("wire/agency.txt", "2024-05-18", """Ferry company says sorry

A car ferry with 112 people aboard ran aground off Tarn Point on Tuesday night. Nobody was hurt.

The company said on Saturday that it was sorry, and that every passenger would get the fare back."""),
    ("https://example.org/cat-wins", "2024-06-07", """Cat wins by-election

A cat called Marmalade won the by-election in Lower Wick on Thursday with 612 votes. The candidate of the Orchard Party
came second with 540.

Her owner, Ines Potter, 34, said that she had entered the cat as a joke. The council’s lawyers will meet on Monday."""),
)  # fmt: skip


def open_library(folder: Path) -> str:
    """Serve a library of four articles; return its address."""
    from app import serve_library
    from index.article import article_from_text, read_article
    from index.article import builtin_article as builtin
    from library import Incoming, create_library
    from qa.answer import open_models
    from qa.library_answer import open_library_answerer

    with create_library(folder / "city-desk", open_models(None, "trained", folder)[0]) as made:
        stories = [Incoming(article_from_text(text, source=source), date) for source, date, text in STORIES]
        ferry = Incoming(read_article(ROOT / "tests" / "data" / "ferry.html"), "2024-05-17")
        made.add([Incoming(builtin(), "2023-01-24"), ferry, *stories], open_models(None, "trained", folder)[0])
    answerer = open_library_answerer(str(folder / "city-desk"), cache=folder)
    return serve_library(answerer, port=0, open_browser=False, cache=folder, block=False)


def main() -> None:
    """Take every picture, or those named on the command line."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from app import serve
    from index import builtin_article

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium found: `make browser` says how to get one")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache, sync_playwright() as playwright:
        shutil.copytree(ROOT / "eval" / "baseline", Path(cache, "runs", "baseline"))
        wanted = [state for state in (*STATES, *LIBRARY_STATES) if len(sys.argv) < 2 or state[0] in sys.argv[1:]]
        addresses = {}
        if any(state in STATES for state in wanted):
            addresses |= dict.fromkeys(
                STATES, serve(builtin_article(), port=0, open_browser=False, cache=Path(cache), block=False)
            )
        if any(state in LIBRARY_STATES for state in wanted):
            addresses |= dict.fromkeys(LIBRARY_STATES, open_library(Path(cache)))
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        for state in wanted:
            name, (width, height), scheme, reach = state
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.set_default_timeout(PATIENCE)
            page.goto(addresses[state])
            page.wait_for_selector("#article .s, #article .toc")
            page.wait_for_selector("#first .examples ul, #first .examples p:not(:has-text('Looking'))")
            reach(page)
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
            picture.save(FOLDER / f"{name}.png", optimize=True)
            page.close()
        browser.close()
    # The server's threads are still there, and the libraries they run in abort when the interpreter takes them down.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
