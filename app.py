"""An article and a port come in; the app goes out: the article at one side, questions and answers at the other.

Layout, wording and wiring only (the only file that imports gradio): answers come from `qa`, what is drawn from `ui`.

    python app.py                      the built-in article on http://127.0.0.1:7860
    article-qa serve --article A       the same, with choices
    article-qa serve --library NAME    all articles of a library, asked at once
"""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import gradio as gr
from gradio.events import api

from index.article import Article, article_from_paste, builtin_article, read_article
from index.build import cache_folder
from index.errors import MissingExtra, NoSuchArticle, UnreachableArticle, UserError
from index.sentences import split_sentences
from qa.answer import DEFAULT_READER, USER_CACHE, Answerer, open_answerer
from qa.drafts import add_draft
from qa.evaluation_commands import own_questions
from qa.run import replace_text
from ui.article_pane import CONTENTS, article_html
from ui.cite import as_json, as_markdown, as_plain
from ui.conversation import Exchange, conversation_html, exchange_of
from ui.evaluating import Progress, comparison_html, kept_runs, progress_html, report_html, run_in_steps
from ui.library import Library, Open, Shelved, key_of
from ui.line import Line
from ui.programs import LibraryPrograms, Programs
from ui.shelf import shelf_html
from ui.suggestions import suggest
from ui.waiting import opening_html, place_html

if TYPE_CHECKING:
    from qa.library_answer import LibraryAnswerer
    from ui.archive import Archive

P = ParamSpec("P")
T = TypeVar("T")

UI = Path(__file__).resolve().parent / "ui"
KINDS = [".txt", ".md", ".html", ".htm", ".pdf", ".docx", ".eml"]
LARGEST_UPLOAD = "50mb"
AT_ONCE = 2  # questions answered side by side; more of them on two cores only make everybody wait longer
WAITING = 100  # questions in line before newcomers are told to come back
LOOK_EVERY = 0.5  # seconds between two words to a person who waits
WEB_ADDRESS = re.compile(r"(?i)(?:https?://|www\.)\S+")
FORGETTING: Any = {"delete_cache": (600, 3600)}  # seconds: Gradio's copies of dropped files are gone an hour later
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
ASKED_AT_ONCE = 8  # articles of the shelf that one question goes to
AS_IT_IS: Any = gr.skip()  # this part of the page does not change


class CannotListen(UserError):
    """Another program has the port that was asked for, or the address is no address of this machine."""


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


class Desk(NamedTuple):
    """What an event changes on the page where questions are asked; the rest stays as it is."""

    session: Any = AS_IT_IS
    pane: Any = AS_IT_IS
    conversation: Any = AS_IT_IS
    examples: Any = AS_IT_IS
    question: Any = AS_IT_IS
    shelf: Any = AS_IT_IS
    complaint: Any = AS_IT_IS
    another: Any = AS_IT_IS
    pasted: Any = AS_IT_IS
    dropped: Any = AS_IT_IS
    waiting: Any = AS_IT_IS


def build_app(
    article: Article | None = None,
    *,
    open_article: Open | None = None,
    cache: Path | None = USER_CACHE,
) -> gr.Blocks:
    """Return the app, ready to launch with `looks()`; nothing is embedded and no model loaded yet.

    article: what is in the pane first; None is the built-in one.
    open_article: how an article becomes an Answerer (`ui.library.Open`); None is `qa.answer.open_answerer`.
    cache: the folder whose kept articles stand on the shelf, and where drafts and runs are written; None, for a server
        that strangers share, shows nobody what others opened and writes nothing.
    """
    return _built(article, open_article, cache, shared=cache is None)[0]


