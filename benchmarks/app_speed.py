"""An article goes in; how soon the page answers, and how many questions are best answered side by side, come out.

    python -m benchmarks.app_speed ARTICLE [--asked 30] [--people 6] [--at-once 1 2 3 4]

page:  a real Chromium asks one question after another. The clock is the browser's own, from the key press until the
       first sign of life and until the answer is in the page, one drawn frame later each.
side by side:  so many people ask at once through gradio_client, each several questions one after another, for every
       number of questions that the app answers side by side; the order is shuffled in every round.

Needs the extra "dev" and a Chromium. The server runs in a process of its own, as `article-qa serve` does.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed import QUESTIONS

SERVER = """
import sys
from pathlib import Path
import app
from index.article import read_article
app.AT_ONCE = int(sys.argv[3])
article, cache = read_article(sys.argv[1]), Path(sys.argv[2])
print(app.serve(article, port=0, open_browser=False, cache=cache, block=False), flush=True)
sys.stdin.read()
"""
# Resolves to milliseconds from the key press: when the question stands in the conversation, and when its answer does.
WATCH = """
() => new Promise((resolve) => {
  const chat = document.querySelector("#conversation");
  const answered = document.querySelectorAll(".turn:not(.pending)").length;
  let began = 0, sign = 0;
  addEventListener("keydown", (event) => { began = event.timeStamp; }, { capture: true, once: true });
  const watch = new MutationObserver(() => {
    const now = (then) => requestAnimationFrame(() => setTimeout(() => then(performance.now() - began)));
    if (!sign && document.querySelector(".turn.pending")) { sign = -1; now((ms) => { sign = ms; }); }
    if (document.querySelectorAll(".turn:not(.pending)").length > answered) {
      watch.disconnect();
      now((ms) => setTimeout(() => resolve([sign, ms]), 100));
    }
  });
  watch.observe(chat, { childList: true, subtree: true });
})
"""
CHROMIUM_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextlib.contextmanager
def server(article: Path, cache: str, at_once: int) -> Iterator[str]:
    """Serve the article in another process while the block lasts; give its address, warmed up."""
    from gradio_client import Client

    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(article), cache, str(at_once)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        Client(address, verbose=False).predict(QUESTIONS[0], api_name="/ask")
        yield address
    finally:
        process.communicate()


def page_ms(address: str, asked: int) -> tuple[list[float], list[float]]:
    """Return milliseconds until the first sign of life and until the answer, for each question that was asked."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    signs, answers = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("#first li button")  # the example questions are there: nothing else is under way
        for number in range(asked + 1):
            if number and number % len(QUESTIONS) == 0:  # or the conversation grows for ever
                page.click("[data-fresh]")
                page.wait_for_selector(".turn", state="detached")
            page.fill("#question textarea", QUESTIONS[number % len(QUESTIONS)])
            page.evaluate(f"void (window.watched = ({WATCH})())")
            page.press("#question textarea", "Enter")
            sign, answer = page.evaluate("window.watched")
            if number:  # the first one loads what the page needs for an answer
                signs.append(sign)
                answers.append(answer)
            page.wait_for_function("document.querySelector('#question textarea').value === ''")
        browser.close()
    return signs, answers


def people_ms(address: str, people: int, each: int) -> tuple[float, list[float]]:
    """Return answers a second over all people, and milliseconds of each answer."""
    from gradio_client import Client

    clients = [Client(address, verbose=False) for _ in range(people)]

    def ask(number: int) -> list[float]:
        took = []
        for turn in range(each):
            began = time.perf_counter()
            clients[number].predict(QUESTIONS[(number + turn) % len(QUESTIONS)], api_name="/ask")
            took.append(1000 * (time.perf_counter() - began))
        return took

    began = time.perf_counter()
    with ThreadPoolExecutor(people) as pool:
        took = [ms for answers in pool.map(ask, range(people)) for ms in answers]
    return len(took) / (time.perf_counter() - began), took


def told(values: Sequence[float]) -> str:
    """Return the median, what 95 of 100 stay under, and the most."""
    ordered = sorted(values)
    return f"{statistics.median(ordered):7.0f}   {ordered[int(0.95 * (len(ordered) - 1))]:7.0f}   {ordered[-1]:7.0f}"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("article", type=Path)
    parser.add_argument("--asked", type=int, default=30, help="questions through the page; 0 leaves it out")
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--each", type=int, default=6, help="questions of each person in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 2, 3, 4])
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in ("gradio", "onnxruntime", "faiss-cpu")))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        if arguments.asked:
            with server(arguments.article, cache, 2) as address:
                signs, answers = page_ms(address, arguments.asked)
            print(f"\nin the page, warm, n {arguments.asked}, ms     median   95 of 100      most")
            print(f"  first sign of life                 {told(signs)}")
            print(f"  the answer                         {told(answers)}")
            found["page"] = {"sign": signs, "answer": answers}
        rounds: dict[int, list[tuple[float, list[float]]]] = {number: [] for number in arguments.at_once}
        for _ in range(arguments.rounds if rounds else 0):
            for number in random.sample(list(rounds), len(rounds)):
                with server(arguments.article, cache, number) as address:
                    rounds[number].append(people_ms(address, arguments.people, arguments.each))
    if rounds:
        print(f"\n{arguments.people} people at once, {arguments.rounds} rounds; a second: median (least to most)")
        print("side by side      a second                  ms: median   95 of 100      most")
    for number, measured in rounds.items():
        rates = sorted(rate for rate, _ in measured)
        spread = f"{statistics.median(rates):.2f} ({rates[0]:.2f} to {rates[-1]:.2f})"
        print(f"{number:12}      {spread:26}{told([ms for _, took in measured for ms in took])}")
    found["side by side"] = rounds
    print(json.dumps(found), file=sys.stderr)


if __name__ == "__main__":
    main()
