"""An exchange comes in; the same answer with its citation goes out, as plain text, Markdown or JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from qa.show import answer_dict, one_line, passage_dict
from ui.conversation import Exchange

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$&])")


def as_plain(exchange: Exchange) -> str:
    """Return question, answer and citation as lines of plain text."""
    answer = exchange.answer
    if answer.sentence is None:
        return f"{answer.question}\n{exchange.refusal}" + (f" ({exchange.title})" if not exchange.library else "")
    short = f"{one_line(answer.span.text)}\n" if answer.span else ""
    return f"{answer.question}\n{short}“{one_line(answer.sentence.text)}” ({_cited(exchange)}, {exchange.place})"


def as_markdown(exchange: Exchange) -> str:
    """Return the same as Markdown; whatever the article holds is shown, not interpreted."""
    answer = exchange.answer
    asked = f"**{_escaped(answer.question)}**"
    if answer.sentence is None:
        article = "" if exchange.library else f"\n\n— {_escaped(exchange.title)}"
        return f"{asked}\n\n{exchange.refusal}{article}"
    short = f"{_escaped(one_line(answer.span.text))}\n\n" if answer.span else ""
    quoted = _escaped(one_line(answer.sentence.text))
    return f"{asked}\n\n{short}> {quoted}\n>\n> — {_escaped(_cited(exchange))}, {exchange.place}"


def as_record(exchange: Exchange) -> dict[str, Any]:
    """Return the same as JSON types; offsets count characters of the article's text."""
    article = {"title": exchange.title, "source": exchange.source, "fingerprint": exchange.fingerprint}
    speaker = passage_dict(exchange.answer.speaker)
    record = {**answer_dict(exchange.answer), "speaker": speaker, "place": exchange.place, "article": article}
    if not exchange.library:
        return record
    also = [{"title": one.title, "source": one.origin} for one in exchange.elsewhere]
    return {**record, "article": {**article, "date": exchange.date}, "also_in": also}


def as_json(exchange: Exchange) -> str:
    """Return `as_record` as indented JSON."""
    return json.dumps(as_record(exchange), ensure_ascii=False, indent=2)


def _cited(exchange: Exchange) -> str:
    """Who is quoted, and the article's title; of a library, where a title alone may not say which, also its source."""
    speaker = exchange.answer.speaker
    quoted = f"{one_line(speaker.text)}, in " if speaker else ""
    return quoted + (f"{exchange.title}, {exchange.origin}" if exchange.library else exchange.title)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
