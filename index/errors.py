"""What went wrong comes in as one line of plain words; what goes out is an exception that says who can mend it.

    UserError                   something the user can put right; shown as one line, without a traceback
    ├── ArticleError            the article cannot be taken in
    │   ├── NoSuchArticle       there is no file of that name, or it is a folder
    │   ├── UnreachableArticle  the web address does not answer, or answers with an error
    │   ├── UnreadableArticle   what came holds no text we can read: binary, wrong encoding, encrypted, scanned
    │   ├── EmptyArticle        it was read, and no sentence is in it
    │   └── ArticleTooLarge     it is over the stated limit
    ├── MissingExtra            an optional part is not installed (names the extra and the pip command)
    ├── SavedIndexError         a saved index cannot be used
    │   ├── IndexMismatch       it was built with another model, from another article, or by a newer version
    │   └── DamagedIndex        a file of it is missing or is not what was written
    ├── ModelNotFound           a model's files are not where they were looked for, or not what they should be
    └── BadQuestionFile         a file of questions cannot be read (says file:line)

The command line and the app catch `UserError` and print its message. Anything else that is raised is a bug and keeps
its traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """Something the user can put right; its message is one line: what came, what was wanted, what to do."""


class ArticleError(UserError):
    """The article cannot be taken in."""


class NoSuchArticle(ArticleError):
    """There is no file of that name, or the name is a folder's."""


class UnreachableArticle(ArticleError):
    """The web address does not answer, or answers with an error."""


class UnreadableArticle(ArticleError):
    """Something came, but no text can be read from it: binary, wrong encoding, encrypted, scanned, not a web page."""


class EmptyArticle(ArticleError):
    """The article was read, and no sentence is in it."""


class ArticleTooLarge(ArticleError):
    """The article is over the stated limit."""


class MissingExtra(UserError):
    """An optional part is not installed."""

    def __init__(self, what: str, *, extra: str) -> None:
        """`what` begins the line ("reading PDF files needs pypdfium2"); `extra` is its name in pyproject.toml."""
        super().__init__(f"{what}, which is not installed. Install it with: pip install 'article-qa[{extra}]'")
        self.extra = extra


class SavedIndexError(UserError):
    """A saved index cannot be used."""


class IndexMismatch(SavedIndexError):
    """A saved index was built with another model, from another article, or by a newer version."""


class DamagedIndex(SavedIndexError):
    """A file of a saved index is missing or is not what was written."""


class ModelNotFound(UserError):
    """The embedding model or the reader is not where it was looked for, or is not what it should be."""


class BadQuestionFile(UserError):
    """A file of questions cannot be read; the message begins with file:line."""


def kind_of(value: object) -> str:
    """Return what a value read from JSON is, with its article, as a person who writes JSON calls it: "a list"."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
