"""The speaker that a quotation is put down to comes in, "the statement"; who made the statement goes out, where told.

    "Mora, through her lawyer, issued a statement." ... "..., the statement said" ─► Mora

A newspaper quotes what a lawyer reads out for somebody, or what somebody posted, as said by the thing. Whoever asks
"What did the driver say he saw?" asks for it all the same. Rules for English news, like those of `qa.speakers`: the
nearest sentence in which somebody makes such a thing, and for "he" the only person that the sentences before it name.
Where two could be meant it stays "the statement".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SENTENCES_BACK = 6  # in which the statement was made
ANTECEDENT_BACK = 2  # sentences before a pronoun that name whom it means
_THING = r"(?:statement|letter|e-?mail|message|note|post|posting|tweet|testimony|diary|account)"
_MADE = (
    r"(?:made|issued|released|posted|wrote|written|published|sent|put\s+out|gave|given|prepared|drafted|left|signed|"
    r"read\s+out|handed\s+out|shared)"
)
# Nouns for people in the singular: by their endings, with those that have others, less the things that end so.
_PERSON = re.compile(
    r"(?:[a-z-]{2,}(?:er|or|ist|man|woman|ian|eer|boy|girl)|nurse|mother|father|parent|victim|suspect|judge|coach|chief|"
    r"guard|pilot|cook|guide|king|queen|wife|son|aunt|uncle|widow|bride|groom|child|teenager|student|president|patient|"
    r"client|resident|tenant|agent|accountant|assistant|defendant|accused|migrant|pensioner|colonel|general|captain|"
    r"sergeant|constable|detective|priest|monk|nun|imam|rabbi|bishop|athlete|champion|star|hero|thief|clerk|host|boss|"
    r"employee|trainee|refugee|witness|mayor|[a-z]+-year-old|\d+-year-old)"
)
_NO_PERSON = frozenset(
    "after another answer barrier behavior better bomber border butter cancer career center chamber chapter "
    "character charter clever cluster color computer container conveyor cooker copper corner corridor counter "
    "cover cruiser cylinder danger december dinner disaster door earlier either elevator error ever exterior "
    "factor favor feather fever fewer fiber fibre filter finger floor folder former freezer freighter gender "
    "greater harbor helicopter higher honor horror humor hunger inner interior junior labor ladder larger later "
    "latter layer leather letter liter litre longer lower lumber major master matter meter metre minor mirror "
    "monitor motor neither never newspaper november number october odor offer older order other outer over paper "
    "pepper plaster poster power printer prior proper quarter rather register river rumor scanner sector semester "
    "september shelter shorter shoulder shower silver smaller steamer summer superior tanker tender terror timber "
    "together tower tractor trailer transfer trawler trigger under upper vapor vector water weather winter "
    "younger".split()
)
_ROLE = re.compile(r"\b[Tt]he\s+((?:[\w-]+\s+){0,2}?)([\w-]+)\b(?!['’]s)")
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Sir|Dame|Lady|Lord)\.?(?:\s+[A-Z][\w'’-]*\w){1,4}(?!['’]s|\w)")
_SUBJECT = re.compile(r"^(?P<who>[A-Z][\w'’.-]*(?:\s+[A-Z][\w'’.-]*){0,4})\b")
_MAKES = re.compile(rf"\b{_MADE}\s+(?:[\w'’-]+\s+){{0,5}}?{_THING}\b")
_KIN = r"[A-Z][\w-]+['’]s\s+[a-z]+(?:,\s+[A-Z][\w-]+)?"  # Callum's mother, Denise
_FROM = re.compile(
    rf"\b{_THING}\s+(?:[\w'’-]+\s+){{0,3}}?(?:from|by|of|(?:on\s+behalf\s+of))\s+(?P<who>{_KIN}|[Tt]he\s+(?:[\w-]+\s+){{0,2}}?[\w-]+|"
    r"[A-Z][\w'’.-]*(?:\s+[A-Z][\w'’.-]*){0,4})(?=\s*(?:[,.;:…]|$)|\s+(?:said|says|was|who|that|and|on|in|to|identified))"
)
_POSSESSIVE = re.compile(rf"^(?P<who>.{{2,50}}?)['’]s?\s+(?:[\w-]+\s+){{0,2}}?{_THING}$")
_QUOTED = re.compile(r"\"[^\"]*(?:\"|$)")
_BY_PRONOUN = re.compile(
    rf"^(?P<first>He|She)\b|\b(?P<then>he|she)\s+(?:has\s+|had\s+)?(?:\w+ly\s+)?{_MADE}\b|\bon\s+(?P<for>his|her)\s+behalf"
)
_OPENERS = frozenset(
    "the a an in on at it its they this that these those there but and when while after before as if for from later "
    "his her their one two three many some most all no".split()
)


class Author(NamedTuple):
    """Who made a statement, and which sentence names them."""

    name: str
    row: int


def is_thing(speaker: str) -> bool:
    """Return whether a speaker is something written or read out."""
    return re.search(rf"\b{_THING}$", speaker) is not None


def author_of(speaker: str, texts: Sequence[str], row: int) -> Author | None:
    """Return who made the statement that sentence `row` quotes; None where nobody says, or two could be meant.

    texts: the sentences of the article in reading order, with straight quotation marks.
    """
    owner = _POSSESSIVE.match(speaker)
    if owner and owner["who"].lower() not in ("his", "her", "their"):
        return Author(owner["who"], row)
    for back in range(row, max(row - SENTENCES_BACK, -1), -1):
        outside = _QUOTED.sub("…", texts[back])
        of = _FROM.search(outside)
        if of and _is_somebody(of["who"]):
            return Author(of["who"], back)
        made = _MAKES.search(outside)
        if back == row or not made:
            continue
        pronoun = _BY_PRONOUN.search(outside)
        if pronoun:
            return _meant(texts, back, woman=pronoun.group(pronoun.lastgroup or 0).lower() in ("she", "her"))
        subject = _subject(outside)
        return Author(subject, back) if subject else None
    return None


def is_person(who: str) -> bool:
    """Return whether a phrase ends with a word for a person: "the site manager"."""
    return bool(who) and _is_person(who.split()[-1])


def _is_somebody(who: str) -> bool:
    words = who.split()
    return _is_person(words[-1]) if words[0].lower() == "the" else words[0].lower() not in _OPENERS


def _is_person(noun: str) -> bool:
    return noun.lower() not in _NO_PERSON and _PERSON.fullmatch(noun.lower()) is not None


def _subject(outside: str) -> str:
    """Whom a sentence begins with, "" for a thing or nobody."""
    role = next(_roles(outside), "")
    if role and outside.startswith(role):
        return role
    name = _SUBJECT.match(outside)
    if not name or name["who"].split()[0].lower() in _OPENERS or len(name["who"].split()) < 2:
        return ""
    return name["who"].rstrip(".")


def _roles(text: str) -> Iterator[str]:
    """Roles in the singular, "the driver", in the order of the text."""
    for match in _ROLE.finditer(text):
        words = f"{match[1]}{match[2]}".split()
        for end in range(1, len(words) + 1):
            if _is_person(words[end - 1]) and (end == len(words) or not _is_person(words[end])):
                yield " ".join((match.group().split()[0], *words[:end]))
                break


def _meant(texts: Sequence[str], row: int, *, woman: bool) -> Author | None:
    """The only person that the nearest sentence before `row` names, of those that name any."""
    for back in range(row - 1, max(row - 1 - ANTECEDENT_BACK, -1), -1):
        outside = _QUOTED.sub("…", texts[back])
        titled = [match.group() for match in _TITLED.finditer(outside)]
        wrong = ("Mr ", "Mr.", "Sir", "Lord") if woman else ("Mrs", "Ms", "Miss", "Dame", "Lady")
        people = [*_roles(outside), *titled, *filter(None, [_subject(outside)])]
        people = [person for person in people if not person.startswith(wrong)]
        distinct = {person.lower() for person in people}
        if len(distinct) == 1:
            return Author(people[0], back)
        if distinct:
            return None
    return None
