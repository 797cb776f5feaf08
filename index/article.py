"""A file, a web address or pasted text comes in; an Article goes out, whose text is never rewritten after.

First version: plain text only.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from index.errors import EmptyArticle, NoSuchArticle, UnreadableArticle

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Article:
    """A text to ask questions about."""

    title: str
    text: str  # canonical: every offset in this program counts its characters
    source: str  # where it came from, as the user would say it
    fingerprint: str  # SHA-256 of the text in UTF-8, hexadecimal


def article_from_text(text: str, *, title: str | None = None, source: str = "pasted text") -> Article:
    """Return the Article of a text. Raises EmptyArticle."""
    canonical = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")
    if not any(character.isalnum() for character in canonical):
        raise EmptyArticle(f"{source}: no sentence was found. Give a text with at least one sentence.")
    fingerprint = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    return Article(title or source, canonical, source, fingerprint)


def read_article(source: str | Path) -> Article:
    """Return the Article at a path or on standard input ("-"). Raises subclasses of UserError."""
    if str(source) == "-":
        return article_from_text(sys.stdin.read(), source="standard input")
    path = Path(source)
    if not path.is_file():
        raise NoSuchArticle(f"{path}: no such file. Give the path of an article.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableArticle(f"{path}: not UTF-8 text. Save it as UTF-8.") from error
    return article_from_text(text, title=path.stem, source=str(path))


def builtin_article() -> Article:
    """Return the article that ships with the program."""
    text = files("index").joinpath("builtin", "maida_vale.txt").read_text(encoding="utf-8")
    return article_from_text(text, title="Maida Vale", source="built-in article")
