"""A question and the text around its answer go in; a near miss comes out: a question that the text no longer answers.

People who write unanswerable questions swap names, turn words to their opposites, deny, ask of a sister thing, add a
condition, or ask what is never said (Rajpurkar et al. 2018, arXiv:1806.03822, table 1). There are few such questions to
learn from, and a reader soon knows them by heart; these are made anew each time.
"""

import random
import re
from collections.abc import Callable, Sequence

from qa.opposites import opposites

NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w'’.-]+)(?: (?:of |the |de )?[A-Z][\w'’-]+)*")
NUMBER = re.compile(r"\b\d[\d,.]*\b")
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
TAIL = re.compile(
    r"(?<=\w) (?:in|during|after|before|for|by|from|at|on|under|against|with|according to|since|between|near)"
    r" [^?,;]{3,45}(?=\??$)"
)
AUXILIARY = re.compile(r"\b(is|are|was|were|did|does|do|can|could|would|will|has|have|had|should)\b", re.IGNORECASE)
FUNCTION = frozenset(
    "a an the of in on at to for from by with and or is are was were be been do does did has have had it its this that "
    "what which who whom whose when where why how as his her their he she they i you we my your not".split()
)

SISTERS = """
mother father sister brother uncle aunt cousin grandfather grandmother nephew niece husband wife son daughter
red blue green yellow black white brown grey orange purple pink
January February March April May June July August September October November December
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
one two three four five six seven eight nine ten twelve
first second third fourth fifth sixth seventh eighth ninth tenth
century decade year month week day
hours minutes days weeks months years decades centuries
miles metres kilometres feet inches acres
city town village county country state province district continent
cities towns villages counties countries states provinces districts
river lake sea ocean mountain island desert forest valley
rivers lakes mountains islands deserts forests valleys
book film song album play poem novel article painting opera game
books films songs albums plays poems novels articles paintings games
author director singer actor producer composer painter publisher editor
president minister mayor governor senator king emperor judge chancellor ambassador
doctor nurse lawyer teacher soldier farmer driver engineer priest scientist reporter detective
university school college hospital museum library church theatre stadium airport station
company bank government army navy party union court council committee
British French German Italian Spanish Russian Chinese Japanese American Indian Dutch Greek Roman Egyptian Turkish
English Latin Arabic Hebrew Polish Portuguese Swedish Welsh Irish Scottish
Britain France Germany Italy Spain Russia China Japan America India Egypt Turkey Greece Poland Mexico Canada Brazil
London Paris Berlin Rome Madrid Moscow Beijing Tokyo Washington Chicago Boston
gold silver copper iron steel tin lead coal oil gas
oxygen hydrogen nitrogen carbon helium iron sulphur
head arm leg hand foot eye ear nose mouth heart liver
cat dog horse cow sheep pig goat chicken bird fish
car bus train ship plane bicycle truck boat
bread meat rice fruit milk cheese wine beer tea coffee
football cricket tennis rugby baseball basketball hockey golf
physics chemistry biology mathematics history philosophy law medicine music
Catholic Protestant Muslim Jewish Buddhist Hindu Orthodox
population area length height weight age size depth cost price
name colour age height weight job nationality birthday
built designed financed owned destroyed restored sold bought opened
wrote directed published translated sold read recorded performed
invented discovered improved named described tested
killed injured arrested rescued kidnapped robbed
married divorced met hired sued
said denied suggested asked promised
founded joined led left closed financed
born raised educated married buried
bedroom kitchen garden cellar attic bathroom hall
screen battery keyboard camera speaker cable case charger
plot acting ending music characters dialogue
delivery price quality packaging taste smell
"""


def _sisters() -> dict[str, list[str]]:
    """Return each word with the words of its kinds."""
    table: dict[str, list[str]] = {}
    for kind in SISTERS.strip().splitlines():
        words = kind.split()
        for word in words:
            table.setdefault(word, []).extend(other for other in words if other != word)
    return table


OPPOSITE = opposites()
SISTER = _sisters()

Change = tuple[str, str]  # the words that went, the words that came


def changed_word(text: str, names: Sequence[str], numbers: Sequence[str], rng: random.Random) -> Change | None:
    """Return one name, number, opposite or sister word of the text and what to put in its place, or None.

    names, numbers: what else could stand there, best of the same paragraph: a stranger would be known for one.
    """
    ways: list[tuple[float, Change]] = []
    for match in NAME.finditer(text):
        name = match.group()
        others = [n for n in names if n not in text and name not in n and n not in name]
        alike = [n for n in others if n.count(" ") == name.count(" ")] or others
        if alike:
            ways.append((2.0, (name, rng.choice(alike))))
    for match in NUMBER.finditer(text):
        number = match.group()
        others = [n for n in numbers if n not in text and len(n) == len(number)]
        ways.append((1.0, (number, rng.choice(others) if others and rng.random() < 0.6 else other_number(number, rng))))
    for match in WORD.finditer(text):
        word = match.group()
        if match.start() and word.lower() in OPPOSITE:
            ways.append((3.0, (word, rng.choice(OPPOSITE[word.lower()]))))
        if word in SISTER:
            ways.append((2.0, (word, rng.choice(SISTER[word]))))
    ways = [(weight, (old, new)) for weight, (old, new) in ways if old != new]
    if not ways:
        return None
    return rng.choices([change for _, change in ways], [weight for weight, _ in ways])[0]


