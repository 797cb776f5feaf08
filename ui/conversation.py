"""Exchanges come in; the chat's HTML goes out, oldest first, every word of article and question escaped.

An answer reads as a person would say it: the short answer, the sentence it stands in, where that is and how sure.
Everything that names a sentence is a button with the sentence's row; the page moves the light there without asking
Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from index.terms import content_terms
from qa.answer import LONGEST_QUESTION, Answer, Answerer, Passage
from qa.dialogue import Turn, words_of
from qa.reader import ReadSentence
from qa.show import one_line
from ui.words import count, odds, origin, place, sureness

KEPT_CANDIDATES = 8  # of each answer, for its runners-up and its reasons; the other thousands are not kept
RUNNERS_UP = 4
EXPLAINED = 3  # candidates shown with bars
RIVAL = 0.25  # a runner-up this near the best (share of its relevance) is marked in the article too
PLACES_SHOWN = 20  # of one sentence; "All rights reserved." may stand in every article
LONGEST_SHOWN = 600  # characters of a runner-up; a "sentence" of 1,000 would bury the others
TOOLS = (
    '<p class="actions tools"><span class="copies">Save as '
    '<button type="button" class="link" data-export="Markdown">Markdown</button>'
    '<button type="button" class="link" data-export="JSON">JSON</button></span>'
    '<button type="button" class="link" data-fresh="1">Start over</button></p>'
)


@dataclass(frozen=True, slots=True)
class Runner:
    """A candidate as it is shown."""

    row: int
    text: str
    place: str
    meaning: float  # cosine, 0 to 1
    words: float  # BM25 as a share of the best candidate's, 0 to 1
    reader: float  # relevance, 0 to 1
    bm25: float
    shared: tuple[str, ...]  # words of the question that the sentence has, as they were typed
    key: str = ""  # of its article, where that need not be the one that answered
    title: str = ""  # likewise


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another place of the sentence that answers."""

    key: str  # of the article
    row: int
    title: str
    origin: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer, with all that the page needs to show them."""

    answer: Answer  # candidates cut to KEPT_CANDIDATES
    key: str  # of the article that answered
    title: str
    source: str
    fingerprint: str
    place: str  # of the best sentence; empty where nothing was ranked
    runners: tuple[Runner, ...]  # best first, the best sentence included
    read: bool  # whether a trained reader judged, so that its bar means something
    asked_of: int = 1  # articles; of several the answer must name its own
    judged: str | None = None  # what the person said was right instead, once they did
    library: bool = False  # whether a library was asked: then the answer names its article, however few there are
    date: str | None = None  # of the article
    elsewhere: tuple[Elsewhere, ...] = ()  # where the same sentence stands too

    @property
    def turn(self) -> Turn:
        """What a follow-up question should know of this one."""
        turn = self.answer.turn
        return turn._replace(article=int(self.key)) if self.library and self.key else turn

    @property
    def refusal(self) -> str:
        """How to say that there is no answer."""
        if self.asked_of == 1:
            return "The article does not say."
        return f"{'Neither' if self.asked_of == 2 else 'None'} of the {self.asked_of:,} articles says."

    @property
    def origin(self) -> str:
        """Where the article that answers came from, and when."""
        return origin(self.source, self.date)

    @property
    def best(self) -> Passage | None:
        """The best sentence, whether it was good enough to answer or not."""
        return self.answer.sentence or self.answer.nearest_miss


TakenAway = Callable[[Exchange], dict[str, str]]


def exchange_of(answer: Answer, answerer: Answerer, *, key: str, asked_of: int = 1) -> Exchange:
    """Return the exchange to keep and show for an answer, the best of those of `asked_of` articles."""
    article = answerer.article
    top = answer.candidates[:KEPT_CANDIDATES]
    most = max((read.candidate.bm25 for read in answer.candidates), default=0.0)
    sentences = answerer.article_index.sentences
    runners = tuple(runner_of(read, answer.understood, place(sentences, read.candidate.row), most) for read in top)
    return Exchange(
        answer=replace(answer, candidates=top),
        key=key,
        title=article.title,
        source=article.source,
        fingerprint=article.fingerprint,
        place=runners[0].place if runners else "",
        runners=runners,
        read=answerer.reader.name != "fused",
        asked_of=asked_of,
    )


def runner_of(read: ReadSentence, question: str, where: str, most: float) -> Runner:
    """Return a candidate as it is shown; `where` it stands, in words, and the `most` BM25 of any candidate."""
    candidate = read.candidate
    has = set(content_terms(candidate.sentence.text))
    shared = dict.fromkeys(word for word in words_of(question) if has.intersection(content_terms(word)))
    return Runner(
        row=candidate.row,
        text=candidate.sentence.text,
        place=where,
        meaning=min(1.0, max(0.0, candidate.cosine)),
        words=candidate.bm25 / most if most > 0 else 0.0,
        reader=read.relevance,
        bm25=candidate.bm25,
        shared=tuple(shared),
    )


def conversation_html(
    exchanges: Sequence[Exchange],
    *,
    taken_away: TakenAway | None = None,
    correctable: bool = False,
    trouble: str | None = None,
    pending: str | None = None,
) -> str:
    """Return the chat; `trouble` is said below it. The page itself tells a screen reader of the newest answer.

    `pending` is a question that is being answered; page.js draws one likewise.

    `taken_away` gives each exchange's texts for the clipboard, by the name of their form. `correctable`: whether a
    person may say which sentence would have been right.
    """
    turns = "".join(_turn(number, exchange, taken_away, correctable) for number, exchange in enumerate(exchanges))
    said = f'<p class="trouble" role="alert">{escape(trouble)}</p>' if trouble else ""
    asked = _pending(pending) if pending else ""
    tools = TOOLS if any(exchange.runners for exchange in exchanges) else ""
    chat = '<div class="chat" role="log" aria-live="off" aria-label="Questions and answers">'
    return f"{tools}{chat}{turns}{asked}{said}</div>"


def _turn(number: int, exchange: Exchange, taken_away: TakenAway | None, correctable: bool) -> str:
    answer = exchange.answer
    drawn = _answered(exchange) if answer.answered else _not_answered(exchange)
    return (
        f'<section class="turn {"yes" if answer.answered else "no"}" data-turn="{number}" {_light(exchange)}>'
        f'<h2 class="asked" dir="auto">{escape(answer.question)}</h2>'
        f"{_understood(answer)}{drawn}{_elsewhere(exchange)}"
        f"{_runners_up(exchange)}{_why(exchange)}{_actions(number, exchange, taken_away, correctable)}"
        "</section>"
    )


def _pending(question: str) -> str:
    shown = escape(question[:LONGEST_QUESTION])
    return f'<section class="turn pending"><h2 class="asked" dir="auto">{shown}</h2><p class="short"></p></section>'


def _light(exchange: Exchange) -> str:
    """What the page needs to light the sentence: rows, and the short answer counted from the sentence's beginning."""
    answer = exchange.answer
    marks = [f'data-article="{escape(exchange.key)}"']
    if exchange.runners:
        marks.append(f'data-row="{exchange.runners[0].row}"')
        marks.append(f'data-rivals="{" ".join(str(runner.row) for runner in _rivals(exchange))}"')
    if answer.span is not None and answer.sentence is not None:
        marks.append(f'data-from="{answer.span.start - answer.sentence.start}"')
        marks.append(f'data-to="{answer.span.end - answer.sentence.start}"')
    return " ".join(marks)