def _built(
    article: Article | None, open_article: Open | None, cache: Path | None, *, shared: bool
) -> tuple[gr.Blocks, _Page]:
    """Return the app and what its events call; `shared`: people who ask it are strangers to each other."""
    first = builtin_article() if article is None else article
    folder = cache_folder() if cache is USER_CACHE else cache
    library = Library(open_article or functools.partial(open_answerer, cache=folder), cache=folder)
    page = _Page(library, first, folder, shared=shared)

    app = gr.Blocks(title=f"{first.title} – Article QA", analytics_enabled=False, fill_width=True, **FORGETTING)
    with app:
        session = gr.State(Session(key_of(first), (key_of(first),)))
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", id="ask"):
                _draw_desk(page, session, app)
            if folder is not None:
                with gr.Tab("Evaluate", id="evaluate"):
                    _draw_bench(page, session, app)
        programs = page.programs
        api(_for_programs(programs.ask), api_name="ask", concurrency_limit=AT_ONCE)
        api(_for_programs(programs.batch), api_name="batch", concurrency_limit=1)
        api(_for_programs(programs.open), api_name="open", concurrency_limit=1)
        if folder is not None:
            api(_for_programs(programs.articles), api_name="articles")
            evaluate = _for_programs(programs.evaluate)
            api(evaluate, api_name="evaluate", concurrency_limit=1, concurrency_id="evaluate")
    app.queue(default_concurrency_limit=AT_ONCE, max_size=WAITING)
    return app, page


def build_library_app(answerer: LibraryAnswerer, *, cache: Path | None = USER_CACHE) -> gr.Blocks:
    """Return the app that asks a library, ready to launch with `looks()`.

    cache: the folder where drafts are written; None, for a server that strangers share, writes nothing.
    """
    return _built_of_library(answerer, cache)[0]


def _built_of_library(answerer: LibraryAnswerer, cache: Path | None) -> tuple[gr.Blocks, _LibraryPage]:
    """The same desk with the contents of a library at one side. Nothing is evaluated: `eval --library` does that."""
    from ui.archive import Archive  # one article is asked without it

    page = _LibraryPage(Archive(answerer), cache_folder() if cache is USER_CACHE else cache)
    app = gr.Blocks(title=f"{page.archive.name} – Article QA", analytics_enabled=False, fill_width=True, **FORGETTING)
    with app:
        session = gr.State(Session(CONTENTS, (CONTENTS,), everything=True))
        gr.HTML(MASTHEAD, elem_id="masthead")
        _draw_desk(page, session, app)
        programs = page.library_programs
        api(_for_programs(programs.ask), api_name="ask", concurrency_limit=AT_ONCE)
        api(_for_programs(programs.batch), api_name="batch", concurrency_limit=1)
        api(_for_programs(programs.articles), api_name="articles")
    app.queue(default_concurrency_limit=AT_ONCE, max_size=WAITING)
    return app, page


class _Bringing(NamedTuple):
    """Where another article comes in."""

    another: gr.Accordion
    pasted: gr.Textbox
    dropped: gr.File
    take: gr.Button
    complaint: gr.HTML
    shelf: gr.HTML


def _draw_bringing() -> _Bringing:
    with gr.Accordion("Another article", open=False, elem_id="another") as another, gr.Column(elem_id="bring"):
        pasted = gr.Textbox(label="Paste its text, or its web address", lines=3, max_lines=6, elem_id="pasted")
        dropped = gr.File(
            label=f"Or drop a file here ({', '.join(KINDS)})", type="filepath", elem_id="file", height=110
        )
        take = gr.Button("Open it", elem_id="take", size="md")
        complaint = gr.HTML(elem_id="complaint")
        shelf = gr.HTML(elem_id="shelf", apply_default_css=False, js_on_load=LISTEN)
    return _Bringing(another, pasted, dropped, take, complaint, shelf)


class _Finding(NamedTuple):
    """Where an article of a library is looked for."""

    find: gr.Textbox
    complaint: gr.HTML
    shelf: gr.HTML  # empty: only what the page tells Python goes through it


def _draw_finding() -> _Finding:
    find = gr.Textbox(
        label="Find an article", placeholder="Find an article, or date:2024-05", lines=1,
        elem_id="find", container=False,
    )  # fmt: skip
    complaint = gr.HTML(elem_id="complaint")
    shelf = gr.HTML(elem_id="shelf", apply_default_css=False, js_on_load=LISTEN)
    return _Finding(find, complaint, shelf)


