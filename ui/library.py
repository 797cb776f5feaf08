"""An article comes in; its Answerer goes out, opened once however many people ask for it, and how far that has come.

The library also remembers articles under a short key, so that a link or a session can name one without carrying its
text, and lists the shelf: what was opened here, and what the cache still holds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.article import Article
from index.build import Progress, load_index
from index.errors import SavedIndexError
from index.kept import kept_indexes
from qa.answer import Answerer

KEY_LENGTH = 16  # hexadecimal digits of the fingerprint: two articles of one shelf will not share them
OPEN_ARTICLES = 16  # an open article of 500 pages takes some 20 MB; the others are in the cache
LOOK_EVERY = 0.25  # seconds between two looks at how far an opening has come


class Open(Protocol):
    """How an article becomes an Answerer; `progress` is told how many of its sentences are embedded."""

    def __call__(self, article: Article, *, progress: Progress) -> Answerer:
        """Raises UserError."""
        ...


@dataclass(frozen=True, slots=True)
class HowFar:
    """How much of an article is embedded."""

    done: int  # sentences
    total: int  # 0: not begun


@dataclass(frozen=True, slots=True)
class Shelved:
    """An article that can be opened without reading it again."""

    key: str
    title: str
    sentences: int | None  # None until it has been opened


def key_of(article: Article) -> str:
    """Return the short name of an article in links and sessions."""
    return article.fingerprint[:KEY_LENGTH]


class Library:
    """The open articles of one server."""

    def __init__(self, open_article: Open, *, cache: Path | None) -> None:
        """`cache`: the folder whose kept indexes belong on everybody's shelf; None where people are strangers."""
        self._open_article = open_article
        self._cache = cache
        self._articles: OrderedDict[str, Article] = OrderedDict()  # the last used is last
        self._answerers: dict[str, Answerer] = {}
        self._far: dict[str, HowFar] = {}  # of the articles being opened
        self._coming: dict[str, Future[Answerer]] = {}
        self._lock = threading.Lock()
        # One at a time: two cores embed two articles no faster together, and the models must be loaded only once.
        self._opening = threading.Lock()

    def put(self, article: Article) -> str:
        """Remember an article; return its key. Nothing is embedded yet."""
        key = key_of(article)
        with self._lock:
            self._articles[key] = self._articles.pop(key, article)
            while len(self._articles) > OPEN_ARTICLES:
                forgotten, _ = self._articles.popitem(last=False)
                self._answerers.pop(forgotten, None)
        return key

    def article(self, key: str) -> Article | None:
        """Return the article of that key, from memory or from the cache."""
        with self._lock:
            article = self._articles.get(key)
        if article is None:
            article = self._kept(key)
            if article is not None:
                self.put(article)
        return article

    def is_open(self, key: str) -> bool:
        """Whether asking this article needs no waiting."""
        return key in self._answerers

    def answerer(self, article: Article) -> Answerer:
        """Return the article's Answerer; the first call embeds. Raises UserError."""
        key = self.put(article)
        found = self._answerers.get(key)
        if found is None:
            with self._opening:
                found = self._answerers.get(key)
                if found is None:
                    try:
                        found = self._open_article(
                            article, progress=lambda _, done, total: self._note(key, done, total)
                        )
                    finally:
                        self._far.pop(key, None)
                    self._answerers[key] = found
        return found

    def open_in_steps(self, article: Article) -> Iterator[HowFar]:
        """Open the article in another thread; yield how far it is, now and then, until it is open. Raises UserError."""
        key = self.put(article)
        if key in self._answerers:
            return
        coming = self._opened_elsewhere(key, article)
        while not wait([coming], timeout=LOOK_EVERY).done:
            yield self._far.get(key, HowFar(0, 0))
        coming.result()

    def _opened_elsewhere(self, key: str, article: Article) -> Future[Answerer]:
        with self._lock:
            coming = self._coming.get(key)
            if coming is not None:
                return coming
            coming = self._coming[key] = Future()

        def work() -> None:
            try:
                coming.set_result(self.answerer(article))
            except BaseException as error:  # raised again where somebody waits for it
                coming.set_exception(error)
            finally:
                with self._lock:
                    self._coming.pop(key, None)

        threading.Thread(target=work, name="opening", daemon=True).start()
        return coming

    def _note(self, key: str, done: int, total: int) -> None:
        self._far[key] = HowFar(done, total)

    def shelf(self) -> list[Shelved]:
        """Return the articles at hand, the last used first, then what the cache holds."""
        with self._lock:
            articles = list(reversed(self._articles.items()))
        shelved = {}
        for key, article in articles:
            opened = self._answerers.get(key)
            shelved[key] = Shelved(key, article.title, len(opened.article_index.sentences) if opened else None)
        if self._cache is not None:
            for kept in kept_indexes(self._cache):
                cached = _article_key(kept.folder)
                if cached and kept.title is not None:
                    shelved.setdefault(cached, Shelved(cached, kept.title, kept.sentences))
        return list(shelved.values())

    def forget(self, key: str) -> None:
        """Take an article off the shelf, and its indexes out of the cache."""
        with self._lock:
            self._articles.pop(key, None)
            self._answerers.pop(key, None)
        if self._cache is not None:
            import shutil

            for kept in kept_indexes(self._cache):
                if _article_key(kept.folder) == key:
                    shutil.rmtree(kept.folder, ignore_errors=True)

    def _kept(self, key: str) -> Article | None:
        if self._cache is None:
            return None
        for kept in kept_indexes(self._cache):
            if _article_key(kept.folder) == key:
                try:
                    return load_index(kept.folder).article
                except SavedIndexError:
                    continue
        return None


def _article_key(folder: Path) -> str | None:
    """The key of the article that a kept index belongs to, read from its manifest."""
    import json

    try:
        fingerprint = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["article"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(fingerprint)[:KEY_LENGTH]