def _rivals(exchange: Exchange) -> list[Runner]:
    if not exchange.answer.answered:  # then all of them are far off, and none is worth a mark
        return []
    best = exchange.runners[0].reader
    return [
        runner
        for runner in exchange.runners[1 : RUNNERS_UP + 1]
        if runner.reader >= RIVAL * best > 0 and runner.key in ("", exchange.key)
    ]


def _understood(answer: Answer) -> str:
    if answer.understood == answer.question:
        return ""
    before, after, rest = answer.understood.partition(f"{answer.question} (after: ")
    if after and not before:  # no name was put in: the turn before was only read along
        told, mend = f'Understood after <q dir="auto">{escape(rest.removesuffix(")"))}</q>', answer.question
    else:
        told, mend = f'Understood as <q dir="auto">{escape(answer.understood)}</q>', answer.understood
    return (
        f'<p class="understood">{told} '
        f'<button type="button" class="link" data-mend="{escape(mend)}">Say it differently</button></p>'
    )


def _answered(exchange: Exchange) -> str:
    answer = exchange.answer
    sentence, span, row = answer.sentence, answer.span, exchange.runners[0].row
    if sentence is None:
        return ""
    short = f'<p class="short" dir="auto">{escape(one_line(span.text))}</p>' if span is not None else ""
    leading = following = ""
    if answer.passage is not None:
        before = answer.passage.text[: max(sentence.start - answer.passage.start, 0)]
        after = answer.passage.text[sentence.end - answer.passage.start :]
        leading, following = (f'<span class="around">{escape(text)}</span>' if text else "" for text in (before, after))
    return (
        f"{short}<blockquote>"
        f'<button type="button" class="said" data-row="{row}" dir="auto">'
        f"{leading}{_marked(sentence, span)}{following}</button></blockquote>"
        f'<p class="sure"><span class="place">{_place(exchange)}</span> '
        f'<span class="odds">{escape(_capital(sureness(answer.confidence)))}.</span></p>'
        f"{_speaker(answer)}{_contrast(answer)}{_not_searched(answer)}"
    )


