"""The text of an article comes in; its sentences go out, each with its place: text[start:end] is the sentence.

    text ─► lines ─► paragraphs (joined lines) ─► sentencex, quotation marks hidden ─► cuts mended ─► [Sentence]

sentencex finds the ends of sentences: it knows abbreviations and initials, the full stops of other scripts, and needs
no download. Around it stand four rules of our own, because a newspaper is not an encyclopedia:

1. a newline ends a paragraph in a file of one paragraph per line, and is a space in a file wrapped at 72 columns;
   which of the two a text is, its line lengths say (`_is_wrapped`);
2. a quotation of several sentences is several sentences, and its closing mark stays with the last
   (sentencex alone never cuts inside quotation marks);
3. a short closed list of cuts that sentencex makes and an English newspaper does not mean ("at 5 a.m. Monday");
4. no sentence is longer than LONGEST characters: nobody reads it, and the encoder would not see its end.

Nothing is lost but white space, and nothing is moved: sentences never overlap, come in reading order, and each lies
within one paragraph. The functions are pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise

import sentencex

RULES = 7  # count up when a rule below changes: the manifest of a saved index holds it, and an old index is rebuilt
SPLITTER = f"sentencex {version('sentencex')}, rules {RULES}"

LONGEST = 1_000  # characters. all-MiniLM-L6-v2 reads 256 word pieces, about 1,100 characters of English

LANGUAGE = "en"  # decides the abbreviations only: the full stops of all scripts (。 ؟ ।) always count


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an article and where it stands. A headline, a caption, a list item is a sentence of its own."""

    start: int  # offset of its first character in the article's text
    end: int  # offset after its last character
    text: str  # text[start:end] of the article, unchanged; may hold a newline where the file was wrapped
    paragraph: int  # 0 is the first


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of `text` in reading order; only white space lies between them.

    An empty list comes back for a text of white space alone.
    """
    sentences: list[Sentence] = []
    for number, (first, last) in enumerate(_paragraphs(text)):
        for start, end in _sentences_of(text[first:last]):
            sentences.append(Sentence(first + start, first + end, text[first + start : first + end], number))
    return sentences


def is_list_item(sentence: str) -> bool:
    """Return whether a sentence begins as an item of a list does: with a bullet, a dash, a number or a letter."""
    return bool(_BULLET.match(sentence) or _DASH.match(sentence))


# --- lines and paragraphs ---------------------------------------------------------------------------------------------

WIDEST_WRAP = 120  # columns. A file whose lines are longer is one paragraph per line
NARROWEST_WRAP = 30  # columns. Shorter lines are a list, a table or a poem

_ENDS = re.compile(r"[.!?…。！？؟।:][\"'”’»)\]]*$")
_BULLET = re.compile(r"\s*(?:[*•·‣◦▪●]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s")
_DASH = re.compile(r"\s*[-–—+]\s")


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each paragraph, without white space at its ends.

    A blank line always ends a paragraph; a single newline does so unless the text is wrapped.
    """
    lines = list(_lines(text))
    first = 0
    for here, width in enumerate(_wrap_widths(text, lines)):
        if width is None or not _runs_on(text, lines[here], lines[here + 1], width):
            start, end = lines[first][0], lines[here][1]
            while text[start].isspace():
                start += 1
            yield start, end
            first = here + 1


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line that is not blank, with its indent, without the white space at its end."""
    start = 0
    for line in text.split("\n"):
        visible = line.rstrip()
        if visible:
            yield start, start + len(visible)
        start += len(line) + 1


def _wrap_widths(text: str, lines: list[tuple[int, int]]) -> list[int | None]:
    """Return for each line the column its block was wrapped at, None where the newline after it is meant.

    A block is lines with no blank line between. Each is judged alone, for a wrapped file may hold tables and addresses;
    one too short to judge is taken as wrapped when others are.
    """
    blocks: list[list[int]] = []
    for here, line in enumerate(lines):
        if here and _next_to(text, lines[here - 1], line):
            blocks[-1].append(here)
        else:
            blocks.append([here])
    lengths = sorted(lines[here][1] - lines[here][0] for block in blocks for here in block[:-1])
    width = lengths[len(lengths) * 9 // 10] if lengths else 0
    widths: list[int | None] = [None] * len(lines)
    if NARROWEST_WRAP <= width <= WIDEST_WRAP:
        judged = [(block, _is_wrapped(text, [lines[here] for here in block], width)) for block in blocks]
        some = any(wrapped for _, wrapped in judged)
        for block, wrapped in judged:
            if wrapped or (wrapped is None and some):
                widths[block[0] : block[-1]] = [width] * (len(block) - 1)
    return widths


def _is_wrapped(text: str, block: list[tuple[int, int]], width: int) -> bool | None:
    """Return whether the newlines of a block are there for the width only; None where it has too few to tell.

    A program that wraps breaks a line only when the next word no longer fits. So a block is wrapped when most of its
    lines are too full for the first word of the next, few end a sentence, and that first word often has no capital,
    unless all is in capitals, as in a disclaimer.
    Lines that say for themselves where they belong are not asked: before a list item, and short at a sentence's end.
    """
    capitals = text[block[0][0] : block[-1][1]].isupper()
    pairs = [(one, two) for one, two in pairwise(block) if not _BULLET.match(text[two[0] : two[1]])]
    ended = asked = full = small = 0
    for one, two in pairs:
        room = _room(text, one, two, width)
        ends = _ENDS.search(text[one[0] : one[1]]) is not None
        ended += ends
        asked += not (ends and room >= 0)
        if room < width // 10:  # by hand, or to make the lines even
            full += 1
            small += not text[two[0] : two[1]].lstrip()[0].isupper()
    if 0 < full == asked <= 2 and not small:
        return None
    return full >= 0.6 * asked and (capitals or 3 * small >= full) and full > 0 and ended <= 0.5 * len(pairs)


def _next_to(text: str, one: tuple[int, int], two: tuple[int, int]) -> bool:
    """True if no blank line lies between two lines."""
    return text.count("\n", one[1], two[0]) == 1


def _room(text: str, one: tuple[int, int], two: tuple[int, int], width: int) -> int:
    """Return how many columns would be left, had the first word of line `two` stood at the end of line `one`."""
    word = text[two[0] : two[1]].split(maxsplit=1)[0]
    return width - (one[1] - one[0]) - 1 - len(word)


def _runs_on(text: str, one: tuple[int, int], two: tuple[int, int], width: int) -> bool:
    """True if line `two` goes on with the paragraph of line `one`, in a block wrapped at `width`."""
    above, below = text[one[0] : one[1]], text[two[0] : two[1]]
    ends = _ENDS.search(above) is not None
    if _BULLET.match(below) or (_DASH.match(below) and (ends or _DASH.match(above))):
        return False
    room = _room(text, one, two, width)
    continues = below.lstrip()[0].islower()
    if ends and not continues:  # the last line of a paragraph, or a heading; else a sentence ends here anyway
        indented = len(below) - len(below.lstrip()) > len(above) - len(above.lstrip())
        return room < 0 and not indented
    return room < (width // 2 if continues else width // 4)


# --- sentences of one paragraph ---------------------------------------------------------------------------------------

WINDOW = 3_000  # characters. sentencex's time can grow with the square of the length: 6 s for 100,000 Chinese ones

_QUOTE = re.compile(r"[\"“”„‟«»‹›「」『』‘‚‛]|(?<![^\W_])['’]|['’](?![^\W_])")  # not the apostrophe of don't
_ASIDE = re.compile(r"(^|[.!?]\s{1,3})\(([^()]*[.!?]\s?)\)(?=\s|$)")  # (A sentence. Or more.)
_CLOSERS = frozenset("\"'“”’»›」』)]}⁰¹²³⁴⁵⁶⁷⁸⁹")
_OPENERS = frozenset("“„‟«‹「『‘‚‛")
_CLOSES_AFTER_SPACE = frozenset("”»")  # Il est parti. »
_EMOJI = re.compile(r"\s?[\U0001f000-\U0001faff\u2600-\u27bf\u200d\ufe0f]+(?=\s|$)")  # We won! 🎉
_WORD = re.compile(r"[^\W_]")
_VISIBLE = re.compile(r"\S")

_MARKER = re.compile(r"\s*\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s*")  # 1.  a)  iv.
_SHORTENED = re.compile(r"(?<![^\W_])[A-Z][a-z]{1,5}\.$")  # R-Calif. — before a small letter
_CLOCK = re.compile(r"\b[ap]\.\s?m\.$", re.IGNORECASE)
_AFTER_CLOCK = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Sept|Nov|Dec)ember"
    r"|October|[ECMP][SD]?T\b|GMT|BST|UTC|CET|IST|JST|Eastern|Central|Mountain|Pacific|Greenwich"
)
_NEVER_LAST = re.compile(
    r"(?<![^\W_])(?:(?:Mr|Mrs|Ms|Dr|Prof|Ft|Spc|Atty|Vol|Pte|Supt|Insp|Cllr|Revd)\.|E!|[Aa]pprox\.)$"
)  # sentencex does, at times
_WEEKDAY = re.compile(r"\b(?:Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun)\.$")
_AFTER_WEEKDAY = re.compile(
    r"(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:(?:Jan|Febr)(?:uary)?|Feb|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|(?:Nov|Dec)(?:ember)?)\b"
)
_COUNTED = re.compile(r"(?<![^\W_])(?:[Tt]el|[Ee]xt|vol|[Pp]ara)\.$")
_NUMBER = re.compile(r"[+(]?\d")
_TOGETHER = ((_CLOCK, _AFTER_CLOCK), (_WEEKDAY, _AFTER_WEEKDAY), (_COUNTED, _NUMBER))  # an end before such a beginning
_BEFORE_SMALL = re.compile(r"(?<![^\W_])(?:max|min|temp|est|acct|tb?sp|hrs|mins)\.$")  # ... before a small letter
_BREAKS_IN = re.compile(r"\s?[-–—]\s[a-z]")  # the mayor – who else? – was there
_LETTERS = re.compile(r"-[A-Z]\.[A-Z]\.")  # an anti-U.S. video
_TITLE = re.compile(r"[^\W_]\s[\"“‘']((?:[^\s\"“”‘]+\s){1,9}[^\s\"“”‘]+[?!])[\"”’']$")  # the film “Who Is It?”
_ALSO = re.compile(  # ends that sentencex misses, having "me." for Maine, "no." for number and "I." for an initial
    r"(?<=\.[A-Z]\.)\s(?=I\s)"  # He was born in the U.S. I was not.
    r"|\b(?:me|may|art|ill|miss|fed|ore|con|no|ken|OK)\.\s+(?=[A-Z])"
    r"|(?:^|(?<=[.!?]\s))No\.\s+(?=[A-Z])"
    r"|\b(?:am|and|as|but|can|did|do|than|was|were|War)\sI\.\s+(?=[A-Z])"
)


def _sentences_of(paragraph: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence of a paragraph; it begins and ends with a visible character."""
    start = 0
    for cut in (*_cuts(paragraph), len(paragraph)):
        yield from _readable(paragraph, start, cut)
        start = cut


