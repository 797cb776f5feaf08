"""An article's sentences come in; who is quoted in each goes out, where the sentence itself does not say so.

    sentences, paragraph by paragraph ─► what stands within quotation marks ─► who says it (“..., said Ines Mora.”)
            ─► carried on through the quotation, over paragraphs ─► {row: "Ines Mora"}

A newspaper names a speaker once and quotes her for paragraphs, in which she is "I" and everybody else "he". Whoever
asks "What did Mora see?" shares no word with them, so the reader is shown each with "Ines Mora said:" before it. These
are rules for English news, not a parser: the nearest verb of saying and what stands beside it (after the deterministic
sieves of Muzny et al. 2017, "A Two-stage Sieve Approach for Quote Attribution", EACL). The reader is trained with the
same rules, so it knows how far to believe them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 60  # characters of a speaker; a longer phrase is cut at its front: a title goes before a name
GAP = 1  # paragraphs without a quotation, after which the speaker before them is forgotten
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})

_VERB = (
    r"(?:said|says|told|tells|added|adds|asked|asks|wrote|writes|explained|recalled|recalls|continued|insisted|argued|"
    r"warned|announced|replied|remarked|noted|stated|claimed|testified|declared|answered|admitted|confirmed|joked|"
    r"concluded|read|reads|shouted|called|went\s+on|put\s+it|commented|observed|responded|agreed|revealed|stressed)"
)
_WORD = r"[A-Z][\w'.-]*[\w]"
_NAME = rf"(?:{_WORD}|[A-Z]\.)(?:\s+(?:{_WORD}|[A-Z]\.|of|de|van|von|al|bin|al-\w+))*(?<!\sof)(?<!\sde)"
_ROLE = (
    r"(?:(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Oo]ne|[Aa]nother|[Oo]ur|[Mm]y)\s+(?:[\w'-]+\s+){0,3}?[\w'-]+|"
    r"[Pp]olice|[Oo]fficials|[Pp]rosecutors|[Oo]fficers|[Dd]octors|[Ii]nvestigators|[Ww]itnesses|[Nn]eighbou?rs)"
)
_WHO = rf"(?:{_NAME}|{_ROLE})"
_HELPERS = r"(?:\s+(?:also|then|later|once|has|had|have|would|will|just|simply|reportedly|allegedly|first))*"
_BEFORE = re.compile(rf"(?P<who>{_WHO}){_HELPERS}\s+{_VERB}\b")  # Ines Mora said
_APART = re.compile(rf"(?P<who>{_WHO}),\s[^;:\"]{{1,110}},{_HELPERS}\s+{_VERB}\b")  # Ines Mora, 41, of Bray, said
# said Ines Mora; but whoever was told, asked or called something does not say it
_AFTER = re.compile(rf"\b(?!tell|told|ask|call|answer|read|warn){_VERB}\s+(?P<who>{_WHO})")
_ACCORDING = re.compile(rf"\b[Aa]ccording\s+to\s+(?P<who>{_WHO})")
_PRONOUN = re.compile(rf"\b(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey){_HELPERS}\s+{_VERB}\b|\b{_VERB}\s+(?:he|she)\b")
_OPENS_WITH_NAME = re.compile(rf"(?P<who>{_WORD}(?:\s+{_WORD})+)")
_NOT_WHO = frozenset(
    "i he she it they we you this that these those there who which what when where while now but and as if in on at "
    "after before monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
    "august september october november december".split()
)
_NOT_LAST = frozenset(
    "was were been be is are not never to who that which when had has have and or it he she being after i'm".split()
)


def speakers(texts: Sequence[str], paragraphs: Sequence[int]) -> list[str]:
    """Return who is quoted in each sentence, "" where nobody is, nobody is known, or the sentence itself says so.

    texts: the sentences of an article, or of a stretch of it, in reading order. paragraphs: the number of each one's
    paragraph, of the same length. ValueError where the lengths differ.
    """
    found = [""] * len(texts)
    last = ""  # who spoke last, as far as is known
    open_quote = False
    quiet = 0  # paragraphs since the last quotation
    for start, end in _runs(texts, paragraphs):
        plain = [straightened(text) for text in texts[start:end]]
        if not open_quote and not any('"' in text for text in plain):
            quiet += 1
            named = _last_named(plain)
            if named:
                last, quiet = named, 0
            elif quiet > GAP:
                last = ""
            continue
        if not plain[0].lstrip().startswith('"'):
            open_quote = False  # a paragraph within a quotation begins with a mark
        quoted, outside, open_quote = _told_apart(plain, open_quote)
        quiet = 0
        own = [_named_in(text) for text in outside]
        here = ""
        for number, text in enumerate(outside):
            if own[number]:
                here = own[number]
                continue
            if not quoted[number]:
                opens = _OPENS_WITH_NAME.match(text.strip())
                here = opens["who"] if opens else here
                continue
            # A quotation that nobody has claimed yet may be claimed by the next sentence: “I ran.” “Far,” said Mora.
            claimed = next((name for name in own[number:] if name), "") if not here and not last else ""
            ahead = _claimed_next(quoted[number:], own[number:]) if not here else ""
            speaker = here or ahead or last or claimed
            if _PRONOUN.search(text):
                speaker = here or last
            if speaker and _last_word(speaker) not in plain[number]:
                found[start + number] = speaker
        last = here or next((name for name in reversed(own) if name), "") or last
    return found


def straightened(text: str) -> str:
    """Return the text with straight quotation marks, as in most of what the reader learned from; its length stays."""
    return text.translate(_STRAIGHT)


def said_by(speaker: str) -> str:
    """Return the words that are put before a sentence for the reader, "" for nobody."""
    return f"{speaker} said:" if speaker else ""


def _runs(texts: Sequence[str], paragraphs: Sequence[int]) -> list[tuple[int, int]]:
    """The first sentence of each paragraph and the one after its last."""
    if len(texts) != len(paragraphs):
        raise ValueError(f"{len(texts)} sentences and {len(paragraphs)} paragraph numbers, wanted one for each")
    runs: list[tuple[int, int]] = []
    start = 0
    for row in range(1, len(texts) + 1):
        if row == len(texts) or paragraphs[row] != paragraphs[start]:
            runs.append((start, row))
            start = row
    return runs if texts else []


def _told_apart(texts: Sequence[str], open_quote: bool) -> tuple[list[bool], list[str], bool]:
    """Whether each sentence of a paragraph is speech, what of it stands outside the marks, and whether one stays open.

    A few words within marks are a title or a turn of phrase, not speech.
    """
    quoted, outside = [], []
    for number, text in enumerate(texts):
        parts = text.split('"')
        if number == 0 and open_quote and not parts[0].strip():
            parts = parts[1:]  # the mark at the head of a paragraph goes on with the quotation
        words, rest = 0, []
        for place, part in enumerate(parts):
            if place:
                open_quote = not open_quote
            if open_quote:
                words += len(part.split())
            else:
                rest.append(part)
        quoted.append(words > 3 or words > sum(len(part.split()) for part in rest))
        outside.append(" … ".join(rest))
    return quoted, outside, open_quote


def _claimed_next(quoted: Sequence[bool], own: Sequence[str]) -> str:
    """Who is named by the next sentences of a quotation, before it ends."""
    for speaks, name in zip(quoted, own, strict=True):
        if not speaks:
            return ""
        if name:
            return name
    return ""


def _named_in(text: str) -> str:
    """Who says something, in what stands outside the quotation marks; "" where no name or role is given."""
    for pattern in (_BEFORE, _AFTER, _APART, _ACCORDING):
        for match in pattern.finditer(text):
            who = _trimmed(match["who"])
            if who:
                return who
    return ""


def _last_named(texts: Sequence[str]) -> str:
    """Who said something last in a paragraph without a quotation, or whom its last sentence begins with."""
    for text in reversed(texts):
        named = _named_in(text)
        if named:
            return named
    opens = _OPENS_WITH_NAME.match(texts[-1].strip())
    return _trimmed(opens["who"]) if opens else ""


def _trimmed(who: str) -> str:
    words = who.split()
    while words and words[0].lower().strip(".,") in _NOT_WHO:
        words = words[1:]
    if not words or words[-1].lower() in _NOT_LAST | _NOT_WHO or (len(words) == 1 and len(words[0]) < 3):
        return ""
    while len(" ".join(words)) > LONGEST:
        words = words[1:]
    return " ".join(words)


def _last_word(speaker: str) -> str:
    return speaker.split()[-1]
