"""Paths, folders, web addresses and JSON Lines files come in; articles go out, and what was left out with the reason.

A line of a .jsonl file is an article: {"text" (or "paragraphs": [...]), "title"?, "date"?, "url"?, "id"?}. It is known
by its url; without one, by the file and its id; without an id, by the number of its line. One bad file or line never
stops the others. An article's date is what it says itself, else what is said of all, else the day in its file's name.
"""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.article import SUFFIXES, article_from_text, read_article
from index.errors import NoSuchArticle, UserError, kind_of
from library.store import Incoming

LINES = (".jsonl", ".ndjson")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(\d{2})[-_]?(\d{2})(?!\d)")  # in a file's name: 2024-05-17-flood.txt
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that is not an article."""

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A file that has not been touched since it was added; it was not read."""

    source: str


Read = Incoming | LeftOut | Unchanged


def listed(names: Sequence[str]) -> list[str]:
    """Return the files and addresses that names mean: of a folder, all below it, in order, without hidden ones.

    Raises NoSuchArticle for a name that is no file, folder or address: nothing is added when one is mistyped.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        if re.match(r"https?://", name, re.IGNORECASE):
            found.append(name)
        elif path.is_dir():
            for folder, folders, files in os.walk(path):
                folders[:] = sorted(one for one in folders if not one.startswith("."))
                found += [str((Path(folder) / one).resolve()) for one in sorted(files) if not one.startswith(".")]
        elif path.exists():
            found.append(str(path.resolve()))
        else:
            raise NoSuchArticle(f"{name}: there is no such file or folder. Give paths or web addresses.")
    return list(dict.fromkeys(found))


def expected(places: Sequence[str]) -> int:
    """Return how many articles there may be at these places: one in each, in a .jsonl file one in each line."""
    total = 0
    for place in places:
        if Path(place).suffix.lower() in LINES:
            try:
                with Path(place).open("rb") as file:
                    total += sum(bool(line.strip()) for line in file)
            except OSError:
                total += 1
        else:
            total += 1
    return total


def read_sources(
    places: Sequence[str], *, date: str | None = None, stamps: Mapping[str, str] | None = None
) -> Iterator[tuple[int, Read]]:
    """Yield what each place holds, with how many of those `expected` that makes.

    places: from `listed`. date: of all articles that say none. stamps: by source, what was noted of it when it was
    added; a file that still has the same is not read.
    """
    done = 0
    for place in places:
        done += 1
        suffix = Path(place).suffix.lower()
        if re.match(r"https?://", place, re.IGNORECASE):
            yield done, _one(place, date, None)
        elif suffix in LINES:
            done -= 1
            for read in _lines(Path(place), date):
                done += 1
                yield done, read
        elif suffix not in SUFFIXES:
            wanted = ", ".join((*SUFFIXES, *LINES))
            yield done, LeftOut(place, f"not a kind of file that can be read ({wanted})")
        else:
            stamp = _stamp(Path(place))
            if stamp is not None and (stamps or {}).get(place) == stamp:
                yield done, Unchanged(place)
            else:
                yield done, _one(place, date or date_in_name(Path(place).name), stamp)


def date_in_name(name: str) -> str | None:
    """Return the day that a file's name holds, as 2024-05-17; None where there is none."""
    for found in _DAY.finditer(name):
        day = "-".join(found.groups())
        if _is_day(day):
            return day
    return None


def is_date(text: str) -> bool:
    """Return whether a text is a year, a month or a day, written 2024, 2024-05 or 2024-05-17."""
    return bool(_DATE.fullmatch(text)) and _is_day(text + "-01-01"[: 10 - len(text)])


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _one(place: str, date: str | None, stamp: str | None) -> Incoming | LeftOut:
    try:
        article = read_article(place)
        return Incoming(article, article.date or date, stamp)
    except UserError as error:
        return LeftOut(place, _without_name(str(error), place))


def _without_name(why: str, place: str) -> str:
    return why.removeprefix(f"{place}: ")


def _stamp(path: Path) -> str | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_size} {status.st_mtime_ns}"


def _lines(path: Path, date: str | None) -> Iterator[Incoming | LeftOut]:
    try:
        with path.open("rb") as file:  # cut at line feeds only: U+2028 may stand in JSON
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield read_line(line, path, number, date)
    except OSError as error:
        yield LeftOut(str(path), f"the file cannot be opened ({error.strerror})")


def read_line(line: bytes, path: Path, number: int, date: str | None) -> Incoming | LeftOut:
    """Return the article of a line of a JSON Lines file, or why there is none; `number` counts lines from 1."""
    where = f"{path}:{number}"
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return LeftOut(where, f"not a line of JSON ({error})")
    if not isinstance(fields, dict):
        return LeftOut(where, f"{kind_of(fields)} where an object with text was wanted")
    text = fields.get("text")
    paragraphs = fields.get("paragraphs")
    if text is None and isinstance(paragraphs, list) and all(isinstance(one, str) for one in paragraphs):
        text = "\n\n".join(paragraphs)
    if not isinstance(text, str):
        return LeftOut(where, '"text" is missing, or is no text')
    said = fields.get("date")
    if said is not None:
        said = str(said)[:10]  # a time of day may follow
        if not is_date(said):
            return LeftOut(where, f'"date" is {fields["date"]!r}, wanted 2024, 2024-05 or 2024-05-17')
    source = fields.get("url")
    if not isinstance(source, str) or not source.strip():
        source = f"{path}#{fields.get('id', number)}"
    title = fields.get("title")
    try:
        article = article_from_text(text, title=title if isinstance(title, str) else None, source=source, date=said)
    except UserError as error:
        return LeftOut(where, _without_name(str(error), source))
    return Incoming(article, article.date or date)
