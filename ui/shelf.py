"""The articles at hand come in; a list with a button for each goes out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ui.library import Shelved
from ui.words import count


def shelf_html(shelved: Sequence[Shelved], *, current: str) -> str:
    """Return the shelf; the article in the pane is marked and cannot be removed. Empty for one article or none."""
    if len(shelved) < 2:
        return ""
    items = "".join(_item(one, current=one.key == current) for one in shelved)
    return f'<section class="shelf" aria-label="Recent articles"><p>Recent</p><ul>{items}</ul></section>'


def _item(one: Shelved, *, current: bool) -> str:
    title = escape(one.title)
    size = f" <small>{count(one.sentences, 'sentence')}</small>" if one.sentences is not None else ""
    if current:
        return f'<li aria-current="true"><span dir="auto">{title}</span>{size}</li>'
    key = escape(one.key)
    return (
        f'<li><button type="button" class="title" data-open="{key}" dir="auto">{title}</button>{size}'
        f'<button type="button" class="link" data-forget="{key}" aria-label="Remove {title} from the shelf">Remove'
        "</button></li>"
    )
