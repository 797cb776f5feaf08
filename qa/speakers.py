"""An article's sentences come in; who is quoted in each goes out, where the sentence itself does not say so.

    sentences, paragraph by paragraph ─► what stands within quotation marks ─► who says it (“..., said Ines Mora.”)
            ─► whose it is, where "the statement" says it (qa/statements.py)
            ─► carried on through the quotation, over paragraphs ─► {row: "Ines Mora"}

A newspaper names a speaker once and quotes her for paragraphs, in which she is "I" and everybody else "he". Whoever
asks "What did Mora see?" shares no word with them, so the reader is shown each with "Ines Mora said:" before it. These
are rules for English news, not a parser: the nearest verb of saying and what stands beside it (after the deterministic
sieves of Muzny et al. 2017, "A Two-stage Sieve Approach for Quote Attribution", EACL). The reader is trained with the
same rules, so it knows how far to believe them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from index.sentences import Sentence
from qa.statements import Author, author_of, is_person, is_thing

LONGEST = 60  # characters of a speaker; a longer phrase is cut at its front: a title goes before a name
STRETCH = 200  # sentences that are gone through at once
STRETCH_BEFORE = 20  # ... and those before them, for who spoke last
GAP = 1  # after more paragraphs without a quotation the speaker before them is forgotten
STATEMENT_REMEMBERED = 40  # sentences for which whose it is holds
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})

_VERB = (
    r"(?:said|says|told|tells|added|adds|asked|asks|wrote|writes|explained|explains|recalled|recalls|continued|insisted|"
    r"insists|argued|argues|warned|warns|announced|replied|replies|remarked|noted|notes|stated|states|claimed|claims|"
    r"testified|declared|declares|answered|admitted|admits|confirmed|joked|jokes|concluded|shouted|called|"
    r"went\s+on|puts?\s+it|commented|observed|responded|agreed|revealed|stressed|tweeted|posted|reported|reports|"
    r"sang|sings|quipped|acknowledged|suggested|boasted|pleaded|begged|cried|screamed|whispered|yelled|lamented|"
    r"complained|estimated|predicted|thought|denied|vowed|urged|promised|fumed|beamed|snapped|muttered|ruled)"
)
_VERBS = re.compile(rf"\b{_VERB}\b")
_TITLE = "Lt|Col|Gen|Maj|Capt|Sgt|Cpl|Adm|Dr|Mr|Mrs|Ms|Sen|Rep|Gov|Rev|Prof|Det|Insp|Supt|St|Jr"
_SHORT = rf"(?:U\.S\.|U\.N\.|E\.U\.|(?:{_TITLE})\.)"
_CAPITAL = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŸŹŻŽȘȚ"
_WORD = rf"(?:{_SHORT}|[{_CAPITAL}][\w'.-]*[\w])"
_JOINING = r"of|de|da|do|dos|du|di|del|der|den|la|le|el|van|von|al|bin|ibn|al-\w+"
_NAME = rf"(?:{_WORD}|(?:[A-Z]\.)+)(?:\s+(?:{_WORD}|(?:[A-Z]\.)+|(?:{_JOINING})\b)){{0,7}}(?<!\sof)(?<!\sde)"
_ROLE = (
    r"(?:(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Oo]ne|[Aa]nother|[Oo]ur|[Mm]y)\s+(?:[\w'-]+\s+){0,3}?[\w'-]+|"
    r"[Pp]olice|[Oo]fficials|[Pp]rosecutors|[Oo]fficers|[Dd]octors|[Ii]nvestigators|[Ww]itnesses|[Nn]eighbou?rs)"
)
_WHO = rf"(?:{_NAME}|{_ROLE})"
_HELPERS = r"(?:\s+(?:also|then|later|once|has|had|have|would|will|just|simply|reportedly|allegedly|first|recently))*"
_HEAD = r"(?<![\w'.-])"  # a phrase begins here, and is not tried again within a word
# ... and ends here: "said the former prime minister" is not said by "the former", nor is the envoy who "was wrong" in
# "Barlow, a critic, said the envoy was wrong" a speaker.
_TAIL = (
    r"(?=\s*(?:[^\w\s'-]|$)|\s+(?:of|who|whose|in|at|on|to|as|and|for|from|after|before|with|when|while|that|by|but|which|"
    r"[a-z]+ly|[a-z]+ing)\b)"
)
_OF_SOMETHING = (
    rf"{_WORD}(?:\s+{_WORD}){{0,2}}(?:\s+[a-z][\w-]+){{1,2}}(?:\s+{_WORD}){{1,3}}"  # Alderwick manager Ruth Lund
)
_BESIDE = re.compile(rf"{_HEAD}(?P<who>{_WHO}){_HELPERS}\s+{_VERB}\s*[:,]?\s*(?:…|$)")  # ..., Ines Mora said: “...”
_BEFORE = re.compile(rf"{_HEAD}(?P<who>{_WHO}){_HELPERS}\s+{_VERB}\b")  # Ines Mora said
_APART = re.compile(rf"{_HEAD}(?P<who>{_WHO}),\s[^;:\"]{{1,110}},{_HELPERS}\s+{_VERB}\b")  # Ines Mora, 41, said
_IN_COMMAS = re.compile(rf"{_HEAD}(?P<who>{_NAME}),{_HELPERS}\s+{_VERB}\b")  # the keeper, Ines Mora, said
# “...,” said Ines Mora; but whoever is told or asked does not say it, nor does the visit in "Mora recalled a visit"
_AFTER = re.compile(
    rf"(?:^|[…,])[\s,…]{{0,4}}(?!tell|told|ask|call|answer|read|warn){_VERB}\s+(?P<who>{_NAME}{_TAIL}|{_ROLE}{_TAIL}|"
    rf"{_OF_SOMETHING}{_TAIL})"
)
_AS_SAYING = re.compile(rf"\bquot(?:ed|es|ing)\s+(?P<who>{_WHO})\s+as\s+(?:say|tell)ing\b")
_ACCORDING = re.compile(rf"\b[Aa]ccording\s+to\s+(?P<who>{_NAME}{_TAIL}|{_ROLE}{_TAIL})")
_PRONOUN = re.compile(rf"\b(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey){_HELPERS}\s+{_VERB}\b|\b{_VERB}\s+(?:he|she)\b")
_NAME_BESIDE = rf"(?:,\s+{_NAME}(?=\s*(?:[,.:;\"]|$)))?"
_ANY_NAME = re.compile(rf"{_HEAD}(?P<who>{_NAME})")
# 'We ran,' said Mora: some papers have such marks only. An apostrophe has no white space or punctuation beside it.
_OPENS_SINGLE = re.compile(rf"(?:^|[,:]\s)'[{_CAPITAL}]\w*")
_SINGLE = re.compile(r"(?:(?<=^)|(?<=\s))'(?=\w)|(?<=[,.!?])'(?!\w)")
_INCHES = re.compile(r"(?:\d'\d*|[\d½¼¾])\"(?!\w)")
_LEADS_ELSEWHERE = re.compile(r"^[^«]*»\s*$")  # Watch “the flood” »: its marks open and close nothing
_DATELINE = re.compile(r"^[^\"]{0,60}\([^()\"]{2,30}\)\s+--?-?\s+")  # LONDON, England (CNN) --
_HE, _SHE, _IT = re.compile(r"\b[Hh]e\b"), re.compile(r"\b[Ss]he\b"), re.compile(r"\b[Ii]t\b")
_NO_MAN = re.compile(
    r"\b(?:Mrs|Ms|Miss|Lady|Dame|Sister|Queen|[Ww]oman|[Mm]other|[Dd]aughter|[Ww]idow|[Gg]irl|[Ww]ife)\b"
    r"|^[Hh]er\b(?! (?:son|father|husband|brother))"
)
_NO_WOMAN = re.compile(r"\b(?:Mr|Sir|Lord|King|[Mm]an|[Ff]ather|[Ss]on|[Bb]oy|[Hh]usband|[Bb]rother)\b")
# Graham Lund was less happy. The other manager, Graham Lund, was less happy.
_OPENS_WITH_NAME = re.compile(
    rf"(?:(?:The|An?|His|Her|Their|Its)\s[^,.;:…\"]{{2,40}},\s(?=[^,.…]{{3,40}},\s))?(?P<who>{_WORD}(?:\s+{_WORD}){{1,5}})(?!\w)"
)
_READS_OUT = re.compile(
    r"\bread\s+(?:it|them|her|his|out|from|a|the)\b|\b(?:dictated|typed)\b|\b(?:note|letter|message)\s+from\b"
)
_OPENS_TURN = re.compile(rf"(?P<who>[{_CAPITAL}][\w'.-]+(?:\s[{_CAPITAL}][\w'.-]*){{0,3}}):\s+\S")
_LABELS = frozenset(
    "note notes warning caution tip tips step date time place venue from to subject cc bcc sent question answer total "
    "price both address tel phone email e-mail agenda action item motion decision resolved present apologies serves "
    "ingredients method example update edit source photo picture video caption summary result name title author".split()
)
_NOT_WHO = frozenset(
    "i he she it they we you this that these those there who which what when where while now but and as if in on at "
    "for after before even watch see read then here just with over again however meanwhile later yesterday today "
    "tonight tomorrow asked told given because during outside inside despite although since speaking last next both "
    "either like unlike under above near monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december".split()
)
_NOT_LAST = frozenset(
    "was were been be being is are not never to who that which when had has have and or after it he she i'm".split()
)
# "Her mother sat her down"
_CLAUSE = frozenset(
    "he she him her them was were is are be been that who which had has have would will should could may might can "
    "must did does do".split()
)
_NOBODY = frozenset(  # as a whole phrase
    "the a an his her its their my our one both all some many most nobody everyone people so according no yes".split()
)


class _Named(NamedTuple):
    name: str  # "" for nobody
    row: int
    says: bool = False  # by a verb of saying, beside speech

    def moved(self, by: int) -> _Named:
        return self._replace(row=self.row + by)


_NO_SPEAKER = _Named("", 0)


@dataclass(frozen=True, slots=True)
class Quotation:
    """Who is quoted in a sentence that does not say so itself."""

    speaker: str
    named_in: int  # the sentence that names the speaker, as `quotations` counts
    # A verb of saying names the speaker beside speech, before it in the same paragraph or in a quotation that has not
    # been closed since.
    sure: bool


def quotations(texts: Sequence[str], paragraphs: Sequence[int]) -> list[Quotation | None]:
    """Return who is quoted in each sentence, None where nobody is, nobody is known, or the sentence itself says so.

    texts: the sentences of an article, or of a stretch of it, in reading order. paragraphs: the number of each one's
    paragraph, of the same length. ValueError where the lengths differ.
    """
    found: list[Quotation | None] = [None] * len(texts)
    last = _NO_SPEAKER  # who spoke last, as far as is known
    open_quote = False
    quiet = 0  # paragraphs since the last quotation
    made: dict[str, Author] = {}  # statements, letters: who made the last one
    runs = _runs(texts, paragraphs)
    everything = ["" if _LEADS_ELSEWHERE.search(text) else straightened(text) for text in texts]
    if sum(bool(_OPENS_SINGLE.search(text)) for text in everything) > sum('"' in text for text in everything):
        everything = [_SINGLE.sub('"', text) for text in everything]
    for start, end in runs:
        plain = everything[start:end]
        if not plain[0].lstrip().startswith('"'):
            open_quote = False  # a paragraph within a quotation begins with a mark
        if not any('"' in text for text in plain):
            quiet += 1
            named = _last_named(plain)
            if named.name:
                last, quiet = named.moved(start), 0
            elif quiet > GAP:
                last = _NO_SPEAKER
            continue
        runs_on = open_quote
        speech, outside, closed = _told_apart(plain, open_quote)
        open_quote = not closed[-1]
        quiet = 0
        both = zip(outside, speech, strict=True)
        said_in = [_named_in(text) for text in outside]
        own = [
            name or (_name_beside(text) if speaks else "") for name, (text, speaks) in zip(said_in, both, strict=True)
        ]
        authors = {}
        for number, name in enumerate(own):
            if name and is_thing(name):
                thing = name.split()[-1]
                author = author_of(name, everything, start + number) or made.get(thing)
                if author and start + number - author.row <= STATEMENT_REMEMBERED:
                    made[thing] = author
                    if author.name:
                        authors[number] = author
        own = [authors[number].name if number in authors else name for number, name in enumerate(own)]
        following = _named_next(speech, own)
        here = _NO_SPEAKER
        for number, text in enumerate(outside):
            if own[number]:
                says = speech[number] and bool(said_in[number]) and len(_VERBS.findall(text)) == 1
                author = authors.get(number)
                here = _Named(own[number], author.row if author else start + number, says and not author)
                runs_on = runs_on and not closed[number]
                continue
            if not speech[number]:
                runs_on = False
                opens = _OPENS_WITH_NAME.match(text.strip())
                name = _trimmed(opens["who"], of=2) if opens else ""
                if _READS_OUT.search(text):  # what comes is another's, who may be named long before
                    here = last = _NO_SPEAKER
                    continue
                # Whoever spoke before may go on speaking, or another whom the sentence between brings in.
                here = _Named(name, start + number) if name else here._replace(says=False)
                continue
            pronoun = _PRONOUN.search(text)
            if len(text.split()) > 1 and not pronoun:
                here = last = _NO_SPEAKER  # somebody is said to say it, but who is not understood
                continue
            ahead = _NO_SPEAKER if pronoun or here.name else following[number].moved(start)
            speaker = next((one for one in (here, ahead) if one.name), last)
            if pronoun and _IT.search(pronoun.group()):
                author = author_of("it", everything, start + number)
                brought_in = _OPENS_WITH_NAME.match(everything[speaker.row].strip())
                if author and author.name:
                    speaker = here = _Named(author.name, author.row)
                elif brought_in and brought_in.start("who") and brought_in["who"] == speaker.name:
                    speaker = _NO_SPEAKER  # "The chaplain, Eneko Lund, ..." is nobody who is "it"
            if pronoun and _is_no(pronoun.group(), speaker.name):
                here = last = _NO_SPEAKER
            elif speaker.name and not re.search(rf"\b{re.escape(speaker.name.split()[-1])}\b", plain[number]):
                sure = speaker.says and not pronoun and (bool(here.name) or (runs_on and not ahead.name))
                found[start + number] = Quotation(speaker.name, speaker.row, sure)
            runs_on = runs_on and not closed[number]
        last = here if here.name else last
    for row, turn in _turns(everything, runs).items():
        found[row] = found[row] or Quotation(turn.name, turn.row, False)
    return found


def speakers(texts: Sequence[str], paragraphs: Sequence[int]) -> list[str]:
    """Return the speakers of `quotations`, "" for none."""
    return [one.speaker if one else "" for one in quotations(texts, paragraphs)]


def stretch_of(sentences: Sequence[Sentence], row: int) -> dict[int, str]:
    """Return who is quoted in the stretch of an article that a sentence is in, by row, "" for nobody.

    A long article is gone through by stretches, always the same ones, so that what is found depends on nothing else.
    """
    number = row // STRETCH
    end = min((number + 1) * STRETCH, len(sentences))
    found = _from_before(sentences, number * STRETCH, end)
    return {place: one.speaker if (one := found[place]) else "" for place in range(number * STRETCH, end)}


def told_speaker(sentences: Sequence[Sentence], row: int) -> tuple[int, int] | None:
    """Return where the article names the speaker of a sentence, as offsets; None unless that is sure."""
    end = row + 1
    while end < len(sentences) and sentences[end].paragraph == sentences[row].paragraph:
        end += 1
    quotation = _from_before(sentences, row, end)[row]
    if quotation is None or not quotation.sure:
        return None
    sentence = sentences[quotation.named_in]
    words = r"\s+".join(map(re.escape, quotation.speaker.split()))
    # "The keeper, Ines Mora, said": whoever is known by a role is told with the name beside it.
    also = "" if quotation.speaker[0].isupper() and not quotation.speaker.startswith("The ") else _NAME_BESIDE
    text = straightened(sentence.text)
    pattern = re.compile(rf"(?<!\w){words}(?!\w){also}")
    match = pattern.search(_outside_marks(text)) or pattern.search(text)
    return (sentence.start + match.start(), sentence.start + match.end()) if match else None


def _outside_marks(text: str) -> str:
    """A sentence as long as it was, with spaces for what is within quotation marks, where others are named."""
    parts = text.split('"')
    inside = len(parts) % 2 == 0 and not text.startswith('"')  # it ends a quotation that began before
    kept = [" " * len(part) if inside ^ bool(number % 2) else part for number, part in enumerate(parts)]
    return '"'.join(kept)


def _from_before(sentences: Sequence[Sentence], low: int, end: int) -> dict[int, Quotation | None]:
    """Who is quoted in sentences low to end, by row, found from some way before them on."""
    first = max(low - STRETCH_BEFORE, 0)
    while first and sentences[first - 1].paragraph == sentences[first].paragraph:
        first -= 1  # where a paragraph is entered in its middle, nobody can tell what is within marks
    part = sentences[first:end]
    found = quotations([sentence.text for sentence in part], [sentence.paragraph for sentence in part])
    return {row: one and replace(one, named_in=first + one.named_in) for row, one in enumerate(found, start=first)}


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


def _turns(texts: Sequence[str], runs: Sequence[tuple[int, int]]) -> dict[int, _Named]:
    """Who speaks in a conversation written down, "Mora: I was there. It rained.", by row; a turn's opening says so.

    Two names at least that open paragraphs so, each at least twice: or it is a form, or notes.
    """
    opened = {start: match["who"] for start, _ in runs if (match := _OPENS_TURN.match(texts[start]))}
    names = Counter(name for name in opened.values() if name.lower() not in _LABELS)
    people = {name for name, times in names.items() if times > 1}
    if len(people) < 2:
        return {}
    found = {}
    for start, end in runs:
        speaking = _NO_SPEAKER
        for row in range(start, end):
            opens = _OPENS_TURN.match(texts[row])
            if opens and opens["who"] in people:
                speaking = _Named(opens["who"], row)
            elif speaking.name:
                found[row] = speaking
    return found


def _told_apart(texts: Sequence[str], open_quote: bool) -> tuple[list[bool], list[str], list[bool]]:
    """Whether each sentence of a paragraph is speech, what of it is outside the marks, and whether all are closed then.

    Speech begins or ends with the sentence, or stands after a comma or a colon. Other words within marks are a title,
    or a scrap of what somebody said that the sentence itself tells.
    """
    speech, outside, closed = [], [], []
    for number, text in enumerate(texts):
        text = _DATELINE.sub("", text) if number == 0 else text
        parts = (text if open_quote else _without_inches(text)).split('"')
        if number == 0 and open_quote and not parts[0].strip():
            parts = parts[1:]  # the mark at the head of a paragraph goes on with the quotation
        began = open_quote
        inside, rest = [], []
        for place, part in enumerate(parts):
            if place:
                open_quote = not open_quote
            if open_quote:
                before = parts[place - 1].rstrip() if place else ""
                told = len(part.split()) > 3 or part.rstrip().endswith((",", ".", "?", "!"))
                inside.append(told and (not before or before.endswith((",", ":"))))
            else:
                rest.append(part.strip())
        speech.append(began or open_quote or any(inside))
        outside.append(" … ".join(part for part in rest if part))
        closed.append(not open_quote)
    return speech, outside, closed


def _without_inches(text: str) -> str:
    """A sentence that begins outside of any quotation, without the marks that stand for inches: 3.5", 5'10"."""

    def kept(match: re.Match[str]) -> str:
        closes = text.count('"', 0, match.end() - 1) % 2
        return match.group() if closes else match.group()[:-1] + " "

    return _INCHES.sub(kept, text)


def _name_beside(text: str) -> str:
    """Whose name stands beside speech, whatever verb goes with it: “..., Mora sings.” “Mora opines: ...”"""
    if _PRONOUN.search(text):
        return ""
    for match in _ANY_NAME.finditer(text):
        who = _trimmed(match["who"])
        if who:
            return who
    return ""


def _named_next(speech: Sequence[bool], own: Sequence[str]) -> list[_Named]:
    """Who is named, for each sentence of a paragraph, by it or by the next ones of the same speech."""
    found = [_NO_SPEAKER] * len(own)
    for number in range(len(own) - 1, -1, -1):
        if speech[number]:
            follows = found[number + 1] if number + 1 < len(own) else _NO_SPEAKER
            found[number] = _Named(own[number], number) if own[number] else follows
    return found


def _is_no(pronoun: str, speaker: str) -> bool:
    """Whether somebody cannot be called so: "he" Mrs Mora, "she" his father, "it" the manager."""
    return bool(
        (_IT.search(pronoun) and is_person(speaker))
        or (_HE.search(pronoun) and _NO_MAN.search(speaker))
        or (_SHE.search(pronoun) and _NO_WOMAN.search(speaker))
    )


def _named_in(text: str) -> str:
    """Who says something, in what stands outside the quotation marks; "" where no name or role is given."""
    for pattern in (_AFTER, _BESIDE, _AS_SAYING, _BEFORE, _APART, _IN_COMMAS, _ACCORDING):
        for match in pattern.finditer(text):
            who = _trimmed(match["who"])
            if who:
                return who
    return ""


def _last_named(texts: Sequence[str]) -> _Named:
    """Who said something last in a paragraph without a quotation, or whom its last sentence begins with."""
    for number in range(len(texts) - 1, -1, -1):
        named = _named_in(texts[number])
        if named:
            return _Named(named, number)
    opens = _OPENS_WITH_NAME.match(texts[-1].strip())
    # A line that ends as no sentence does is a heading or a caption.
    if not opens or texts[-1].rstrip()[-1:].isalnum():
        return _NO_SPEAKER
    return _Named(_trimmed(opens["who"], of=2), len(texts) - 1)


def _trimmed(who: str, *, of: int = 1) -> str:
    """The phrase without what a sentence opens with; "" where fewer than `of` words are left, or nobody."""
    words = who.split()
    while words and (words[0].lower().strip(".,") in _NOT_WHO or (of > 1 and words[0] in ("The", "A", "An"))):
        words = words[1:]
    if len(words) < of or words[-1].lower() in _NOT_LAST | _NOT_WHO or words[-1].endswith(("'s", "s'")):
        return ""
    if (len(words) == 1 and (len(words[0]) < 3 or words[0].lower() in _NOBODY)) or not _CLAUSE.isdisjoint(words[1:]):
        return ""
    while len(" ".join(words)) > LONGEST:
        words = words[1:]
    return " ".join(words)
