"""An exchange comes in; the same answer with its citation goes out, as plain text, Markdown or JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from qa.show import answer_dict, one_line
from ui.conversation import Exchange

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$&])")


def as_plain(exchange: Exchange) -> str:
    """Return question, answer and citation as lines of plain text."""
    answer = exchange.answer
    if answer.sentence is None:
        return f"{answer.question}\n{exchange.refusal} ({exchange.title})"
    short = f"{one_line(answer.span.text)}\n" if answer.span else ""
    return f"{answer.question}\n{short}“{one_line(answer.sentence.text)}” ({exchange.title}, {exchange.place})"


def as_markdown(exchange: Exchange) -> str:
    """Return the same as Markdown; whatever the article holds is shown, not interpreted."""
    answer = exchange.answer
    asked = f"**{_escaped(answer.question)}**"
    if answer.sentence is None:
        return f"{asked}\n\n{exchange.refusal}\n\n— {_escaped(exchange.title)}"
    short = f"{_escaped(one_line(answer.span.text))}\n\n" if answer.span else ""
    quoted = _escaped(one_line(answer.sentence.text))
    return f"{asked}\n\n{short}> {quoted}\n>\n> — {_escaped(exchange.title)}, {exchange.place}"


def as_record(exchange: Exchange) -> dict[str, Any]:
    """Return the same as JSON types; offsets count characters of the article's text."""
    return {
        **answer_dict(exchange.answer),
        "place": exchange.place,
        "article": {"title": exchange.title, "source": exchange.source, "fingerprint": exchange.fingerprint},
    }


def as_json(exchange: Exchange) -> str:
    """Return `as_record` as indented JSON."""
    return json.dumps(as_record(exchange), ensure_ascii=False, indent=2)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