def _draw_desk(page: _Page, session: gr.State, app: gr.Blocks) -> None:
    """The article, or the contents of a library, at one side, the conversation at the other."""
    of_library = isinstance(page, _LibraryPage)
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="reading"):
            above = _draw_finding() if of_library else _draw_bringing()
            pane = gr.HTML(page.opening_pane(), elem_id="article", apply_default_css=False)
        with gr.Column(elem_id="asking"):
            conversation = gr.HTML(
                conversation_html(()), elem_id="conversation", apply_default_css=False, js_on_load=LISTEN
            )
            examples = gr.HTML(page.seeking, elem_id="first", apply_default_css=False)
            waiting = gr.HTML(elem_id="waiting", apply_default_css=False)
            # page.css shows it while there is a shelf; a library is always asked as a whole.
            everything = gr.Checkbox(
                label=f"Ask all recent articles (at most {ASKED_AT_ONCE})", container=False, elem_id="everything",
                value=of_library, visible=not of_library,
            )  # fmt: skip
            with gr.Row(elem_id="ask-row"):
                question = gr.Textbox(
                    placeholder="Ask the library" if of_library else "Ask about the article", label="Your question",
                    lines=1, max_lines=5, autofocus=True, elem_id="question", scale=1,
                )  # fmt: skip
                send = gr.Button("Ask", variant="primary", elem_id="send", scale=0)

    # What a library's page does not have is never changed there.
    missing = (gr.State(), gr.State(), gr.State())
    brought = (above.another, above.pasted, above.dropped) if isinstance(above, _Bringing) else missing
    desk: list[Any] = [
        session, pane, conversation, examples, question, above.shelf, above.complaint, *brought, waiting
    ]  # fmt: skip
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    asking = gr.on(
        [question.submit, send.click],
        page.ask,
        [question, session, everything],
        desk,
        js="(question, session, everything) => articleQA.pending(question, session, everything)",
        api_name="ask_in_page",  # named after its function it would take the name that programs call
        concurrency_limit=None,  # the page's own line keeps the order, and can tell a person of it
        **quiet,
    )
    arrived = app.load(page.arrive, [session], desk, concurrency_limit=None, **quiet)
    # Whoever goes on to another article, corrects an answer or starts over waits for no answer any more: it would come
    # with the session as it was, and take them back. page.js puts the question back into the box (`leave`).
    gone_on: dict[str, Any] = {"cancels": [asking, arrived]}
    suggesting: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": None, **quiet}
    arrived.then(page.suggest_in_steps, [session], desk, **suggesting)
    conversation.submit(page.hear, [session], desk, **gone_on, **quiet).then(js=_keep_focus("#conversation"))
    if isinstance(above, _Bringing):
        app.load(js=UNFOLD)
        pasted, dropped = above.pasted, above.dropped
        for event, source in ((above.take.click, pasted), (pasted.submit, pasted), (dropped.upload, dropped)):
            event(
                page.bring_file if source is dropped else page.bring_text,
                [source, session],
                desk,
                show_progress="minimal",
                show_progress_on=above.complaint,
                api_visibility="private",
                concurrency_limit=None,  # the library opens one after another
                js="(...all) => articleQA.leave(...all)",
                **gone_on,
            ).then(page.suggest_in_steps, [session], desk, **suggesting)
    elif isinstance(page, _LibraryPage):
        above.find.change(page.find, [above.find, session], desk, trigger_mode="always_last", **quiet)
        above.find.submit(page.find, [above.find, session], desk, **quiet)
    # Examples are sought in an event of their own: while one is under way, its own clicks would not be heard.
    opened = above.shelf.submit(page.from_shelf, [session], desk, concurrency_limit=None, **gone_on, **quiet)
    opened.then(page.suggest_in_steps, [session], desk, **suggesting)
    opened.then(js=_keep_focus("#article"))


def _draw_bench(page: _Page, session: gr.State, app: gr.Blocks) -> None:
    """Where a file of questions is asked, and earlier runs are looked at."""
    with gr.Column(elem_id="bench"):
        gr.HTML(BENCH, elem_classes="lead")
        with gr.Row(elem_id="bench-row"):
            file = gr.File(
                label="Your own questions (.jsonl)", type="filepath", height=90, elem_id="questions-file", scale=3,
                min_width=320,  # on a phone the button goes below: beside it there is no room for what the box says
            )  # fmt: skip
            start = gr.Button("Ask them all", variant="primary", elem_id="run", scale=0)
            stop = gr.Button("Stop", elem_id="stop", scale=0, visible=False)
        with gr.Row(elem_id="former-row", visible=False) as earlier:
            former = gr.Dropdown([], label="An earlier run", elem_id="former", scale=2)
            other = gr.Dropdown([], label="Compare with", elem_id="other", scale=2)
            show = gr.Button("Show", elem_id="show", scale=0)
            compare = gr.Button("Compare", elem_id="compare", scale=0)
        report = gr.HTML(elem_id="report", apply_default_css=False)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    runs = [earlier, former, other, compare]
    start.click(
        page.evaluate, [file, session], [report, stop, *runs], api_name="evaluate_in_page",
        concurrency_limit=1, concurrency_id="evaluate", **quiet,
    ).then(js=_keep_focus("#run"))  # fmt: skip
    stop.click(page.stop, None, None, **quiet)
    show.click(page.show_run, [former], [report], **quiet)
    compare.click(page.show_comparison, [former, other], [report], **quiet)
    app.load(page.former_runs, None, runs, **quiet)


