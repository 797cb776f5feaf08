"""An article and a port come in; the app goes out: the article at one side, questions and answers at the other.

Layout, wording and wiring only (the only file that imports gradio): answers come from `qa`, what is drawn from `ui`.

    python app.py                      the built-in article on http://127.0.0.1:7860
    article-qa serve --article A       the same, with choices
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from index.article import Article, article_from_text, builtin_article, read_article
from index.build import cache_folder
from index.errors import MissingExtra, NoSuchArticle, UnreachableArticle, UserError
from index.sentences import split_sentences
from qa.answer import DEFAULT_READER, USER_CACHE, Answerer, open_answerer
from qa.batch import answer_file
from qa.dialogue import Turn
from qa.drafts import add_draft
from qa.evaluation_commands import own_questions
from qa.questions import read_question_set
from qa.report import refuse_empty
from qa.run import replace_text, run_questions
from qa.show import as_dict
from qa.summary import summarise
from ui.article_pane import article_html
from ui.cite import as_json, as_markdown, as_plain
from ui.conversation import Exchange, conversation_html, exchange_of
from ui.evaluating import Progress, comparison_html, kept_runs, progress_html, report_html, run_in_steps
from ui.library import Library, Shelved, key_of
from ui.shelf import shelf_html
from ui.suggestions import suggest

UI = Path(__file__).resolve().parent / "ui"
KINDS = [".txt", ".md", ".html", ".htm", ".pdf", ".docx"]
LARGEST_UPLOAD = "50mb"
AT_ONCE = 2  # questions answered side by side; more of them on two cores only make everybody wait longer
WAITING = 100  # questions in the queue before newcomers are told to come back
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
API_CANDIDATES = 10
ASKED_AT_ONCE = 8  # articles of the shelf that one question goes to


class PortInUse(UserError):
    """Another program listens on the port that was asked for."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one open page knows; every page has its own, so conversations cannot mix."""

    key: str  # of the article in the pane
    opened: tuple[str, ...]  # keys of the articles opened on this page, the last used last
    exchanges: tuple[Exchange, ...] = ()  # of every article asked on this page, oldest first
    everything: bool = False  # whether questions go to the whole shelf

    @property
    def shown(self) -> tuple[Exchange, ...]:
        """The conversation about the article in the pane, or about all of them."""
        return tuple(exchange for exchange in self.exchanges if self.everything or exchange.key == self.key)

    def at(self, key: str) -> Session:
        """The same page with another article in the pane."""
        return replace(self, key=key, opened=(*(other for other in self.opened if other != key), key))


def build_app(
    article: Article | None = None,
    *,
    open_article: Callable[[Article], Answerer] | None = None,
    cache: Path | None = USER_CACHE,
) -> gr.Blocks:
    """Return the app, ready to launch with `looks()`; nothing is embedded and no model loaded yet.

    article: what is in the pane first; None is the built-in one.
    open_article: how an article becomes an Answerer; None is `qa.answer.open_answerer`.
    cache: the folder whose kept articles stand on the shelf, and where drafts and runs are written; None, for a server
        that strangers share, shows nobody what others opened and writes nothing.
    """
    return _built(article, open_article, cache, shared=cache is None)[0]


def _built(
    article: Article | None, open_article: Callable[[Article], Answerer] | None, cache: Path | None, *, shared: bool
) -> tuple[gr.Blocks, _Page]:
    """Return the app and what its events call; `shared`: people who ask it are strangers to each other."""
    first = builtin_article() if article is None else article
    folder = cache_folder() if cache is USER_CACHE else cache
    library = Library(open_article or functools.partial(open_answerer, cache=folder), cache=folder)
    page = _Page(library, first, folder, shared=shared)

    app = gr.Blocks(title=f"{first.title} – Article QA", analytics_enabled=False, fill_width=True)
    with app:
        session = gr.State(Session(key_of(first), (key_of(first),)))
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", id="ask"):
                _draw_desk(page, session, app)
            if folder is not None:
                with gr.Tab("Evaluate", id="evaluate"):
                    _draw_bench(page, session, app)
        api(page.api_ask, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="ask")
        api(page.api_batch, api_name="batch", concurrency_limit=1)
        api(page.api_open, api_name="open", concurrency_limit=1)
        if folder is not None:
            api(page.api_articles, api_name="articles")
            api(page.api_evaluate, api_name="evaluate", concurrency_limit=1, concurrency_id="evaluate")
    app.queue(default_concurrency_limit=AT_ONCE, max_size=WAITING)
    return app, page


