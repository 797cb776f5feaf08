"""An article and a port come in; the app goes out: the article at one side, questions and answers at the other.

Layout, wording and wiring only (the only file that imports gradio): answers come from `qa`, what is drawn from `ui`.

    python app.py                      the built-in article on http://127.0.0.1:7860
    article-qa serve --article A       the same, with choices
"""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from index.article import Article, article_from_text, builtin_article, read_article
from index.build import cache_folder
from index.errors import NoSuchArticle, UserError
from index.sentences import split_sentences
from qa.answer import DEFAULT_READER, USER_CACHE, Answerer, open_answerer
from qa.dialogue import Turn
from qa.show import as_dict
from ui.article_pane import article_html
from ui.cite import as_json, as_markdown, as_plain
from ui.conversation import Exchange, conversation_html, exchange_of
from ui.library import Library
from ui.suggestions import suggest

UI = Path(__file__).resolve().parent / "ui"
KINDS = [".txt", ".md", ".html", ".htm", ".pdf", ".docx"]
LARGEST_UPLOAD = "50mb"
AT_ONCE = 2  # questions answered side by side; more of them on two cores only make everybody wait longer
WAITING = 100  # questions in the queue before newcomers are told to come back
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
API_CANDIDATES = 10


class PortInUse(UserError):
    """Another program listens on the port that was asked for."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one open page knows; every page has its own, so conversations cannot mix."""

    key: str  # of the article in the pane
    exchanges: tuple[Exchange, ...] = ()  # of every article asked on this page, oldest first

    @property
    def shown(self) -> tuple[Exchange, ...]:
        """The conversation about the article in the pane."""
        return tuple(exchange for exchange in self.exchanges if exchange.key == self.key)


def build_app(
    article: Article | None = None,
    *,
    open_article: Callable[[Article], Answerer] | None = None,
    cache: Path | None = USER_CACHE,
) -> gr.Blocks:
    """Return the app, ready to launch with `LOOKS`; nothing is embedded and no model loaded yet.

    article: what is in the pane first; None is the built-in one.
    open_article: how an article becomes an Answerer; None is `qa.answer.open_answerer`.
    cache: the folder whose kept articles stand on the shelf; None shows nobody what others opened.
    """
    first = builtin_article() if article is None else article
    folder = cache_folder() if cache is USER_CACHE else cache
    library = Library(open_article or functools.partial(open_answerer, cache=folder), cache=folder)
    page = _Page(library, first)

    with gr.Blocks(title=f"{first.title} – Article QA", analytics_enabled=False, fill_width=True) as app:
        session = gr.State(Session(library.put(first)))
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="reading"):
                with (
                    gr.Accordion("Another article", open=False, elem_id="another") as another,
                    gr.Column(elem_id="bring"),
                ):
                    pasted = gr.Textbox(
                        label="Paste its text, or its web address", lines=3, max_lines=6, elem_id="pasted"
                    )
                    dropped = gr.File(
                        label=f"Or drop a file here ({', '.join(KINDS)})", type="filepath", elem_id="file", height=110
                    )
                    take = gr.Button("Open it", elem_id="take", size="md")
                    complaint = gr.HTML("", elem_id="complaint")
                pane = gr.HTML(page.pane(first), elem_id="article", apply_default_css=False)
            with gr.Column(elem_id="asking"):
                conversation = gr.HTML(
                    conversation_html(()), elem_id="conversation", apply_default_css=False, js_on_load=TELL_WRONG
                )
                examples = gr.HTML(SEEKING, elem_id="first", apply_default_css=False)
                with gr.Row(elem_id="ask-row"):
                    question = gr.Textbox(
                        placeholder="Ask about the article", label="Your question", lines=1, max_lines=5,
                        autofocus=True,
                        elem_id="question", scale=1,
                    )  # fmt: skip
                    send = gr.Button("Ask", variant="primary", elem_id="send", scale=0)

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        gr.on(
            [question.submit, send.click],
            page.ask,
            [question, session],
            [session, conversation, examples, question],
            js="(question, session) => articleQA.pending(question, session)",
            concurrency_limit=AT_ONCE,
            concurrency_id="ask",
            **quiet,
        )
        brought = [session, pane, conversation, examples, complaint, another, pasted, dropped]
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
        app.load(page.arrive, [session], [session, pane, conversation], **quiet).then(
            page.suggest, [session], [examples], **quiet
        )
        gr.api(page.api_ask, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="ask")
    app.queue(default_concurrency_limit=AT_ONCE, max_size=WAITING)
    app.warm_up = page.warm_up
    return app