def _cuts(paragraph: str) -> Iterator[int]:
    """Yield where one sentence ends and the next begins, in rising order."""
    possible = [*_possible_cuts(paragraph), len(paragraph)]
    start = last = 0
    spoken = False  # a sentence has at least one letter or digit: a lone "..." or emoji goes with its neighbour
    for cut, following in pairwise(possible):
        spoken = spoken or _WORD.search(paragraph, last, cut) is not None
        last = cut
        if spoken and _WORD.search(paragraph, cut, following) and _is_end(paragraph, start, cut):
            yield cut
            start, spoken = cut, False


def _possible_cuts(paragraph: str) -> list[int]:
    """Return the cuts that sentencex proposes, and some that it misses, in rising order and without repeats."""
    hidden = _hide(paragraph)
    cuts = {match.end() for match in _ALSO.finditer(hidden)}
    begin = 0
    while begin < len(hidden):
        window = hidden[begin : begin + WINDOW]
        found = [begin + ends["end_index"] for ends in sentencex.get_sentence_boundaries(LANGUAGE, window)]
        if begin + len(window) < len(hidden):
            # What stands near the end of the window is judged again in the next, where its right-hand side is seen.
            sure = [cut for cut in found if cut <= begin + WINDOW - LONGEST]
            found = sure or found[:-1] or [_word_end(hidden, begin + WINDOW // 2, begin + WINDOW)]
        cuts.update(found)
        begin = found[-1]
    mended = {_mended(paragraph, hidden, cut, floor=floor) for floor, cut in pairwise((0, *sorted(cuts)))}
    return sorted(cut for cut in mended if 0 < cut < len(paragraph))


def _hide(paragraph: str) -> str:
    """Return the paragraph as sentencex shall see it, as long as it was: quotation marks and newlines are spaces."""
    hidden = _QUOTE.sub(" ", paragraph).replace("\n", " ")
    return _ASIDE.sub(lambda aside: f"{aside[1]} {aside[2]} ", hidden)


def _mended(paragraph: str, hidden: str, cut: int, *, floor: int) -> int:
    """Return the cut moved so that closing marks are on its left and opening marks and white space on its right.

    It is 0, which is no cut, where only white space lies between `floor`, the cut before, and this one.
    """
    while cut > floor and hidden[cut - 1].isspace():
        cut -= 1
    if cut == floor:
        return 0
    while cut < len(paragraph) and paragraph[cut] in _CLOSERS:
        glued = cut + 1 < len(paragraph) and _WORD.match(paragraph, cut + 1)
        if glued and (paragraph[cut] in _OPENERS or (paragraph[cut] == '"' and not _is_quoting(paragraph, cut))):
            break
        cut += 1
    if emoji := _EMOJI.match(paragraph, cut):
        return emoji.end()
    visible = _VISIBLE.search(paragraph, cut)
    if visible and visible[0] in _CLOSES_AFTER_SPACE and not _WORD.match(paragraph, visible.end()):
        return visible.end()
    return cut


def _is_quoting(paragraph: str, position: int) -> bool:
    """True if the straight quotation mark at `position` closes a quotation."""
    return paragraph.count('"', max(0, position - WINDOW), position) % 2 == 1


def _is_end(paragraph: str, start: int, cut: int) -> bool:
    """True if the sentence from `start` does end at `cut`."""
    tail = paragraph[max(start, cut - 120) : cut]
    visible = _VISIBLE.search(paragraph, cut)
    small = visible is not None and visible[0].islower()
    dash = visible is not None and visible[0] in "-–—"  # “Go!” – he was shouting – “Run!”
    if cut - start <= 8 and _MARKER.fullmatch(tail):
        return False
    if ((small or dash) and tail[-1] in "\"'”’»") or (small and _SHORTENED.search(tail)):
        return False
    if (small and _BEFORE_SMALL.search(tail)) or (tail[-1] in "?!" and _BREAKS_IN.match(paragraph, cut)):
        return False
    if visible and any(one.search(tail) and two.match(paragraph, visible.start()) for one, two in _TOGETHER):
        return False
    if _NEVER_LAST.search(tail) or (cut >= 3 and _LETTERS.match(paragraph, cut - 3)):
        return False
    title = _TITLE.search(tail)
    return title is None or any(word[0].islower() for word in title[1].split() if len(word) > 4)


def _readable(paragraph: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield paragraph[start:end] without the white space at its ends, in pieces of at most LONGEST characters."""
    while visible := _VISIBLE.search(paragraph, start, end):
        start = visible.start()
        stop = end if end - start <= LONGEST else _word_end(paragraph, start + LONGEST // 2, start + LONGEST)
        start, last = stop, stop
        while paragraph[last - 1].isspace():
            last -= 1
        yield visible.start(), last


_CLAUSE = re.compile(r".*[,;:—–،؛、，；：।](?=\s)|.*[、，；：](?=.)", re.DOTALL)
_SPACE = re.compile(r".*(?=\s)", re.DOTALL)


def _word_end(text: str, least: int, most: int) -> int:
    """Return where to cut a text that has no sentence end from `least` to `most`: after a clause, a word, or last."""
    for place in (_CLAUSE, _SPACE):
        if found := place.match(text, least, most):
            return found.end()
    while most > least and (unicodedata.combining(text[most]) or text[most] in _JOINED or text[most - 1] == _JOINER):
        most -= 1  # not inside a letter with its accents or a joined emoji
    return most


_JOINER = "\u200d"
_JOINED = frozenset((_JOINER, "\ufe0e", "\ufe0f", *map(chr, range(0x1F3FB, 0x1F400))))  # and the skin tones