def _draw_desk(page: _Page, session: gr.State, app: gr.Blocks) -> None:
    """The article at one side, the conversation at the other."""
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="reading"):
            with (
                gr.Accordion("Another article", open=False, elem_id="another") as another,
                gr.Column(elem_id="bring"),
            ):
                shelf = gr.HTML(elem_id="shelf", apply_default_css=False, js_on_load=LISTEN)
                pasted = gr.Textbox(label="Paste its text, or its web address", lines=3, max_lines=6, elem_id="pasted")
                dropped = gr.File(
                    label=f"Or drop a file here ({', '.join(KINDS)})", type="filepath", elem_id="file", height=110
                )
                take = gr.Button("Open it", elem_id="take", size="md")
                complaint = gr.HTML(elem_id="complaint")
            pane = gr.HTML(page.pane(page.first), elem_id="article", apply_default_css=False)
        with gr.Column(elem_id="asking"):
            conversation = gr.HTML(
                conversation_html(()), elem_id="conversation", apply_default_css=False, js_on_load=LISTEN
            )
            examples = gr.HTML(SEEKING, elem_id="first", apply_default_css=False)
            everything = gr.Checkbox(
                label="Ask every article on the shelf", visible=False, container=False, elem_id="everything"
            )
            with gr.Row(elem_id="ask-row"):
                question = gr.Textbox(
                    placeholder="Ask about the article", label="Your question", lines=1, max_lines=5,
                    autofocus=True, elem_id="question", scale=1,
                )  # fmt: skip
                send = gr.Button("Ask", variant="primary", elem_id="send", scale=0)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(
        [question.submit, send.click],
        page.ask,
        [question, session, everything],
        [session, pane, conversation, examples, question],
        js="(question, session, everything) => articleQA.pending(question, session, everything)",
        api_name="ask_in_page",  # named after its function it would take the name that programs call
        concurrency_limit=AT_ONCE,
        concurrency_id="ask",
        **quiet,
    )
    conversation.submit(page.hear, [session], [session, conversation, examples], **quiet)
    brought = [session, pane, conversation, examples, shelf, everything, complaint, another, pasted, dropped]
    for event, source in ((take.click, pasted), (pasted.submit, pasted), (dropped.upload, dropped)):
        event(
            page.bring_file if source is dropped else page.bring_text,
            [source, session],
            brought,
            show_progress="minimal",
            show_progress_on=complaint,
            api_visibility="private",
            concurrency_limit=AT_ONCE,
        )
    shelf.submit(page.from_shelf, [session], brought, **quiet)
    app.load(page.arrive, [session], [session, pane, conversation, shelf, everything], **quiet).then(
        page.suggest, [session], [examples], **quiet
    )


def _draw_bench(page: _Page, session: gr.State, app: gr.Blocks) -> None:
    """Where a file of questions is asked, and earlier runs are looked at."""
    with gr.Column(elem_id="bench"):
        gr.HTML(BENCH, elem_classes="lead")
        with gr.Row(elem_id="bench-row"):
            file = gr.File(
                label="Your own questions (.jsonl); none: those that come with the program", type="filepath",
                file_types=[".jsonl"], height=90, elem_id="questions-file", scale=3,
            )  # fmt: skip
            start = gr.Button("Ask them all", variant="primary", elem_id="run", scale=0)
            stop = gr.Button("Stop", elem_id="stop", scale=0)
        with gr.Row(elem_id="former-row"):
            former = gr.Dropdown([], label="An earlier run", elem_id="former", scale=2)
            other = gr.Dropdown([], label="Compare with", elem_id="other", scale=2)
            show = gr.Button("Show", elem_id="show", scale=0)
            compare = gr.Button("Compare", elem_id="compare", scale=0)
        report = gr.HTML(elem_id="report", apply_default_css=False)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    start.click(
        page.evaluate, [file, session], [report, former, other], api_name="evaluate_in_page",
        concurrency_limit=1, concurrency_id="evaluate", **quiet,
    )  # fmt: skip
    stop.click(page.stop, None, None, **quiet)
    show.click(page.show_run, [former], [report], **quiet)
    compare.click(page.show_comparison, [former, other], [report], **quiet)
    app.load(page.former_runs, None, [former, other], **quiet)


