"""What answers questions about a library comes in; its contents, its articles and its exchanges go out, to be shown.

asked of the whole library ──► Exchange: the best sentence, its article, and every other place where it stands
the pane ──► the contents (the newest articles, or those looked for), or one article by its number
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from index.article import Article
from index.errors import NoSuchArticle
from index.sentences import Sentence
from library import Held, Only, Place
from library import only as only_these
from library.only import both
from library.store import sentences_in
from qa.dialogue import Turn
from qa.library_answer import AboutArticle, LibraryAnswerer, LibraryCandidate
from qa.reader import ReadSentence
from ui.article_pane import CONTENTS, article_html
from ui.conversation import KEPT_CANDIDATES, Elsewhere, Exchange, Runner, runner_of
from ui.suggestions import suggest
from ui.words import count, origin, place

WORTH_ASKING = 8  # sentences: of a shorter article there is little to ask to begin with
LISTED = 100  # articles; the others are looked for
BACK = f'<p class="back"><button type="button" class="link" data-open="{CONTENTS}">All articles</button></p>'


class Archive:
    """A library as the app shows it; any number of people may ask it."""

    def __init__(self, answerer: LibraryAnswerer) -> None:
        self.answerer = answerer

    @property
    def name(self) -> str:
        """What the library is called."""
        return self.answerer.library.folder.name

    def ask(self, question: str, history: Sequence[Turn], *, pane: str) -> Exchange:
        """Ask all articles; an exchange that has none of them stays with the one in the pane. Raises UserError."""
        answer = self.answerer.ask(question, history)
        top = answer.candidates[:KEPT_CANDIDATES]
        home = answer.home
        if home is None:
            return Exchange(answer, pane, "", "", "", "", (), read=False, library=True)
        most = max((read.candidate.bm25 for read in answer.candidates), default=0.0)
        here = answer.places[0]
        runners = []
        for read in top:
            stands = _place_of(read)
            paragraph = f"paragraph {read.candidate.sentence.paragraph + 1}"
            where = place(home.sentences, read.candidate.row) if stands.article == here.article else paragraph
            runners.append(_of_article(runner_of(read, answer.understood, where, most), stands))
        return Exchange(
            answer=replace(answer, candidates=top, home=None, places=()),  # a page keeps this, not the article
            key=str(here.article),
            title=here.title,
            source=here.source,
            fingerprint=home.article.fingerprint,
            place=runners[0].place,
            runners=tuple(runners),
            read=self.answerer.reader.name != "fused",
            asked_of=self.answerer.library.count(self.answerer.which),
            library=True,
            date=here.date,
            elsewhere=tuple(
                Elsewhere(str(one.article), one.number, one.title, origin(one.source, one.date))
                for one in answer.places[1:]
            ),
        )

    def article(self, key: str) -> Article:
        """Return an article by its number. Raises NoSuchArticle."""
        return self._read(key)[0]

    def pane(self, key: str) -> str:
        """Return the pane for an article by its number, or for the contents. Raises NoSuchArticle."""
        if key == CONTENTS:
            return self.contents()
        article, sentences = self._read(key)
        return BACK + article_html(article, sentences, key=key)

    def contents(self, wanted: str = "") -> str:
        """Return the pane with the articles that came last, of those `wanted` as --only says. Raises BadFilter."""
        within = self.answerer.which
        total = self.answerer.library.count(self._which(wanted))
        return contents_html(
            self.name, self.found(wanted), total, wanted=wanted.strip(), within=within.said if within else ""
        )

    def found(self, wanted: str = "") -> list[Held]:
        """Return the articles that came last, of those `wanted` as --only says. Raises BadFilter."""
        return self.answerer.library.newest(LISTED, self._which(wanted))

    def _which(self, wanted: str) -> Only | None:
        return both(self.answerer.which, only_these([wanted.strip()] if wanted.strip() else []))

    def suggestions(self) -> list[str]:
        """Return a few questions about a new article that has something to say; the library answers them surely."""
        for held in self.found():
            if held.sentences >= WORTH_ASKING:
                return suggest(AboutArticle(self.answerer, held.fingerprint))
        return []

    def _read(self, key: str) -> tuple[Article, tuple[Sentence, ...]]:
        if key.isdecimal():
            with self.answerer.library.reading() as snapshot:
                try:
                    article = snapshot.article(int(key))
                except (KeyError, OverflowError):
                    pass
                else:
                    return article, sentences_in(article, snapshot.sentences_of(int(key))[1])
        raise NoSuchArticle(f"article {key[:20]!r} is not in the library any more. Ask again, or look in the contents.")


def contents_html(name: str, articles: Sequence[Held], total: int, *, wanted: str = "", within: str = "") -> str:
    """Return the pane with a library's contents: these of `total` articles, the newest first."""
    limited = f" · only {escape(within)}" if within else ""
    found = f" with {escape(wanted)}" if wanted else ""
    items = "".join(_item(one) for one in articles)
    more = ""
    if total > len(articles):
        more = f'<p class="more">And {total - len(articles):,} that came before. Look for them above.</p>'
    elif not total:
        more = f'<p class="more">{"No article is like that." if wanted else "No article yet."}</p>'
    return (
        f'<article class="sheet contents" data-article="{CONTENTS}" aria-label="{escape(name)}">'
        f'<header><p class="kicker">Library{limited}</p><h1>{escape(name)}</h1>'
        f'<p class="facts">{count(total, "article")}{found}</p></header>'
        f'<ol class="toc">{items}</ol>{more}</article>'
    )


def _item(one: Held) -> str:
    told = " · ".join((escape(origin(one.source, one.date)), count(one.sentences, "sentence")))
    return (
        f'<li><button type="button" class="title" data-open="{one.id}" dir="auto">{escape(one.title)}</button>'
        f"<small>{told}</small></li>"
    )


def _place_of(read: ReadSentence) -> Place:
    candidate = read.candidate
    assert isinstance(candidate, LibraryCandidate)  # all of a library's answers are
    return candidate.places[0]


def _of_article(runner: Runner, stands: Place) -> Runner:
    """The runner in the article where it stands; its row counts there, also where only a part was read."""
    return replace(runner, row=stands.number, key=str(stands.article), title=stands.title)