class _Page:
    """What the page's events do. Holds no one's conversation: that is in each page's Session."""

    def __init__(self, library: Library, first: Article) -> None:
        self._library = library
        self._first = first
        self._suggested: dict[str, str] = {}

    def warm_up(self) -> None:
        """Load the models and embed the first article, so that the first question need not wait for it."""
        try:
            self._library.answerer(self._first).ask("What happened?")
        except UserError as error:
            _say(f"article-qa: {error}")

    def pane(self, article: Article) -> str:
        """The article's pane, before anything is embedded."""
        return article_html(article, split_sentences(article.text), key=self._library.put(article))

    def _article(self, key: str) -> Article:
        found = self._library.article(key)
        if found is None:
            raise NoSuchArticle(f"article {key!r} is not open here any more. Open it again.")
        return found

    def ask(self, question: str, session: Session) -> tuple[Session, str, str, str]:
        """Answer in the conversation."""
        if not question.strip():
            return session, self._conversation(session), self._examples(session), ""
        try:
            session = replace(session, exchanges=(*session.exchanges, self._exchange(question, session)))
        except UserError as error:
            return session, self._conversation(session, trouble=str(error)), "", question
        return session, self._conversation(session), "", ""

    def _exchange(self, question: str, session: Session) -> Exchange:
        answerer = self._library.answerer(self._article(session.key))
        history = [exchange.turn for exchange in session.shown if exchange.runners]
        return exchange_of(answerer.ask(question, history), answerer, key=session.key)

    def _conversation(self, session: Session, *, trouble: str | None = None) -> str:
        return conversation_html(session.shown, taken_away=_taken_away, trouble=trouble)

    def _examples(self, session: Session) -> str:
        return "" if session.shown else self._suggested.get(session.key, "")

    def bring_text(self, text: str, session: Session) -> Iterator[tuple[Any, ...]]:
        """Open what was pasted: an article's text, or its web address."""
        text = text or ""
        address = text.strip()
        if address.startswith(("http://", "https://")) and len(address.split()) == 1:
            yield from self._bring(lambda: read_article(address), session)
        else:
            yield from self._bring(lambda: article_from_text(text), session)

    def bring_file(self, path: str | None, session: Session) -> Iterator[tuple[Any, ...]]:
        """Open an uploaded file."""
        if path:
            yield from self._bring(lambda: read_article(path), session)

    def _bring(self, read: Callable[[], Article], session: Session) -> Iterator[tuple[Any, ...]]:
        """Show the article as soon as it is read, and embed it while the person looks at it."""
        kept = (gr.skip(),) * 4
        yield (*kept, "<p>Reading…</p>", gr.skip(), gr.skip(), gr.skip())
        try:
            article = read()
            pane = self.pane(article)
        except UserError as error:
            yield (*kept, f'<p role="alert">{escape(str(error))}</p>', gr.skip(), gr.skip(), None)
            return
        session = replace(session, key=self._library.put(article))
        yield session, pane, self._conversation(session), SEEKING, "", gr.Accordion(open=False), "", None
        examples = "" if session.shown else self.suggest(session)
        yield gr.skip(), gr.skip(), gr.skip(), examples, gr.skip(), gr.skip(), gr.skip(), gr.skip()

    def arrive(self, session: Session, request: gr.Request) -> tuple[Any, Any, Any]:
        """Open the page at the article and question of its address."""
        wanted = dict(request.query_params) if request else {}
        key, question = wanted.get("article", ""), wanted.get("q", "").strip()
        pane: Any = gr.skip()
        trouble = None
        if key and key != session.key:
            article = self._library.article(key)
            if article is None:
                trouble = "The article of this link is not kept here any more. Open it again and ask."
                question = ""
            else:
                session = replace(session, key=key)
                pane = self.pane(article)
        if question:
            session, conversation, _, _ = self.ask(question, session)
        else:
            conversation = self._conversation(session, trouble=trouble)
        return session, pane, conversation

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
        try:
            answerer = self._library.answerer(self._article(article) if article else self._first)
            turns = [Turn(str(asked), str(answered)) for asked, answered in history or []]
        except ValueError:
            raise _api_error("history has a turn that is not [question, answer]") from None
        except UserError as error:
            raise _api_error(str(error)) from None
        record = as_dict(answerer.ask(question, turns), answerer.article_index)
        record["candidates"] = record["candidates"][:API_CANDIDATES]
        record["article"]["key"] = self._library.put(answerer.article)
        return record


def _api_error(message: str) -> Exception:
    return gr.Error(message, print_exception=False)


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
TELL_WRONG = "element.addEventListener('wrong', (event) => trigger('submit', event.detail));"


def looks() -> dict[str, Any]:
    """Return what `launch()` must be given for the app to look and behave as it was drawn."""
    fonts = ["Iowan Old Style", "Palatino Linotype", "Georgia", "DejaVu Serif", "serif"]
    return {
        "theme": gr.themes.Base(font=fonts, font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"]),
        "css": (UI / "page.css").read_text(encoding="utf-8"),
        "head": f"<script>{(UI / 'page.js').read_text(encoding='utf-8')}</script>",
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
    block: bool = True,
) -> str:
    """Open the app on host:port (0: any free port) and stay until interrupted; return its address.

    With `block=False` it returns at once and serves until the process ends. Raises PortInUse.
    """
    _keep_local_calls_off_proxies()
    folder = cache_folder() if cache is USER_CACHE else cache
    opening = functools.partial(open_answerer, model=model, reader=reader, cache=folder, min_confidence=min_confidence)
    # Where other machines can come in, nobody's shelf is shown to anybody else.
    app = build_app(article, open_article=opening, cache=folder if host in LOCAL_HOSTS else None)
    port = port or _free_port(host)
    try:
        _, address, _ = app.launch(
            server_name=host,
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            **looks(),
        )
    except OSError:
        raise PortInUse(f"port {port} of {host} is taken. Choose another with --port, or 0 for any.") from None
    _say(f"article-qa: {article.title} on {address} (Ctrl+C ends)")
    threading.Thread(target=app.warm_up, name="warm-up", daemon=True).start()
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
    app.launch = functools.partial(app.launch, **looks())
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
