"""What follows --only comes in; a condition on articles goes out, which one article or many may meet.

    article:TEXT    TEXT is in the title, or is the number that `library list` shows
    source:TEXT     TEXT is in the path or web address
    date:DATE       2024, 2024-05, 2024-05-17, or a range of these: 2024-05..2024-07, ..2023, 2024..
    TEXT            in the title or in the source

Several conditions must all be met. Capitals do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from library.errors import BadFilter

_EARLIEST, _LATEST = "0000", "9999-99-99"


@dataclass(frozen=True, slots=True)
class Only:
    """A condition on rows of the table `article`, in SQL."""

    said: str  # as it was typed, for messages
    condition: str
    parameters: tuple[str, ...]


def only(conditions: Sequence[str]) -> Only | None:
    """Return what all these conditions mean together; None for none. Raises BadFilter."""
    if not conditions:
        return None
    parts = [_part(condition) for condition in conditions]
    return Only(
        " and ".join(conditions),
        " AND ".join(f"({sql})" for sql, _ in parts),
        tuple(parameter for _, parameters in parts for parameter in parameters),
    )


def both(one: Only | None, two: Only | None) -> Only | None:
    """Return the condition that both are met; None stands for none."""
    if one is None or two is None:
        return one or two
    return Only(
        f"{one.said} and {two.said}",
        f"({one.condition}) AND ({two.condition})",
        (*one.parameters, *two.parameters),
    )


def _part(condition: str) -> tuple[str, tuple[str, ...]]:
    kind, colon, wanted = condition.partition(":")
    kind, wanted = kind.strip().lower(), wanted.strip()
    if not colon or kind not in ("article", "source", "date"):
        kind, wanted = "", condition.strip()
    if not wanted:
        raise BadFilter(f"--only {condition!r} says nothing. Give article:TEXT, source:TEXT or date:2024-05..2024-07.")
    if kind == "date":
        return _dates(wanted)
    like = "%" + re.sub(r"([\\%_])", r"\\\1", wanted) + "%"
    in_title, in_source = r"title LIKE ? ESCAPE '\'", r"source LIKE ? ESCAPE '\'"
    if kind == "source":
        return in_source, (like,)
    if kind == "article":
        return ("id = CAST(? AS INTEGER)", (wanted,)) if wanted.isdecimal() else (in_title, (like,))
    return f"{in_title} OR {in_source}", (like, like)


def _dates(wanted: str) -> tuple[str, tuple[str, ...]]:
    from library.sources import is_date  # not above: sources.py needs store.py, and that needs this file

    first, dots, last = wanted.partition("..")
    first, last = first.strip(), last.strip() if dots else first.strip()
    for day in filter(None, (first, last)):
        if not is_date(day):
            raise BadFilter(f"--only date:{wanted}: {day!r} is no date. Write 2024, 2024-05 or 2024-05-17.")
    # As text: "2024-05-17" lies between "2024-05" and "2024-05" with what may follow.
    return "date >= ? AND date <= ?", (first or _EARLIEST, last + "\uffff" if last else _LATEST)
