"""The speaker that a quotation is put down to comes in, "the statement"; who made the statement goes out, where told.

    "Ines Mora, through her lawyer, issued a statement." ... "..., the statement said" ─► Ines Mora

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
_THING = r"(?P<thing>statement|letter|e-?mail|message|note|post|posting|tweet|testimony|diary|account)"
_MADE = (
    r"(?:made|issued|released|posted|wrote|written|published|sent|put\s+out|gave|given|prepared|drafted|signed|read\s+out|"
    r"handed\s+out|shared)"
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
    "cover cruiser cylinder danger december dinner disaster door earlier either elevator encounter error ever "
    "exterior factor favor feather fever fewer fiber fibre filter finger floor folder former freezer freighter "
    "gender greater harbor helicopter higher honor horror humor hunger inner interior junior labor ladder "
    "larger later latter layer leather letter liter litre longer lower lumber major master matter meter metre "
    "minor mirror monitor motor murder neither never newspaper november number october odor offer older order "
    "other outer over paper pepper plaster poster power printer prior proper quarter rather register river "
    "rumor scanner sector semester september shelter shorter shoulder shower silver smaller steamer summer "
    "superior tanker tender terror timber together tower tractor trailer transfer trawler trigger under upper "
    "vapor vector water weather winter younger".split()
)
_WORD = r"(?:[A-Z]\.|[A-Z](?:[\w-]|['’](?=[A-Z]))+)"
_NAME = rf"{_WORD}(?:\s+{_WORD}){{0,4}}(?![\w'’])"  # nobody's: "Mora's lawyer" is not Mora
_ROLE = re.compile(r"\b[Tt]he\s+((?:[\w-]+\s+){0,2}?)([\w-]+)\b(?!['’]s)")
_TITLED = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Sir|Dame|Lady|Lord)\.?\s+{_NAME}")
_SUBJECT = re.compile(rf"(?P<who>{_NAME})")
_MAKES = re.compile(rf"\b{_MADE}\s+(?:[\w'’-]+\s+){{0,5}}?{_THING}\b")
_KIN = rf"{_WORD}['’]s\s+[a-z]+(?:,\s+{_WORD})?"  # Callum's mother, Denise
# "A statement about Mora" and "the statement said of Mora" are not hers.
_FROM = re.compile(
    rf"\b{_THING}\s+(?:(?:issued|released|signed|written|made|read|read\s+out)\s+)?(?:from|by|on\s+behalf\s+of)\s+"
    rf"(?P<who>{_KIN}|[Tt]he\s+(?:[\w-]+\s+){{0,2}}?[\w-]+|{_NAME})"
    r"(?=\s*(?:[,.;:…]|$)|\s+(?:said|says|was|who|that|and|on|in|to|identified)\b)"
)
_POSSESSIVE = re.compile(rf"^(?P<who>.{{2,50}}?)['’]s?\s+(?:[\w-]+\s+){{0,2}}?{_THING}$")
_QUOTED = re.compile(r"\"[^\"]*(?:\"|$)")
# What may stand between whoever makes a statement and the verb; not "was", "never", or another's clause.
_BETWEEN = (
    r"(?:[\s,]+(?:has|had|have|later|then|also|soon|again|\w+ly|\d+|(?:on|at|last|this)\s+\w+|"
    rf"(?:through|via)\s+(?:his|her|their|the|an?)\s+[\w-]+(?:\s+[\w-]+)?(?:,\s+{_NAME})?)\b)*[\s,]*$"
)
_ONLY_BETWEEN = re.compile(_BETWEEN)
_BY_PRONOUN = re.compile(rf"\b(?P<who>[Hh]e|[Ss]he)\b{_BETWEEN}")
_ON_BEHALF = re.compile(r"\s+on\s+(?P<who>his|her)\s+behalf\b")
_GOES_ON = re.compile(r"\b(?:and|but)\b")
_OPENERS = frozenset(
    "the a an in on at it its he she they this that these those there but and when while after before as if for from "
    "later his her their one two three many some most all no yesterday today early late last nobody everyone monday "
    "tuesday wednesday thursday friday saturday sunday".split()
)


class Author(NamedTuple):
    """Who made a statement, "" where somebody did and it is not clear who; and which sentence says so."""

    name: str
    row: int


def is_thing(speaker: str) -> bool:
    """Return whether a speaker is something written or read out."""
    return re.search(rf"\b{_THING}$", speaker) is not None


def author_of(speaker: str, texts: Sequence[str], row: int) -> Author | None:
    """Return who made the statement that sentence `row` quotes; None where nobody is said to have made one.

    speaker: what is said to say it, "the letter"; any such thing is meant by "it". texts: the sentences of the article
    in reading order, with straight quotation marks.
    """
    owner = _POSSESSIVE.match(speaker)
    if owner and is_somebody(owner["who"]):
        return Author(owner["who"], row)
    thing = speaker.split()[-1].lower()
    for back in range(row, max(row - SENTENCES_BACK, -1), -1):
        outside = _QUOTED.sub("…", texts[back])
        for of in _FROM.finditer(outside):
            if thing in (of["thing"], "it") and is_somebody(of["who"]):
                return Author(of["who"].rstrip("."), back)
        for made in _MAKES.finditer(outside) if back < row else ():
            if thing in (made["thing"], "it"):
                return _maker(outside, made, texts, back)
    return None


def _maker(outside: str, made: re.Match[str], texts: Sequence[str], row: int) -> Author:
    """Who makes what `made` found in sentence `row`."""
    before = outside[: made.start()]
    pronoun = _ON_BEHALF.match(outside, made.end()) or _BY_PRONOUN.search(before)
    subject = "" if pronoun else _subject(outside)
    # "He was held for a day and through his lawyer made a statement"
    clauses = _GOES_ON.split(before)
    if not pronoun and len(clauses) > 1 and _ONLY_BETWEEN.match(clauses[-1]):
        pronoun = re.match(r"(?P<who>He|She)\b", outside)
    elif subject and not _ONLY_BETWEEN.match(before[len(subject) :]):
        subject = ""
    if pronoun:
        return _meant(texts, row, woman=pronoun["who"].lower() in ("she", "her"))
    return Author(subject, row)


def is_person(who: str) -> bool:
    """Return whether a phrase ends with a word for a person: "the site manager"."""
    return bool(who) and _is_person(who.split()[-1])


def is_somebody(who: str) -> bool:
    """Return whether a phrase is a name or a person's role."""
    words = who.split()
    if words[0].lower() == "the":
        return _is_person(words[-1])
    return words[0][0].isupper() and words[0].lower() not in _OPENERS