class _Page:
    """What the page's events do. Holds no one's conversation: that is in each page's Session."""

    def __init__(self, library: Library, first: Article, folder: Path | None, *, shared: bool) -> None:
        """`folder`: where drafts and runs are written; None writes nothing."""
        self.first = first
        self._library = library
        self._library.put(first)
        self._folder = folder
        self._shared = shared
        self._suggested: dict[str, str] = {}
        self._stops: dict[str, threading.Event] = {}  # by page: its evaluation under way

    def warm_up(self) -> None:
        """Load the models and embed the first article, so that the first question need not wait for it."""
        try:
            self._library.answerer(self.first).ask("What happened?")
        except UserError as error:
            _say(f"article-qa: {error}")

    def pane(self, article: Article) -> str:
        """The article's pane, before anything is embedded."""
        return article_html(article, split_sentences(article.text), key=self._library.put(article))

    # --- asking

    def ask(self, question: str, session: Session, everything: bool) -> tuple[Session, Any, str, str, str]:
        """Answer in the conversation; the pane changes only when another article answers."""
        before = session.key
        session = replace(session, everything=bool(everything))
        if not question.strip():
            return session, gr.skip(), self._conversation(session), self._examples(session), ""
        try:
            exchange = self._of_all(question, session) if everything else self._exchange(question, session)
        except UserError as error:
            return session, gr.skip(), self._conversation(session, trouble=str(error)), "", question
        session = replace(session.at(exchange.key), exchanges=(*session.exchanges, exchange))
        pane = gr.skip() if session.key == before else self.pane(self._article(session.key))
        return session, pane, self._conversation(session), "", ""

    def _exchange(self, question: str, session: Session) -> Exchange:
        answerer = self._library.answerer(self._article(session.key))
        history = [exchange.turn for exchange in session.shown if exchange.runners]
        return exchange_of(answerer.ask(question, history), answerer, key=session.key)

    def _of_all(self, question: str, session: Session) -> Exchange:
        """The surest answer of the shelf; of answers equally sure, that of the article used last."""
        history = [exchange.turn for exchange in session.shown if exchange.runners]
        exchanges = []
        for shelved in self._shelf(session)[:ASKED_AT_ONCE]:
            answerer = self._library.answerer(self._article(shelved.key))
            exchanges.append(exchange_of(answerer.ask(question, history), answerer, key=shelved.key, several=True))
        return max(exchanges, key=lambda exchange: (exchange.answer.answered, exchange.answer.confidence))

    def hear(self, session: Session, told: gr.EventData) -> tuple[Session, str, str]:
        """Start the conversation over, or note which sentence would have been right."""
        said = told._data if isinstance(told._data, dict) else {}
        if said.get("fresh"):
            gone = set(map(id, session.shown))
            kept = tuple(exchange for exchange in session.exchanges if id(exchange) not in gone)
            session = replace(session, exchanges=kept)
            return session, self._conversation(session), self._examples(session)
        trouble = None
        try:
            session = self._judged(session, int(said["wrong"]), int(said["row"]))
        except (KeyError, ValueError, IndexError, TypeError):
            trouble = "That could not be noted. Reload the page and try again."
        except (UserError, OSError) as error:
            trouble = str(error)
        return session, self._conversation(session, trouble=trouble), ""

    def _judged(self, session: Session, turn: int, row: int) -> Session:
        """Write a draft question: this one, with the sentence that should have answered it (row -1: none does)."""
        if self._folder is None:
            raise UserError("this server writes nothing down. Run your own with: article-qa serve")
        exchange = session.shown[turn]
        article = self._article(exchange.key)
        sentences = split_sentences(article.text)
        evidence = [sentences[row].text] if row >= 0 else []
        earlier = [other.turn for other in session.shown[:turn] if other.runners]
        leans = exchange.answer.understood != exchange.answer.question
        drafts = self._folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        kept = drafts / f"{exchange.key}.txt"
        replace_text(kept, article.text)
        add_draft(
            drafts / "drafts.jsonl",
            exchange.answer.question,
            evidence=evidence,
            history=earlier if leans else [],
            origin="the app",
            article=kept.name,
        )
        noted = replace(exchange, judged=f"Noted. Review with: article-qa questions review {drafts / 'drafts.jsonl'}")
        return replace(session, exchanges=tuple(noted if other is exchange else other for other in session.exchanges))

    def _conversation(self, session: Session, *, trouble: str | None = None) -> str:
        return conversation_html(
            session.shown, taken_away=_taken_away, correctable=self._folder is not None, trouble=trouble
        )

    def _examples(self, session: Session) -> str:
        return "" if session.shown else self._suggested.get(session.key, "")

    def suggest(self, session: Session) -> str:
        """The example questions of the article in the pane, made once."""
        if session.shown:
            return ""
        drawn = self._suggested.get(session.key)
        if drawn is None:
            try:
                drawn = _examples_html(suggest(self._library.answerer(self._article(session.key))))
            except UserError as error:
                return f'<p role="alert">{escape(str(error))}</p>'
            self._suggested[session.key] = drawn
        return drawn

    # --- articles

    def _article(self, key: str) -> Article:
        found = self.first if key == key_of(self.first) else self._library.article(key)
        if found is None:
            raise NoSuchArticle(f"article {key!r} is not open here any more. Open it again.")
        return found

    def _shelf(self, session: Session) -> list[Shelved]:
        """What is on this page's shelf: on a server of strangers, only what was opened on this page."""
        everything = self._library.shelf()
        if not self._shared:
            return everything
        mine = {shelved.key: shelved for shelved in everything}
        return [mine[key] for key in reversed(session.opened) if key in mine]

    def _shelf_shown(self, session: Session) -> tuple[str, Any]:
        shelved = self._shelf(session)
        return shelf_html(shelved, current=session.key), gr.Checkbox(visible=len(shelved) > 1)

    def bring_text(self, text: str, session: Session) -> Iterator[tuple[Any, ...]]:
        """Open what was pasted: an article's text, or its web address."""
        text = text or ""
        address = text.strip()
        if address.startswith(("http://", "https://")) and len(address.split()) == 1:
            yield from self._bring(lambda: self._fetched(address), session)
        else:
            yield from self._bring(lambda: article_from_text(text), session)

    def _fetched(self, address: str) -> Article:
        if self._shared:  # strangers could make this machine look into its own network
            raise UnreachableArticle(f"{address}: a shared server fetches no web pages. Paste the article's text.")
        return read_article(address)

    def bring_file(self, path: str | None, session: Session) -> Iterator[tuple[Any, ...]]:
        """Open an uploaded file."""
        if path:
            yield from self._bring(lambda: read_article(path), session)

    def from_shelf(self, session: Session, told: gr.EventData) -> Iterator[tuple[Any, ...]]:
        """Open an article of the shelf again, or take it off."""
        said = told._data if isinstance(told._data, dict) else {}
        if said.get("forget"):
            key = str(said["forget"])
            if key != session.key:
                if not self._shared:
                    self._library.forget(key)
                session = replace(session, opened=tuple(other for other in session.opened if other != key))
            shelf, everything = self._shelf_shown(session)
            yield session, *_as_it_is(3), shelf, everything, *_as_it_is(4)
        elif said.get("open"):
            yield from self._bring(lambda: self._article(str(said["open"])), session)

    def _bring(self, read: Callable[[], Article], session: Session) -> Iterator[tuple[Any, ...]]:
        """Show the article as soon as it is read, and embed it while the person looks at it."""
        yield *_as_it_is(6), "<p>Reading…</p>", *_as_it_is(3)
        try:
            article = read()
            pane = self.pane(article)
        except UserError as error:
            yield *_as_it_is(6), f'<p role="alert">{escape(str(error))}</p>', *_as_it_is(2), None
            return
        session = session.at(self._library.put(article))
        examples = "" if session.shown else self._suggested.get(session.key, SEEKING)
        yield (
            session, pane, self._conversation(session), examples, *self._shelf_shown(session),
            "", gr.Accordion(open=False), "", None,
        )  # fmt: skip
        yield *_as_it_is(3), self.suggest(session), *_as_it_is(6)

    def arrive(self, session: Session, request: gr.Request) -> tuple[Any, ...]:
        """Open the page at the article and question of its address."""
        wanted = dict(request.query_params) if request else {}
        key, question = wanted.get("article", ""), wanted.get("q", "").strip()
        pane: Any = gr.skip()
        trouble = None
        if key and key != session.key:
            article = self._library.article(key)  # a link to the first article needs no opening
            if article is None:
                trouble = "The article of this link is not kept here any more. Open it again and ask."
                question = ""
            else:
                session = session.at(key)
                pane = self.pane(article)
        if question:
            session, _, conversation, _, _ = self.ask(question, session, False)
        else:
            conversation = self._conversation(session, trouble=trouble)
        return session, pane, conversation, *self._shelf_shown(session)

    # --- evaluating

    @property
    def _runs(self) -> Path:
        if self._folder is None:
            raise UserError("this server writes nothing down. Run your own with: article-qa serve")
        return self._folder / "runs"

    def evaluate(self, path: str | None, session: Session, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        """Ask a file of questions: progress first, then the report."""
        stop = threading.Event()
        self._stops[str(request.session_hash)] = stop
        try:
            # The questions that come with the program are about the article that does.
            article = self._article(session.key) if path else builtin_article()
            steps = run_in_steps(
                Path(path) if path else own_questions(), article, self._library.answerer, runs=self._runs, stop=stop
            )
            for step in steps:
                if isinstance(step, Progress):
                    yield progress_html(step), gr.skip(), gr.skip()
                else:
                    yield report_html(self._runs, step), *self.former_runs(chosen=step)
        except UserError as error:
            yield f'<p role="alert">{escape(str(error))}</p>', gr.skip(), gr.skip()
        finally:
            self._stops.pop(str(request.session_hash), None)

    def stop(self, request: gr.Request) -> None:
        """Stop this page's evaluation; what was asked stays recorded."""
        stop = self._stops.get(str(request.session_hash))
        if stop is not None:
            stop.set()

    def former_runs(self, chosen: str | None = None) -> tuple[Any, Any]:
        """The recorded runs, to choose from."""
        names = kept_runs(self._runs)
        newest = chosen or (names[0] if names else None)
        before = next((name for name in names if name != newest), None)
        return gr.Dropdown(choices=names, value=newest), gr.Dropdown(choices=names, value=before)

    def show_run(self, name: str | None) -> str:
        """The report of an earlier run."""
        try:
            return report_html(self._runs, name or "")
        except UserError as error:
            return f'<p role="alert">{escape(str(error))}</p>'

    def show_comparison(self, later: str | None, earlier: str | None) -> str:
        """The comparison of two earlier runs."""
        try:
            return comparison_html(self._runs, earlier or "", later or "")
        except UserError as error:
            return f'<p role="alert">{escape(str(error))}</p>'

    # --- for programs

    def api_ask(self, question: str, history: list[list[str]] | None = None, article: str = "") -> dict[str, Any]:
        """Answer a question about an article with one of its sentences, or say that it does not say.

        Args:
            question: A question in plain English.
            history: Earlier turns, oldest first, each [question, answer]; they make "Did he survive?" understood.
            article: The key of an article that is open here; empty for the one the app was started with.

        Returns:
            question, understood, answered, confidence (0 to 1), answer, sentence and passage (each text, start and end,
            or null; offsets count characters of the article), reason, nearest_miss, unmentioned,
            candidates, article, ms.
        """
        with _complaints():
            answerer = self._named(article)
            turns = [Turn(str(asked), str(answered)) for asked, answered in history or []]
            record = as_dict(answerer.ask(question, turns), answerer.article_index)
        record["candidates"] = record["candidates"][:API_CANDIDATES]
        record["article"]["key"] = key_of(answerer.article)
        return record

    def api_batch(self, questions: list[dict[str, Any]], article: str = "") -> list[dict[str, Any]]:
        """Answer several questions, each {"id", "question", "history"?}; a bad one is reported in its own record.

        Args:
            questions: As the lines of a batch file.
            article: The key of an article that is open here; empty for the one the app was started with.

        Returns:
            One record a question, in order, as `article-qa batch` writes them.
        """
        with _complaints(), tempfile.TemporaryDirectory() as folder:
            answerer = self._named(article)
            asked, answered = Path(folder, "questions.jsonl"), Path(folder, "answers.jsonl")
            # No paths from outside: a record may not name a file of this machine as its article.
            lines = [{key: value for key, value in one.items() if key != "article"} for one in questions]
            asked.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            answer_file(asked, answered, lambda _: answerer)
            return [json.loads(line) for line in answered.read_text(encoding="utf-8").split("\n") if line]

    def api_open(self, text: str, title: str = "") -> dict[str, Any]:
        """Open an article from its text, so that it can be asked.

        Args:
            text: The whole text of the article.
            title: What to call it; empty takes it from the text.

        Returns:
            key, title and sentences.
        """
        with _complaints():
            answerer = self._library.answerer(article_from_text(text, title=title or None))
        return _article_record(answerer)

    def api_articles(self) -> list[dict[str, Any]]:
        """List the articles on the shelf: key, title and sentences (null where it has not been opened yet)."""
        return [dataclasses.asdict(shelved) for shelved in self._library.shelf()]

    def api_evaluate(self, questions: list[dict[str, Any]], article: str = "") -> dict[str, Any]:
        """Ask questions whose answers are known, and score the answers.

        Args:
            questions: As the lines of eval/questions.jsonl: id, question, evidence, answers, kind, history.
            article: The key of the article they are about; empty for the one the app was started with.

        Returns:
            The figures, each with n and its 95 % interval, as `article-qa eval --json` prints them.
        """
        with _complaints(), tempfile.TemporaryDirectory() as folder:
            asked = Path(folder, "questions.jsonl")
            lines = [{key: value for key, value in one.items() if key != "article"} for one in questions]
            asked.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            answerer = self._named(article)
            run = run_questions(read_question_set(asked, answerer.article), lambda _: answerer)
            refuse_empty(run)
            figures: dict[str, Any] = summarise(run).to_json()
            return figures

    def _named(self, key: str) -> Answerer:
        return self._library.answerer(self._article(key) if key else self.first)


def _article_record(answerer: Answerer) -> dict[str, Any]:
    article = answerer.article
    return {"key": key_of(article), "title": article.title, "sentences": len(answerer.article_index.sentences)}


@contextmanager
def _complaints() -> Iterator[None]:
    """What a program did wrong reaches it as one line."""
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except (TypeError, ValueError, AttributeError):
        raise gr.Error(
            "what was sent has not the form that view=api describes. Look there.", print_exception=False
        ) from None


def _as_it_is(count: int) -> tuple[Any, ...]:
    """Leave that many parts of the page alone."""
    return tuple(gr.skip() for _ in range(count))


def _taken_away(exchange: Exchange) -> dict[str, str]:
    return {"text": as_plain(exchange), "Markdown": as_markdown(exchange), "JSON": as_json(exchange)}


def _examples_html(questions: Sequence[str]) -> str:
    if not questions:
        return f'<div class="examples">{WELCOME}<p>Ask in plain English: who, what, when, where, why.</p></div>'
    items = "".join(
        f'<li><button type="button" data-ask="{escape(question)}" dir="auto">{escape(question)}</button></li>'
        for question in questions
    )
    return f'<div class="examples">{WELCOME}<p>For example</p><ul>{items}</ul></div>'


MASTHEAD = (
    '<header class="mast"><p class="name">Article QA</p>'
    '<p class="motto">Every answer in the article’s own words</p></header>'
)
WELCOME = "<h2>Ask anything. The answer is a sentence of the article, or that it does not say.</h2>"
SEEKING = f'<div class="examples">{WELCOME}<p>Looking for questions this article answers…</p></div>'
BENCH = (
    "<h2>How good are the answers?</h2><p>A file of questions is asked, one after another, and each answer is held "
    "against the sentence that is right. The same as <code>article-qa eval</code>.</p>"
)
# What page.js tells a part of the page reaches Python as that part's event.
LISTEN = "element.dataset.listens = '1'; element.addEventListener('tell', (event) => trigger('submit', event.detail));"


def looks() -> dict[str, Any]:
    """Return what `launch()` must be given for the app to look and behave as it was drawn."""
    fonts = ["Iowan Old Style", "Palatino Linotype", "Georgia", "DejaVu Serif", "serif"]
    return {
        "theme": gr.themes.Base(font=fonts, font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"]),
        "css": (UI / "page.css").read_text(encoding="utf-8"),
        "head": f"<script>{(UI / 'page.js').read_text(encoding='utf-8')}</script>",
        "favicon_path": UI / "favicon.svg",
        "footer_links": [],
        "run_history": False,  # Gradio would keep every question in the browser
        "share": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "max_file_size": LARGEST_UPLOAD,
    }


def serve(
    article: Article,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    model: str | None = None,
    reader: str = DEFAULT_READER,
    min_confidence: float | None = None,
    cache: Path | None = USER_CACHE,
    mcp: bool = False,
    block: bool = True,
) -> str:
    """Open the app on host:port (0: any free port) and stay until interrupted; return its address.

    mcp: also offer the article to assistants, by the Model Context Protocol at /gradio_api/mcp/.
    block: False returns at once and serves until the process ends.
    Raises PortInUse, MissingExtra.
    """
    if mcp and find_spec("mcp") is None:
        raise MissingExtra("serving assistants needs mcp", extra="mcp")
    _keep_local_calls_off_proxies()
    folder = cache_folder() if cache is USER_CACHE else cache
    opening = functools.partial(open_answerer, model=model, reader=reader, cache=folder, min_confidence=min_confidence)
    # Where other machines can come in, nobody's shelf is shown to anybody else.
    shared = host not in LOCAL_HOSTS
    app, page = _built(article, opening, None if shared else folder, shared=shared)
    port = port or _free_port(host)
    try:
        _, address, _ = app.launch(
            server_name=host,
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            mcp_server=mcp,
            _frontend=False,  # Gradio would give up where its own server does not answer it within 3 seconds
            **looks(),
        )
    except OSError:
        raise PortInUse(f"port {port} of {host} is taken. Choose another with --port, or 0 for any.") from None
    _say(f"article-qa: {article.title} on {address} (Ctrl+C ends)")
    threading.Thread(target=page.warm_up, name="warm-up", daemon=True).start()
    if block:
        app.block_thread()
    return str(address)


def _keep_local_calls_off_proxies() -> None:
    """Gradio asks its own server whether it is up; a company's proxy must not stand between the two."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, *LOCAL_HOSTS]))


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def __getattr__(name: str) -> Any:
    """`demo`, as Gradio's own tools expect it; built when asked for, because the command line never is."""
    if name != "demo":
        raise AttributeError(name)
    app = build_app()
    app.launch = functools.partial(app.launch, **looks())  # type: ignore[method-assign]  # the tools call it bare
    globals()["demo"] = app
    return app


def main() -> None:
    """Open the app on the built-in article."""
    try:
        serve(builtin_article(), port=int(os.environ.get("PORT", "7860")))
    except UserError as error:
        _say(f"article-qa: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