def _speaker(answer: Answer) -> str:
    if answer.speaker is None:
        return ""
    return f'<p class="speaker">Speaker: <span dir="auto">{escape(one_line(answer.speaker.text))}</span></p>'


def _contrast(answer: Answer) -> str:
    if answer.contrast is None:
        return ""
    asked, said = answer.contrast
    return f'<p class="missing">The sentence says <q>{escape(said)}</q>, the question <q>{escape(asked)}</q>.</p>'


def _not_answered(exchange: Exchange) -> str:
    answer = exchange.answer
    if not exchange.runners:
        return f'<p class="short">{escape(answer.reason or "")}</p>'
    missing = ""
    unmentioned = [word for word in answer.unmentioned if answer.contrast is None or word != answer.contrast[0]]
    if unmentioned:
        words = ", ".join(f"<q>{escape(word)}</q>" for word in unmentioned[:5])
        it = "It never" if exchange.asked_of == 1 else "The one that comes nearest never"
        missing = f'<p class="missing">{"No article" if exchange.library else it} mentions {words}.</p>'
    elif answer.reason and not answer.reason.startswith("No sentence"):
        missing = f'<p class="missing">{escape(answer.reason)}</p>'
    nearest = ""
    if answer.nearest_miss is not None:
        row = exchange.runners[0].row
        nearest = (
            '<p class="nearest-label">The nearest it comes:</p><blockquote class="miss">'
            f'<button type="button" class="said" data-row="{row}" dir="auto">{escape(answer.nearest_miss.text)}'
            "</button></blockquote>"
            f'<p class="sure"><span class="place">{_place(exchange)}</span> '
            f'<span class="odds">It would be right in {odds(answer.confidence)} cases like this.</span></p>'
        )
    return f'<p class="short">{exchange.refusal}</p>{missing}{nearest}{_contrast(answer)}{_not_searched(answer)}'


def _not_searched(answer: Answer) -> str:
    return f'<p class="missing">{escape(answer.not_searched)}</p>' if answer.not_searched else ""


def _place(exchange: Exchange) -> str:
    article = f" of <cite>{escape(exchange.title)}</cite>" if exchange.asked_of > 1 or exchange.library else ""
    source = f" ({escape(exchange.origin)})" if exchange.library else ""
    return f"{_capital(exchange.place)}{article}{source}"


def _marked(sentence: Passage, span: Passage | None) -> str:
    if span is None or not sentence.start <= span.start < span.end <= sentence.end:
        return escape(sentence.text)
    start, end = span.start - sentence.start, span.end - sentence.start
    text = sentence.text
    return f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"


def _runners_up(exchange: Exchange) -> str:
    others = exchange.runners[1 : RUNNERS_UP + 1]
    if not others:
        return ""
    items = "".join(
        f'<li><button type="button" class="runner" {_at(runner)} dir="auto">{escape(_short(runner.text))}</button>'
        f"{_title_of(runner, exchange)}</li>"
        for runner in others
    )
    return f'<details class="others"><summary>Runners-up</summary><ol start="2">{items}</ol></details>'


def _at(runner: Runner | Elsewhere) -> str:
    """What the page needs to light a sentence that may be of another article."""
    return f'data-row="{runner.row}"' + (f' data-article="{escape(runner.key)}"' if runner.key else "")