def _is_person(noun: str) -> bool:
    return noun.lower() not in _NO_PERSON and _PERSON.fullmatch(noun.lower()) is not None


def _subject(outside: str) -> str:
    """Whom a sentence begins with, "" for a thing or nobody."""
    role = next(_roles(outside), "")
    if role and outside.startswith(role):
        return role
    name = _SUBJECT.match(outside)
    return name["who"].rstrip(".") if name and name["who"].split()[0].lower() not in _OPENERS else ""


def _roles(text: str) -> Iterator[str]:
    """Roles in the singular, "the driver", in the order of the text."""
    for match in _ROLE.finditer(text):
        words = f"{match[1]}{match[2]}".split()
        for end in range(1, len(words) + 1):
            if _is_person(words[end - 1]) and (end == len(words) or not _is_person(words[end])):
                yield " ".join((match.group().split()[0], *words[:end]))
                break


def _meant(texts: Sequence[str], row: int, *, woman: bool) -> Author:
    """The only person that the nearest sentence before `row` names, of those that name any."""
    for back in range(row - 1, max(row - 1 - ANTECEDENT_BACK, -1), -1):
        outside = _QUOTED.sub("…", texts[back])
        titled = [match.group() for match in _TITLED.finditer(outside)]
        subject = _subject(outside)
        wrong = ("Mr ", "Mr.", "Sir", "Lord") if woman else ("Mrs", "Ms", "Miss", "Dame", "Lady")
        people = [*_roles(outside), *titled, *([subject] if len(subject.split()) > 1 else [])]
        people = [person for person in people if not person.startswith(wrong)]
        distinct = {person.lower() for person in people}
        if len(distinct) == 1:
            return Author(people[0], back)
        if distinct:
            break
    return Author("", row)
