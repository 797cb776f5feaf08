"""Questions that nobody has reviewed come in, from the app or from a file; those a person accepts go into the set.

A draft is a line of the questions format with "draft": true and an "origin". It is never scored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from index.article import Article
from index.errors import BadQuestionFile
from qa.dialogue import Turn
from qa.questions import UNANSWERABLE, Question, read_questions
from qa.run import replace_text

Verdict = Literal["accept", "drop", "skip", "quit"]
Judge = Callable[[Question], "tuple[Verdict, Question]"]  # a draft -> what is to become of it, and it as mended


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of the drafts."""

    accepted: int
    dropped: int
    left: int


def add_draft(
    path: Path,
    question: str,
    *,
    evidence: Sequence[str] = (),
    history: Sequence[Turn] = (),
    origin: str,
    article: str | None = None,
) -> str:
    """Append a draft to a file and return its id; without evidence it says that the article does not answer it.

    The line is appended in one write, so that two at once do not mix. The same draft given twice gets the same id and
    is kept once.
    """
    told = json.dumps([question, list(evidence), [turn.pair for turn in history], article], ensure_ascii=False)
    name = "draft-" + hashlib.sha256(told.encode("utf-8")).hexdigest()[:10]
    line: dict[str, Any] = {"id": name, "question": question, "evidence": list(evidence), "answers": []}
    line["kind"] = "follow-up" if history and evidence else "direct" if evidence else UNANSWERABLE
    if history:
        line["history"] = [turn.pair for turn in history]
    if article is not None:
        line["article"] = article
    line |= {"draft": True, "origin": origin}
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and any(entry.get("id") == name for _, entry in _entries(path)):
        return name
    written = json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, written if _ends_its_line(path) else b"\n" + written)
    finally:
        os.close(descriptor)
    return name


def _ends_its_line(path: Path) -> bool:
    """Whether a file is empty or ends with a line feed: an editor may have left the last one out."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def review(drafts: Path, into: Path, article: Article | None, judge: Judge) -> Reviewed:
    """Show each draft of a file to `judge`; move the accepted ones into the set, strike out the dropped ones.

    Every verdict is written at once, so that stopping half-way loses nothing. `drafts` and `into` may be one file.

    Raises:
        BadQuestionFile: when a file is malformed, or an accepted draft does not fit the article.
    """
    waiting = [question for question in read_questions(drafts, article) if question.draft]
    accepted = dropped = 0
    for draft in waiting:
        verdict, mended = judge(draft)
        if verdict == "quit":
            break
        if verdict == "skip":
            continue
        if verdict == "accept":
            _accept(draft, mended, drafts, into, article)
            accepted += 1
        else:
            dropped += 1
        _strike(drafts, draft.id)
    return Reviewed(accepted, dropped, len(waiting) - accepted - dropped)


def _accept(draft: Question, mended: Question, drafts: Path, into: Path, article: Article | None) -> None:
    """Append the mended draft to the set under an id that is free there; leave the set as it was if it does not fit."""
    entry = next(entry for _, entry in _entries(drafts) if entry["id"] == draft.id)
    entry = {name: value for name, value in entry.items() if name not in ("draft", "origin")}
    entry |= {"question": mended.question, "evidence": list(mended.evidence), "answers": list(mended.answers)}
    entry["kind"] = mended.kind
    named = entry.get("article")
    if named and "://" not in named:  # such a path counts from the folder of its file
        entry["article"] = Path(os.path.relpath(drafts.parent / named, into.parent)).as_posix()
    before = into.read_text(encoding="utf-8") if into.exists() else ""
    staying = [(line, old) for line, old in _entries(into) if not _is(old, draft.id)] if before else []
    entry["id"] = _free(mended.id, (old.get("id") for _, old in staying))
    kept = "".join(line if line.endswith("\n") else line + "\n" for line, _ in staying)
    replace_text(into, kept + json.dumps(entry, ensure_ascii=False) + "\n")
    try:
        read_questions(into, article)
    except BadQuestionFile:
        replace_text(into, before)
        raise


def _free(name: str, taken: Iterable[object]) -> str:
    names = set(taken)
    number = 2
    free = name
    while free in names:
        free = f"{name}-{number}"
        number += 1
    return free


def _entries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return each line that is not blank, as it is and as it was read."""
    entries = []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    entries.append((line, json.loads(line)))
                except json.JSONDecodeError as error:
                    raise BadQuestionFile(f"{path}:{number}: this is not JSON: {error.msg}") from None
    return entries


def _strike(path: Path, name: str) -> None:
    """Write the file anew without the draft of that id; every other line stays as it is."""
    replace_text(path, "".join(line for line, entry in _entries(path) if not _is(entry, name)))


def _is(entry: dict[str, Any], name: str) -> bool:
    return entry.get("id") == name and bool(entry.get("draft"))