class _Page:
    """What the page's events do. Holds no one's conversation: that is in each page's Session."""

    def __init__(self, library: Library, first: Article, folder: Path | None, *, shared: bool) -> None:
        """`folder`: where drafts and runs are written; None writes nothing."""
        self.seeking = SEEKING
        self.first = first
        self._library = library
        self._library.put(first)
        self._folder = folder
        self._shared = shared
        self._suggested: dict[str, str] = {}
        self._stops: dict[str, threading.Event] = {}  # by page: its evaluation under way
        self._line = Line(AT_ONCE, longest=WAITING)
        self.programs = Programs(library, self._line, lambda key: self._article(key) if key else first)

    def warm_up(self) -> None:
        """Load the models and embed the first article, so that the first question need not wait for it."""
        try:
            self._library.answerer(self.first).ask("What happened?")
        except UserError as error:
            _say(f"article-qa: {error}")

    def pane(self, article: Article) -> str:
        """The article's pane, before anything is embedded."""
        return article_html(article, split_sentences(article.text), key=self._library.put(article))

    def opening_pane(self) -> str:
        """The pane of a page on which nothing was done yet."""
        return self.pane(self.first)

    def _pane_at(self, key: str) -> str:
        """The pane at a key of a session. Raises NoSuchArticle."""
        return self.pane(self._article(key))

    # --- asking

    def ask(self, question: str, session: Session, everything: bool) -> Iterator[Desk]:
        """Answer in the conversation, telling meanwhile what is waited for; the pane changes only with the article."""
        before = session.key
        session = replace(session, everything=bool(everything))
        if not question.strip():
            yield Desk(session, conversation=self._conversation(session), examples=self._examples(session))
            return
        try:
            for step in self._answer_in_steps(question, session):
                if isinstance(step, str):
                    yield Desk(waiting=step)
                else:
                    session = replace(session.at(step.key), exchanges=(*session.exchanges, step))
        except UserError as error:
            trouble = self._conversation(session, trouble=str(error))
            yield Desk(session, conversation=trouble, examples="", question=question, waiting="")
            return
        if session.key == before:
            yield Desk(session, conversation=self._conversation(session), examples="", waiting="")
            return
        pane, shelf = self._pane_at(session.key), self._shelf_shown(session)
        yield Desk(session, pane, self._conversation(session), examples="", shelf=shelf, waiting="")

    def _answer_in_steps(self, question: str, session: Session) -> Iterator[str | Exchange]:
        """Yield what to tell a person who must wait, and at last the exchange. Raises UserError."""
        keys = (
            [shelved.key for shelved in self._shelf(session)[:ASKED_AT_ONCE]] if session.everything else [session.key]
        )
        if session.everything:  # one that is kept and cannot be read any more does not keep the others from answering
            keys = [key for key in keys if self._can_be_asked(key)]
            if not keys:
                raise NoSuchArticle("no article is open here any more. Open one again, and ask.")
        history = [exchange.turn for exchange in session.shown if exchange.runners]
        for key in keys:
            for far in self._library.open_in_steps(self._article(key)):
                yield opening_html(far.done, far.total)
        with self._line.place() as place:
            while place.before:
                yield place_html(place)
                place.wait(LOOK_EVERY)
            exchanges = []
            for key in keys:
                answerer = self._library.answerer(self._article(key))
                answer = answerer.ask(question, history)
                exchanges.append(exchange_of(answer, answerer, key=key, asked_of=len(keys)))
        # The surest answer of the shelf; of answers equally sure, that of the article used last.
        yield max(exchanges, key=lambda exchange: (exchange.answer.answered, exchange.answer.confidence))

    def hear(self, session: Session, told: gr.EventData) -> Desk:
        """Start the conversation over, or note which sentence would have been right."""
        said = told._data if isinstance(told._data, dict) else {}
        if said.get("fresh"):
            gone = set(map(id, session.shown))
            kept = tuple(exchange for exchange in session.exchanges if id(exchange) not in gone)
            session = replace(session, exchanges=kept)
            drawn = self._conversation(session)
            return Desk(session, conversation=drawn, examples=self._examples(session), waiting="")
        trouble = None
        try:
            session = self._judged(session, int(said["wrong"]), int(said["row"]))
        except (KeyError, ValueError, IndexError, TypeError):
            trouble = "That could not be noted. Reload the page and try again."
        except (UserError, OSError) as error:
            trouble = str(error)
        return Desk(session, conversation=self._conversation(session, trouble=trouble), examples="", waiting="")

    def _judged(self, session: Session, turn: int, row: int) -> Session:
        """Write a draft question: this one, with the sentence that should have answered it (row -1: none does)."""
        if self._folder is None:
            raise UserError("this server writes nothing down. Run your own with: article-qa serve")
        exchange = session.shown[turn]
        # The right sentence was chosen in the pane, which may show another article than the one that answered.
        article = self._article(session.key if row >= 0 else exchange.key)
        sentences = split_sentences(article.text)
        evidence = [sentences[row].text] if row >= 0 else []
        earlier = [other.turn for other in session.shown[:turn] if other.runners]
        leans = exchange.answer.understood != exchange.answer.question
        drafts = self._folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        kept = drafts / f"{key_of(article)}.txt"
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

    def _conversation(self, session: Session, *, trouble: str | None = None, pending: str | None = None) -> str:
        return conversation_html(
            session.shown,
            taken_away=_taken_away,
            correctable=self._folder is not None,
            trouble=trouble,
            pending=pending,
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

    def suggest_in_steps(self, session: Session) -> Iterator[Desk]:
        """The same, telling meanwhile how far the article is embedded."""
        with suppress(UserError):  # said by `suggest`
            for far in self._library.open_in_steps(self._article(session.key)):
                yield Desk(waiting=opening_html(far.done, far.total))
        yield Desk(examples=self.suggest(session), waiting="")

    # --- articles

    def _article(self, key: str) -> Article:
        found = self.first if key == key_of(self.first) else self._library.article(key)
        if found is None:
            raise NoSuchArticle("that article is not open here any more. Open it again.")
        return found

    def _can_be_asked(self, key: str) -> bool:
        try:
            self._article(key)
        except NoSuchArticle:
            return False
        return True

    def _shelf(self, session: Session) -> list[Shelved]:
        """What is on this page's shelf: on a server of strangers, only what was opened on this page."""
        everything = self._library.shelf()
        if not self._shared:
            return everything
        mine = {shelved.key: shelved for shelved in everything}
        return [mine[key] for key in reversed(session.opened) if key in mine]

    def _shelf_shown(self, session: Session) -> str:
        return shelf_html(self._shelf(session), current=session.key)

    def bring_text(self, text: str, session: Session) -> Iterator[Desk]:
        """Open what was pasted: an article's text, or its web address."""
        text = text or ""
        address = text.strip()
        if WEB_ADDRESS.fullmatch(address):
            address = address if "://" in address else f"https://{address}"
            yield from self._bring(lambda: self._fetched(address), session)
        else:
            yield from self._bring(lambda: article_from_paste(text), session)

    def _fetched(self, address: str) -> Article:
        if self._shared:  # strangers could make this machine look into its own network
            raise UnreachableArticle(f"{address}: a shared server fetches no web pages. Paste the article's text.")
        return read_article(address)

    def bring_file(self, path: str | None, session: Session) -> Iterator[Desk]:
        """Open an uploaded file."""
        if path:
            yield from self._bring(lambda: _uploaded(path), session)

    def from_shelf(self, session: Session, told: gr.EventData) -> Iterator[Desk]:
        """Open an article of the shelf again, or take it off."""
        said = told._data if isinstance(told._data, dict) else {}
        if said.get("forget"):
            key = str(said["forget"])
            if key != session.key:
                if not self._shared:
                    self._library.forget(key)
                session = replace(session, opened=tuple(other for other in session.opened if other != key))
            yield Desk(session, shelf=self._shelf_shown(session), waiting="")
        elif said.get("open"):
            yield from self._bring(lambda: self._article(str(said["open"])), session)

    def _bring(self, read: Callable[[], Article], session: Session) -> Iterator[Desk]:
        """Show the article as soon as it is read, and embed it while the person looks at it."""
        yield Desk(complaint="<p>Opening…</p>")
        try:
            article = read()
            pane = self.pane(article)
        except UserError as error:
            another = gr.Accordion(open=True)  # the complaint stands in it
            complaint = f'<p role="alert">{escape(str(error))}</p>'
            shelf = self._shelf_shown(session)
            yield Desk(complaint=complaint, another=another, dropped=None, shelf=shelf, waiting="")
            return
        session = session.at(self._library.put(article))
        yield Desk(
            session,
            pane,
            self._conversation(session),
            examples="" if session.shown else self._suggested.get(session.key, SEEKING),
            shelf=self._shelf_shown(session),
            complaint="",
            another=gr.Accordion(open=False),
            pasted="",
            dropped=None,
            waiting="",
        )

    def arrive(self, session: Session, request: gr.Request) -> Iterator[Desk]:
        """Open the page at the article and question of its address."""
        wanted = dict(request.query_params) if request else {}
        key, question = wanted.get("article", ""), wanted.get("q", "").strip()
        pane = AS_IT_IS
        trouble = None
        if key and key != session.key:  # a link to the first article needs no opening
            try:
                pane = self._pane_at(key)
                session = session.at(key)
            except NoSuchArticle:
                trouble = "The article of this link is not kept here any more. Open it again and ask."
                question = ""
        conversation = self._conversation(session, trouble=trouble, pending=question or None)
        yield Desk(session, pane, conversation, shelf=self._shelf_shown(session))
        if question:
            yield from self.ask(question, session, session.everything)

    # --- evaluating

    @property
    def _runs(self) -> Path:
        if self._folder is None:
            raise UserError("this server writes nothing down. Run your own with: article-qa serve")
        return self._folder / "runs"

    def evaluate(self, path: str | None, session: Session, request: gr.Request) -> Iterator[tuple[Any, ...]]:
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
                    yield progress_html(step), gr.Button(visible=True), *(AS_IT_IS,) * 4
                else:
                    yield report_html(self._runs, step), gr.Button(visible=False), *self.former_runs(chosen=step)
        except UserError as error:
            told = _without_folder(str(error), path) if path else str(error)
            yield f'<p role="alert">{escape(told)}</p>', gr.Button(visible=False), *(AS_IT_IS,) * 4
        finally:
            self._stops.pop(str(request.session_hash), None)

    def stop(self, request: gr.Request) -> None:
        """Stop this page's evaluation; what was asked stays recorded."""
        stop = self._stops.get(str(request.session_hash))
        if stop is not None:
            stop.set()

    def former_runs(self, chosen: str | None = None) -> tuple[Any, ...]:
        """The recorded runs, to choose from; nothing to choose from is not shown."""
        names = kept_runs(self._runs)
        newest = chosen or (names[0] if names else None)
        before = next((name for name in names if name != newest), None)
        two = len(names) > 1
        return (
            gr.Row(visible=bool(names)),
            gr.Dropdown(choices=names, value=newest),
            gr.Dropdown(choices=names, value=before, visible=two),
            gr.Button(visible=two),
        )

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


class _LibraryPage(_Page):
    """The same where all articles of a library are asked at once; the pane has its contents, or one article."""

    def __init__(self, archive: Archive, folder: Path | None) -> None:
        """`folder`: where drafts are written; None writes nothing."""
        self.archive = archive
        self.seeking = _examples_html(None, WELCOME_TO_LIBRARY)
        self._folder = folder
        self._shared = True  # nothing is brought here
        self._suggested = {}
        self._line = Line(AT_ONCE, longest=WAITING)
        self.library_programs = LibraryPrograms(archive, self._line)

    def warm_up(self) -> None:
        """Load what the first question would have to wait for."""
        try:
            self.archive.answerer.ask("What happened?")
        except UserError as error:
            _say(f"article-qa: {error}")

    def opening_pane(self) -> str:
        """The contents."""
        return self.archive.contents()

    def find(self, wanted: str, session: Session) -> Desk:
        """Show the contents, of what is wanted only."""
        try:
            return Desk(session.at(CONTENTS), self.archive.contents(wanted or ""), complaint="")
        except UserError as error:
            told = str(error).removeprefix("--only ")  # which the command line has, and this page has not
            return Desk(complaint=f'<p role="alert">{escape(told)}</p>')

    def from_shelf(self, session: Session, told: gr.EventData) -> Iterator[Desk]:
        """Show an article, or the contents again."""
        key = str(told._data.get("open", "")) if isinstance(told._data, dict) else ""
        try:
            yield Desk(session.at(key), self._pane_at(key), complaint="", waiting="")
        except UserError as error:
            yield Desk(complaint=f'<p role="alert">{escape(str(error))}</p>')

    def suggest(self, session: Session) -> str:
        """A few questions that the library answers, made once."""
        if session.shown:
            return ""
        if CONTENTS not in self._suggested:
            try:
                questions = self.archive.suggestions()
            except UserError as error:
                return f'<p role="alert">{escape(str(error))}</p>'
            self._suggested[CONTENTS] = _examples_html(questions, WELCOME_TO_LIBRARY)
        return self._suggested[CONTENTS]

    def suggest_in_steps(self, session: Session) -> Iterator[Desk]:
        """The same; nothing needs to be opened before."""
        yield Desk(examples=self.suggest(session), waiting="")

    def _examples(self, session: Session) -> str:
        return "" if session.shown else self._suggested.get(CONTENTS, "")

    def _answer_in_steps(self, question: str, session: Session) -> Iterator[str | Exchange]:
        history = [exchange.turn for exchange in session.shown if exchange.runners]
        with self._line.place() as place:
            while place.before:
                yield place_html(place)
                place.wait(LOOK_EVERY)
            yield self.archive.ask(question, history, pane=session.key)

    def _article(self, key: str) -> Article:
        return self.archive.article(key)

    def _pane_at(self, key: str) -> str:
        return self.archive.pane(key)

    def _shelf_shown(self, session: Session) -> str:
        return ""


def _uploaded(path: str) -> Article:
    """Return the Article of an uploaded file, named as its owner knows it. Raises UserError."""
    try:
        return replace(read_article(path), source=Path(path).name)
    except UserError as error:
        raise UserError(_without_folder(str(error), path)) from None


def _without_folder(told: str, path: str) -> str:
    """What is told of an uploaded file, without the folder of Gradio's copy, which nobody has heard of."""
    return told.replace(path, Path(path).name)


def _for_programs(call: Callable[P, T]) -> Callable[P, T]:
    """What a program did wrong reaches it as one line. Keeps the call's name and words, which describe it to others."""

    @functools.wraps(call)
    def told(*sent: P.args, **named: P.kwargs) -> T:
        try:
            return call(*sent, **named)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return told


def _taken_away(exchange: Exchange) -> dict[str, str]:
    return {"text": as_plain(exchange), "Markdown": as_markdown(exchange), "JSON": as_json(exchange)}


def _examples_html(questions: Sequence[str] | None, welcome: str = "") -> str:
    """What stands where nothing was asked yet; None: the questions are being looked for."""
    welcome = welcome or WELCOME
    if questions is None:
        return f'<div class="examples">{welcome}<p>Looking for questions to begin with…</p></div>'
    if not questions:
        return f'<div class="examples">{welcome}<p>Ask in plain English: who, what, when, where, why.</p></div>'
    items = "".join(
        f'<li><button type="button" data-ask="{escape(question)}" dir="auto">{escape(question)}</button></li>'
        for question in questions
    )
    return f'<div class="examples">{welcome}<p>For example</p><ul>{items}</ul></div>'


MASTHEAD = (
    '<header class="mast"><p class="name">Article QA</p>'
    '<p class="motto">Every answer in the article’s own words</p></header>'
)
WELCOME = "<h2>Ask anything. The answer is a sentence of the article, or that it does not say.</h2>"
WELCOME_TO_LIBRARY = (
    "<h2>Ask anything. The answer is a sentence of one of the articles, or that none of them says.</h2>"
)
SEEKING = f'<div class="examples">{WELCOME}<p>Looking for questions this article answers…</p></div>'
BENCH = (
    "<h2>How good are the answers?</h2><p>A file of questions is asked, one after another, and each answer is held "
    "against the sentence that is right, as <code>article-qa eval</code> does. Your own questions are about the "
    "article that is open; without a file, the program’s are asked about the article that comes with it.</p>"
)
# What page.js tells a part of the page reaches Python as that part's event.
LISTEN = "element.dataset.listens = '1'; element.addEventListener('tell', (event) => trigger('submit', event.detail));"
# Gradio makes what is folded away only when it is opened: until then a file that is dropped on the page would get lost,
# and nobody could ask the shelf.
UNFOLD = (
    "() => { const box = document.querySelector('#another .label-wrap'); box.click(); setTimeout(() => box.click()); }"
)


def _keep_focus(place: str) -> str:
    """What the page does where the button that had the focus may be gone: the keyboard goes on from `place`."""
    return f"() => {{ if (document.activeElement === document.body) document.querySelector('{place}').focus(); }}"


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
    Raises CannotListen, MissingExtra.
    """
    _refuse_without_mcp(mcp)
    folder = cache_folder() if cache is USER_CACHE else cache
    # Where other machines can come in, nobody's shelf is shown to anybody else, and what a visitor opens is not kept.
    shared = host.strip("[]") not in LOCAL_HOSTS

    own = article.fingerprint

    def opening(article: Article, *, progress: Any) -> Answerer:
        return open_answerer(
            article, model=model, reader=reader, cache=folder, min_confidence=min_confidence,
            keep=not shared or article.fingerprint == own, progress=progress,
        )  # fmt: skip

    app, page = _built(article, opening, None if shared else folder, shared=shared)
    return _served(app, page, article.title, host=host, port=port, open_browser=open_browser, mcp=mcp, block=block)


def serve_library(
    answerer: LibraryAnswerer,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    cache: Path | None = USER_CACHE,
    mcp: bool = False,
    block: bool = True,
) -> str:
    """Open the app on all articles of a library, as `serve` does for one; return its address.

    Raises CannotListen, MissingExtra.
    """
    _refuse_without_mcp(mcp)
    app, page = _built_of_library(answerer, cache if host.strip("[]") in LOCAL_HOSTS else None)
    told = answerer.described.removesuffix(".")
    return _served(app, page, told, host=host, port=port, open_browser=open_browser, mcp=mcp, block=block)


def _refuse_without_mcp(mcp: bool) -> None:
    if mcp and find_spec("mcp") is None:
        raise MissingExtra("serving assistants needs mcp", extra="mcp")


def _served(app: gr.Blocks, page: _Page, told: str, *, block: bool, **options: Any) -> str:
    address = launch(app, **options)
    _say(f"article-qa: {told} on {address} (Ctrl+C ends)")
    threading.Thread(target=page.warm_up, name="warm-up", daemon=True).start()
    if block:
        app.block_thread()
    return address


def launch(
    app: gr.Blocks, *, host: str = "127.0.0.1", port: int = 0, open_browser: bool = False, mcp: bool = False
) -> str:
    """Serve the app on host:port (0: any free port) until it is closed; return its address. Raises CannotListen."""
    _keep_local_calls_off_proxies()
    try:
        free = _free_port(host)  # also where none is needed: an address that is not this machine's fails here
        port = port or free
        _, address, _ = app.launch(
            server_name=f"[{host}]" if ":" in host and not host.startswith("[") else host,
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            mcp_server=mcp,
            _frontend=False,  # Gradio would give up where its own server does not answer it within 3 seconds
            **looks(),
        )
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or isinstance(error, socket.gaierror):
            raise CannotListen(
                f"this machine has no address {host!r}. Leave --host out, or give one of its own."
            ) from None
        raise CannotListen(f"port {port} of {host} is taken. Choose another with --port, or 0 for any.") from None
    if mcp:
        _answer_in_json(app.mcp_server_obj)
    return str(address)


def _answer_in_json(server: Any) -> None:
    """Give assistants JSON: Gradio would give them what Python prints, in which null is None."""

    def texts(data: Sequence[Any], _address: str) -> list[Any]:
        return [server.types.TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]

    server.postprocess_output_data = texts


def _keep_local_calls_off_proxies() -> None:
    """Gradio asks its own server whether it is up; a company's proxy must not stand between the two."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, *LOCAL_HOSTS]))


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _free_port(host: str) -> int:
    host = host.strip("[]")
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
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
