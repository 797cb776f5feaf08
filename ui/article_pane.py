"""An article and its sentences come in; the pane's HTML goes out, every character of the article escaped.

The browser moves the light by itself: sentence i is the one element with `data-row="i"`, and its text is the article's,
so that offsets inside it can be counted there. A long article is drawn in sections that the browser lays out only when
they come near the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from index.article import Article
from index.sentences import Sentence
from ui.words import count, origin, reading_time

CONTENTS = "contents"  # stands where an article has its key when the pane lists the articles of a library
PARAGRAPHS_A_SECTION = 40  # fewer make the scroll bar jump, more make the first paint slow
A_LINE = 66  # characters of the pane at its full width, by which the browser guesses how tall a section will be
LONGEST_LEDE = 400  # characters of a first paragraph that is set larger where there is no headline
LONGEST_HEADLINE = 160  # characters; a first line longer than this is the story itself
_ENDS_A_SENTENCE = tuple('.!?:;…。！？؟।"”»')


def article_html(article: Article, sentences: Sequence[Sentence], *, key: str) -> str:
    """Return the pane for one article; `key` names it in links and lets the page see that it changed."""
    paragraphs = [list(group) for _, group in groupby(enumerate(sentences), key=lambda numbered: numbered[1].paragraph)]
    headline = bool(paragraphs) and _is_headline(paragraphs[0])
    # Nobody wants to read twice how the text begins, but a screen reader finds its way by headings.
    untitled = not headline and article.text.lstrip().startswith(article.title.removesuffix("…"))
    hidden = ' class="vh"' if untitled else ""
    title = "" if headline else f"<h1{hidden}>{escape(article.title)}</h1>"
    words = len(article.text.split())
    facts = " · ".join((count(words, "word"), count(len(sentences), "sentence"), reading_time(words)))
    body = "".join(_sections(article.text, paragraphs, headline=headline, lede=untitled))
    kicker = escape(origin(article.source, article.date))
    return (
        f'<article class="sheet" data-article="{escape(key)}" aria-label="{escape(article.title)}">'
        f'<header><p class="kicker">{kicker}</p>{title}<p class="facts">{facts}</p></header>'
        f"{body}</article>"
    )


def _is_headline(paragraph: Sequence[tuple[int, Sentence]]) -> bool:
    text = paragraph[0][1].text.rstrip()
    return len(paragraph) == 1 and len(text) <= LONGEST_HEADLINE and not text.endswith(_ENDS_A_SENTENCE)


def _sections(
    text: str, paragraphs: Sequence[Sequence[tuple[int, Sentence]]], *, headline: bool, lede: bool
) -> Iterator[str]:
    for first in range(0, len(paragraphs), PARAGRAPHS_A_SECTION):
        part = paragraphs[first : first + PARAGRAPHS_A_SECTION]
        drawn = [_paragraph(text, paragraph) for paragraph in part]
        if first == 0 and headline:
            drawn[0] = _paragraph(text, part[0], tag="h1")
        elif first == 0 and lede and part[0][-1][1].end - part[0][0][1].start <= LONGEST_LEDE:
            drawn[0] = _paragraph(text, part[0], kind="lede")
        lines = sum(1 + (paragraph[-1][1].end - paragraph[0][1].start) // A_LINE for paragraph in part)
        yield f'<section style="--lines:{lines};--paragraphs:{len(part)}">{"".join(drawn)}</section>'


def _paragraph(text: str, paragraph: Sequence[tuple[int, Sentence]], *, tag: str = "p", kind: str = "") -> str:
    pieces = []
    end = paragraph[0][1].start
    for row, sentence in paragraph:
        pieces.append(escape(text[end : sentence.start]))
        pieces.append(f'<span class="s" data-row="{row}">{escape(sentence.text)}</span>')
        end = sentence.end
    named = f' class="{kind}"' if kind else ""
    return f'<{tag}{named} dir="auto">{"".join(pieces)}</{tag}>'
