"""A questions file comes in; an evaluation on its way, and its report to show, go out.

Nothing is computed here: `qa.run` asks and records, `qa.report` and `qa.compare` draw, as for `article-qa eval`. What
is added is that a run can be watched and stopped from another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from index.article import Article
from index.errors import UserError
from qa.answer import Answerer
from qa.compare import as_html as comparison_page
from qa.compare import compare_runs
from qa.questions import read_question_set
from qa.report import as_html as run_page
from qa.report import refuse_empty
from qa.run import BadRun, read_run, run_questions, unfinished
from qa.summary import summarise
from ui.waiting import bar_html
from ui.words import count

LOOK_EVERY = 0.25  # seconds between two looks at how far a run has come


class _StoppedError(Exception):
    """The person pressed Stop; never leaves this file."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    asked: int
    total: int


def run_in_steps(
    questions: Path,
    article: Article,
    open_answerer: Callable[[Article], Answerer],
    *,
    runs: Path,
    stop: threading.Event,
) -> Iterator[Progress | str]:
    """Yield Progress while the questions are asked, and at last the name of the recorded run.

    Raises UserError. When `stop` is set, what was asked so far stays recorded, and the name is yielded all the same.
    """
    question_set = read_question_set(questions, article)
    total = len(question_set.questions)
    name = datetime.now().strftime("%Y-%m-%d %H.%M.%S ") + questions.stem[:40]
    asked = 0
    trouble: list[BaseException] = []

    def step(_: object) -> None:
        nonlocal asked
        asked += 1
        if stop.is_set():
            raise _StoppedError

    def work() -> None:
        try:
            run_questions(question_set, open_answerer, folder=runs / name, progress=step)
        except _StoppedError:
            pass
        except BaseException as error:  # raised again below, in the thread that can tell the person
            trouble.append(error)

    worker = threading.Thread(target=work, name="evaluation", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            yield Progress(asked, total)
            worker.join(LOOK_EVERY)
    finally:
        stop.set()  # also when whoever watches has gone
    if trouble:
        raise trouble[0]
    yield name


def kept_runs(runs: Path) -> list[str]:
    """Return the names of the recorded runs, the newest first."""
    if not runs.is_dir():
        return []
    return sorted((folder.name for folder in runs.iterdir() if (folder / "run.json").is_file()), reverse=True)


def report_html(runs: Path, name: str) -> str:
    """Return a run's report, framed. Raises UserError."""
    run = read_run(_inside(runs, name))
    refuse_empty(run)
    missing = unfinished(run)
    note = f"<p>Stopped early: {count(missing, 'question')} left unasked.</p>" if missing else ""
    return note + _framed(run_page(run, summarise(run)), title=f"Report of {name}")


def comparison_html(runs: Path, earlier: str, later: str) -> str:
    """Return the comparison of two runs, framed. Raises UserError."""
    if earlier == later:
        raise UserError("both are the same run. Choose two different ones.")
    comparison = compare_runs(read_run(_inside(runs, earlier)), read_run(_inside(runs, later)))
    return _framed(comparison_page(comparison), title=f"{earlier} compared with {later}")


def progress_html(progress: Progress) -> str:
    """Return a bar with the figures beside it."""
    told = f"{progress.asked:,} of {count(progress.total, 'question')}"
    return bar_html(progress.asked, progress.total, label="Questions asked", told=told)


def _inside(runs: Path, name: str) -> Path:
    """The folder of a run; a name from outside must not lead out of the runs."""
    if name not in kept_runs(runs):
        raise BadRun(f"there is no run called {name!r} here. Choose one from the list.")
    return runs / name


def _framed(page: str, *, title: str) -> str:
    """A whole page inside ours, with no right to touch it."""
    return f'<iframe class="report" sandbox="allow-scripts" title="{escape(title)}" srcdoc="{escape(page)}"></iframe>'