def other_number(number: str, rng: random.Random) -> str:
    """Return a number of the same length: one digit, not the first, is another."""
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    place = rng.choice(digits[1:] or digits)
    digit = rng.choice([d for d in "123456789" if d != number[place]])
    return number[:place] + digit + number[place + 1 :]


def replaced(text: str, change: Change) -> str:
    """Return the text with the words changed wherever they stand as words."""
    old, new = change
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)


def denied(text: str, rng: random.Random) -> str | None:
    """Return the question with a "not" or a "never" put in, or taken out where it has one."""
    bare = re.sub(r"\b(?:not|never) |n[’']t\b", "", text, count=1)
    if bare != text:
        return bare
    found = AUXILIARY.search(text)
    if found is None:
        return None
    rest = text[found.end() :]
    way = rng.random()
    if way < 0.35:
        return text[: found.end()] + "n't" + rest
    if way < 0.7 and rest.count(" ") > 2:
        # "What did the town not build?" rather than "What did not the town build?"
        words = rest.split(" ")
        place = rng.randint(2, min(4, len(words) - 1))
        return text[: found.end()] + " ".join([*words[:place], rng.choice(["not", "never"]), *words[place:]])
    return text[: found.end()] + " " + rng.choice(["not", "never"]) + rest


def conditioned(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Return the question with the end ("in 1967", "after the war") of another instead of, or after, its own."""
    tails = [tail.group() for other in others if other != text and (tail := TAIL.search(other))]
    tails = [tail for tail in tails if tail not in text]
    if not tails:
        return None
    mark = "?" if text.rstrip().endswith("?") else ""
    text = text.rstrip().rstrip("?").rstrip()
    own = TAIL.search(text)
    kept = text[: own.start()] if own and rng.random() < 0.7 else text
    return kept + rng.choice(tails) + mark


def spliced(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Return the beginning of the question joined to the end of another at a word both have ("the", "of", "was")."""
    mine = text.split()
    ways = []
    for other in others:
        theirs = other.split()
        if theirs[0].lower() != mine[0].lower():
            continue  # what begins alike stays a sentence when it is joined
        for i in range(2, len(mine) - 1):
            if mine[i].lower() not in FUNCTION:
                continue
            for j in range(1, len(theirs) - 1):
                if theirs[j].lower() != mine[i].lower():
                    continue
                kept = {w for w in mine[:i] if w.lower() not in FUNCTION}
                lost = {w for w in mine[i:] if w.lower() not in FUNCTION}
                came = {w for w in theirs[j:] if w.lower() not in FUNCTION}
                if kept and lost and came and not came & lost:
                    ways.append(" ".join(mine[:i] + theirs[j:]))
    return rng.choice(ways) if ways else None


def trap(
    text: str, *, names: Sequence[str], numbers: Sequence[str], near: Sequence[str], rng: random.Random
) -> str | None:
    """Return the question changed in one of the ways people use, or None where none of three tries does.

    names, numbers: those of the same paragraph, or of the article where it has too few.
    near: other questions on the same paragraph or its neighbours.
    """

    def word() -> str | None:
        change = changed_word(text, names, numbers, rng)
        return replaced(text, change) if change else None

    ways: list[tuple[float, Callable[[], str | None]]] = [
        (0.54, word),
        (0.12, lambda: denied(text, rng)),
        (0.14, lambda: conditioned(text, near, rng)),
        (0.20, lambda: spliced(text, near, rng)),
    ]
    for _ in range(3):
        way = rng.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
        found = way()
        if found is not None and found != text:
            return found
    return None


def without_span(text: str, start: int, end: int) -> str:
    """Return the sentence without its short answer, and without the words that led to it ("in 1990", "by the king")."""
    before = re.sub(
        r"(?:,|\b(?:in|on|at|by|for|from|to|of|with|about|during|since|the|a|an|as|around|than))\s*$",
        "",
        text[:start].rstrip(),
    )
    before = re.sub(r"\b(?:in|on|at|by|for|from|to|of|with|as)\s*$", "", before.rstrip())
    return re.sub(r"\s+([,.;:?!])", r"\1", f"{before.rstrip()} {text[end:].lstrip()}").strip()
