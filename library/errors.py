"""What went wrong with a library comes in as one line of plain words; what goes out is a UserError that says so.

UserError (index/errors.py)
└── LibraryError             a library cannot be used
    ├── NoSuchLibrary        there is no library of that name, or no such article in it
    ├── LibraryMismatch      it was made with another model, other rules for words, or by a newer version
    ├── DamagedLibrary       a part of it is missing or is not what was written: `library repair` says what it can do
    └── BadFilter            what follows --only cannot be understood
"""

from __future__ import annotations

from index.errors import UserError


class LibraryError(UserError):
    """A library cannot be used."""


class NoSuchLibrary(LibraryError):
    """There is no library of that name, or no such article in it."""


class LibraryMismatch(LibraryError):
    """A library was made with another model, with other rules for words, or by a newer version."""


class DamagedLibrary(LibraryError):
    """A part of a library is missing or is not what was written."""


class BadFilter(LibraryError):
    """What was to limit a question to some articles cannot be understood."""
