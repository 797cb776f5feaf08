"""How far something has come comes in; a line that tells a waiting person so, with a bar if need be, goes out."""

from __future__ import annotations

from html import escape

from ui.line import Place
from ui.words import count

WORTH_SAYING = 1.5  # seconds: a shorter wait is over before it is read


def bar_html(done: int, total: int, *, label: str, told: str) -> str:
    """Return a bar with the words beside it; total 0: nobody knows how far it is."""
    extent = f' max="{total}" value="{done}"' if total else ""
    return f'<p class="wait"><progress{extent} aria-label="{escape(label)}"></progress> {escape(told)}</p>'


def opening_html(done: int, total: int) -> str:
    """Return how far an article is embedded; total 0: not begun."""
    told = f"Reading the article: {done:,} of {count(total, 'sentence')}" if total else "Getting ready to read it…"
    return bar_html(done, total, label="Reading the article", told=told)


def place_html(place: Place) -> str:
    """Return how many questions are before this one, and for about how long."""
    before, seconds = place.before, place.seconds
    who = "One question is before yours" if before == 1 else f"{before:,} questions are before yours"
    length = f", about {count(round(seconds), 'second')}" if seconds is not None and seconds >= WORTH_SAYING else ""
    return f'<p class="wait">{who}{length}.</p>'