def _title_of(runner: Runner, exchange: Exchange) -> str:
    """Which article it is of, where that is another than the answer's and not what it says itself."""
    if runner.key in ("", exchange.key) or runner.title == runner.text:
        return ""
    return f" <cite>{escape(runner.title)}</cite>"


def _elsewhere(exchange: Exchange) -> str:
    others = exchange.elsewhere
    if not others:
        return ""
    items = "".join(
        f'<li><button type="button" class="runner" {_at(one)} dir="auto">{escape(one.title)}</button>'
        f" <cite>{escape(one.origin)}</cite></li>"
        for one in others[:PLACES_SHOWN]
    )
    more = f"<li>and {len(others) - PLACES_SHOWN:,} more</li>" if len(others) > PLACES_SHOWN else ""
    said = f"The same sentence in {count(len(others), 'other place')}"
    return f'<details class="also"><summary>{said}</summary><ul>{items}{more}</ul></details>'


def _why(exchange: Exchange) -> str:
    if not exchange.runners:
        return ""
    blocks = "".join(_reasons(rank, runner, exchange) for rank, runner in enumerate(exchange.runners[:EXPLAINED], 1))
    reader = "<th>Reader</th>" if exchange.read else "<th>Share</th>"
    rows = "".join(
        f"<tr><td>{rank}</td><td>{runner.meaning:.2f}</td><td>{runner.bm25:.1f}</td><td>{runner.reader:.2f}</td></tr>"
        for rank, runner in enumerate(exchange.runners[:EXPLAINED], 1)
    )
    ms = exchange.answer.ms
    times = "".join(f"<li>{escape(stage)} {value:.0f} ms</li>" for stage, value in ms.items())
    return (
        f'<details class="why"><summary>Why this answer</summary>{blocks}'
        '<details class="numbers"><summary>The numbers</summary>'
        f"<table><thead><tr><th>Rank</th><th>Cosine</th><th>BM25</th>{reader}</tr></thead>"
        f'<tbody>{rows}</tbody></table><ul class="times">{times}</ul></details></details>'
    )


def _reasons(rank: int, runner: Runner, exchange: Exchange) -> str:
    words = "shares " + ", ".join(f"“{escape(word)}”" for word in runner.shared[:6]) if runner.shared else "shares none"
    bars = [_bar("Meaning", runner.meaning, _closeness(runner.meaning)), _bar("Words", runner.words, words)]
    if exchange.read:
        bars.append(_bar("Reader", runner.reader, f"puts {round(100 * runner.reader)} of 100 points on it"))
    head = (
        f'<button type="button" class="runner" {_at(runner)} dir="auto">{escape(_short(runner.text, 140))}</button>'
        f"{_title_of(runner, exchange)}"
    )
    return f'<div class="reason"><p>{rank}. {head}</p><dl>{"".join(bars)}</dl></div>'


def _bar(name: str, share: float, said: str) -> str:
    return (
        f'<dt>{name}</dt><dd><span class="bar" aria-hidden="true"><i style="width:{100 * share:.0f}%"></i></span>'
        f"<span>{said}</span></dd>"
    )


def _closeness(cosine: float) -> str:
    if cosine >= 0.6:
        return "very close to the question"
    if cosine >= 0.4:
        return "close to the question"
    return "some way off the question" if cosine >= 0.2 else "far from the question"


def _actions(number: int, exchange: Exchange, taken_away: TakenAway | None, correctable: bool) -> str:
    if not exchange.runners:
        return ""
    copies = "".join(
        f'<button type="button" class="link" data-copy="{escape(text)}" data-form="{escape(name)}">{escape(name)}'
        "</button>"
        for name, text in (taken_away(exchange) if taken_away else {}).items()
    )
    copies = f'<span class="copies">Copy {copies}</span>' if copies else ""
    link = (
        f'<button type="button" class="link" data-link="{escape(exchange.key)}" '
        f'data-question="{escape(exchange.answer.question)}">Link</button>'
    )
    wrong = f'<button type="button" class="link" data-wrong="{number}">Wrong?</button>' if correctable else ""
    if exchange.judged:
        wrong = f'<span class="noted">{escape(exchange.judged)}</span>'
    return f'<p class="actions">{copies}{link}{wrong}</p>'


def _short(text: str, longest: int = LONGEST_SHOWN) -> str:
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + "…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
