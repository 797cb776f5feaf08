"""A question and the turns before it come in; what to search for goes out, and which turns the reader should see.

Pure string work. A question that stands alone is left as it is: earlier turns could only mislead the search. One that
leans on what was said ("Did he survive?", "And when?", "What happened next?") is searched for together with the words
it leans on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

TURNS_SHOWN = 2  # older turns crowd out the article in the reader's window and rarely hold what a pronoun means
ANSWER_WORDS = 25  # an earlier answer may be a whole paragraph; its first words say what it was about

# Words that say nothing of what is asked about. "no" and "not" are missing on purpose: they change the answer.
STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are aren't as at be because been before being but by can can't could
    couldn't did didn't do does doesn't doing don't during each else ever exactly for from further get gets got had
    hadn't has hasn't have haven't having he her here hers herself him himself his how i if in into is isn't it it's
    its itself just let's long many may me might more most much must my myself nor now of off on once only or other
    our ours out over own please really said say says shall she should shouldn't so some such tell than that that's
    the their theirs them themselves then there these they this those through to too under until up upon us very was
    wasn't we were weren't what what's when where which while who who's whom whose why will with won't would
    wouldn't you your yours yourself article text story passage according
    """.split()
)
PERSON_PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
}  # fmt: skip
OTHER_PRONOUNS = frozenset("they them their theirs themselves it its itself".split())
REFLEXIVE = frozenset("himself herself itself themselves".split())
POSSESSIVE = frozenset(("his", "hers"))  # "her" is told apart by the word after it
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
# "it" that stands for nothing said before: "Is it true that ...", "How long did it take to ...", "Was it raining?"
_EMPTY_IT = re.compile(
    r"\bit\s+(?:true|possible|known|clear|likely|said|thought|believed|take|takes|took|costs?\s+to|rain\w*|snow\w*)\b",
    re.I,
)
# "Which one?", "Do the cheaper ones?" and "Is there one?", but neither "one of them" nor "How old must one be?"
_ONE = re.compile(
    r"\bones\b|\b(?:the|which|that|this|another) (?:[\w-]+ )?one\b(?! (?:of|thing|person|man|woman|who|that)\b)"
    r"|(?<!\bmust )(?<!\bcan )(?<!\bshould )(?<!\bmay )(?<!\bdoes )(?<!\bcould )(?<!\bwould )(?<!\bmight )(?<!\bdo )"
    r"\bone(?=\W*$| (?:is|was|are|were|did|does|do|has|had|that|who|which|in|on|from|at)\b)",
    re.I,
)
# "that" and "this" on their own point back; before a noun or a clause ("the man that", "that morning") they need not.
_POINTS_BACK = re.compile(
    r"\b(?:that|this|those|these)\s*\W*$"
    r"|^\W*(?:why|how|when|where|who|what|and|but|so)?\W*(?:is|was|were|are|did|does|do|has|had|will|would|could)"
    r"\s+(?:that|this|those|these)\s+(?:\w+\s*)?\W*$"
    r"|\b(?:after|before|since|besides|despite|during|because of|like|than|about|of|for|from)"
    r" (?:that|this|those|these)\b(?!\s+\w+\s+(?:who|which|that))",
    re.I,
)
_OPENING = re.compile(r"^\W*(?:(?:and|but|so|or|also|then)\b\W*)+", re.I)
_LEANS = re.compile(
    r"^\W*(?:what|how) about\b"
    r"|\b(?:who|what|where|when|how|why|anyone|anything|someone|something|nobody|nothing) else\b"
    r"|\b(?:there|the same|the other|another|both of|either of|neither of|the former|the latter|next|afterwards"
    r"|then|instead)\s*\W*$",
    re.I,
)
_BE = frozenset("is are was were isn't aren't wasn't weren't".split())
_AUXILIARY = _BE | frozenset(
    """
    do does did don't doesn't didn't has have had hasn't haven't hadn't can could can't couldn't will would won't
    wouldn't may might must shall should shouldn't
    """.split()
)
_DEMONSTRATIVE = frozenset("this that these those".split())
_ASKS_WHAT = frozenset("what which when where how".split())  # not "why": "Why was the driver?" lacks its end
_WHOLE_ARTICLE = frozenset("article story text passage".split())
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Dame|Lord|Lady|Sergeant|Sgt|Inspector|Detective|Constable|Judge|Captain)\.?"
_CAPITALISED = r"[A-Z][^\W\d_]+(?:['’\-][A-Z]?[^\W\d_]+)*"
_NAME = re.compile(rf"(?:{_TITLE}\s+)?{_CAPITALISED}(?:\s+(?:(?:de|van|von|der|al|bin|el|la)\s+)?{_CAPITALISED})*")
_CAPITALISED_WORD = re.compile(_CAPITALISED)
_BEFORE_A_PLACE = re.compile(
    r"\b(?:in|at|near|from|to|of|on|into|towards|around|outside|inside|through|across|via)\s+(?:the\s+)?$", re.I
)
_ASKS_FOR_A_PERSON = re.compile(r"\bwho(?:m|se|['’]s)?\b|\b(?:name of|called|named|(?:his|her) name)\b", re.I)
_ASKS_WHO_HE_IS = re.compile(
    r"\bwh(?:o|at)(?:['’]s|\s+is|\s+was)\s+(?P<pronoun>s?he(?=\W*$|\s+(?:called|named)\b)|(?:his|her)(?=\s+name\b))",
    re.I,
)
_MASCULINE = re.compile(r"^(?:Mr|Sir|Lord)\b")
_FEMININE = re.compile(r"^(?:Mrs|Ms|Miss|Dame|Lady)\b")


class Turn(NamedTuple):
    """An earlier question and what was answered."""

    question: str
    answer: str
    article: int | None = None  # where a library answered: the number of its article, with which a follow-up stays

    @property
    def pair(self) -> list[str]:
        """Return [question, answer], as files of questions have it."""
        return [self.question, self.answer]


@dataclass(frozen=True, slots=True)
class Understood:
    """A question in the light of what was said before it."""

    search: str  # what retrieval looks for
    shown: str  # the question as it was understood, for people
    turns: tuple[Turn, ...]  # the turns the reader should see, oldest first; empty when the question stands alone


def words_of(text: str) -> list[str]:
    """Return the words of `text` in order, as written; punctuation is left out."""
    return _WORD.findall(text)


def content_words(text: str) -> list[str]:
    """Return the words of `text` that say what it is about, as written, each once (whatever its capitals), in order."""
    seen: dict[str, str] = {}
    for word in words_of(text):
        plain = word.lower().replace("’", "'")
        plain = plain.removesuffix("'s")
        if plain not in STOP_WORDS and (len(plain) > 1 or plain.isdigit()):
            seen.setdefault(plain, word)
    return list(seen.values())


def leans_on_history(question: str) -> bool:
    """Whether the question can be expected to mean nothing without the turns before it.

    It leans when it has a pronoun or points back ("that", "there", "else"), when it begins with "what about", or with
    "and" and is no sentence ("And the driver?"), when no word says what it is about ("Why?"), or when only one does and
    the rest of the sentence is missing ("How many people?", "Did the mayor?"). "Is the inquest over?" is a whole
    sentence, and stands alone.
    """
    opening = _OPENING.match(question)
    if opening:
        rest = question[opening.end() :]
        return leans_on_history(rest) or not _is_clause(rest)
    # "Whom did Agnes blame but herself?" says itself who is meant.
    words = {word.lower() for word in words_of(question)} - REFLEXIVE
    if words & PERSON_PRONOUNS.keys():
        return True
    others = words & OTHER_PRONOUNS
    if others - {"it"} or ("it" in others and not _EMPTY_IT.search(question)):
        return True
    if _POINTS_BACK.search(question) or _ONE.search(question) or _LEANS.search(question):
        return True
    content = content_words(question)
    if len(content) == 1:
        return not (_is_name(content[0], question) or _is_whole_sentence(question, content[0]))
    return not content and not words & _WHOLE_ARTICLE


def _is_clause(question: str) -> bool:
    """Whether a question begins as a sentence does, and has a verb that can be told from the small words."""
    words = _plain_words(question)
    first = words[0] if words else ""
    asks = first in _AUXILIARY or first in _ASKS_WHAT or first == "why"
    return first == "who" or (asks and not _AUXILIARY.isdisjoint(words))


def _is_whole_sentence(question: str, content: str) -> bool:
    """Whether a question with one content word and no pronoun has all that a sentence needs.

    There is no parser here, so what cannot be told from the small words counts as incomplete.
    """
    words = _plain_words(question)
    if words[0] == "who":  # what follows can only be a verb: "Who died?", "Who was arrested?", "Who is the mayor?"
        return True
    if not _DEMONSTRATIVE.isdisjoint(words):
        return False
    if words[:2] == ["how", "many"] and words[-1].endswith("ed"):  # "How many died?"; no noun in the plural ends so
        return True
    verb = next((place for place, word in enumerate(words) if word in _AUXILIARY), None)
    if verb is None or not (verb == 0 or words[0] in _ASKS_WHAT):
        return False
    if words[verb] in _BE and (verb > 0 or "there" in words):  # "What was the verdict?", "Was there a petition?"
        return True
    return words[-1] != content.lower().replace("’", "'")  # "What did the mayor say?", not "What did the mayor?"


def _plain_words(question: str) -> list[str]:
    return [part for word in words_of(question) for part in _apart(word.lower().replace("’", "'"))]


def _apart(word: str) -> tuple[str, ...]:
    """Return "what's" as "what" and "is", any other word as it is."""
    first = word.removesuffix("'s")
    return (first, "is") if first != word and (first == "who" or first in _ASKS_WHAT) else (word,)


def understand(question: str, history: Sequence[Turn]) -> Understood:
    """Return the question in the light of `history` (oldest first). Never raises.

    A question without history, or one that stands alone, comes back unchanged in `search` and `shown`.
    """
    question = question.strip()
    if not history or not leans_on_history(question):
        return Understood(question, question, ())
    turns = tuple(history[-TURNS_SHOWN:])
    plain = _with_name(question, turns)
    context = _context(turns)
    asked = plain if plain is not None else question
    known = {word.lower() for word in words_of(asked)}
    search = " ".join([*(word for word in context if word.lower() not in known), asked])
    # Read aloud, "Did he survive? (after: ...)" says honestly that the program saw the turn before and guessed no name.
    shown = plain if plain is not None else f"{question} (after: {turns[-1].question.strip()})"
    return Understood(search, shown, turns)


def _context(turns: Sequence[Turn]) -> list[str]:
    """The content words of the last turn, and of the one before it where the last question leaned on that."""
    last = turns[-1]
    texts = [last.question, _beginning(last.answer)]
    if len(turns) > 1 and leans_on_history(last.question):
        texts = [turns[-2].question, *texts]
    return content_words(" ".join(texts))


def _beginning(text: str) -> str:
    return " ".join(text.split()[:ANSWER_WORDS])


def _with_name(question: str, turns: Sequence[Turn]) -> str | None:
    """The question with its one personal pronoun replaced by a name, or None where that would be a guess.

    It is a guess when the question has pronouns of two people or a name of its own, when the last turn that names
    anyone names two or has another person for the pronoun to mean ("Who stabbed him?", "Leon Hart"), or when the name's
    title contradicts the pronoun.
    """
    pronouns = [match for match in _WORD.finditer(question) if match.group().lower() in PERSON_PRONOUNS]
    kinds = {PERSON_PRONOUNS[match.group().lower()] for match in pronouns}
    if len(kinds) != 1 or _names(question, people_only=False):
        return None
    (kind,) = kinds
    for turn in reversed(turns):
        names = _names(turn.question, people_only=True)
        if _ASKS_FOR_A_PERSON.search(turn.question):
            names = _merged([*names, *_names(_beginning(turn.answer), people_only=True)])
            # One word is too little to be put for the pronoun, but it may be whom it means: "Novak", not Eastmoor.
            if names and _CAPITALISED_WORD.fullmatch(turn.answer.strip()):
                names = _merged([*names, turn.answer.strip()])
        if len(names) > 1 or (names and _means_another(turn.question, names[0], kind)):
            return None
        if names:
            wrong = _FEMININE if kind == "he" else _MASCULINE
            return None if wrong.search(names[0]) else _replaced(question, pronouns[0], names[0])
        # "he" in the turn before is the same "he" only when it named nobody else.
        if not {PERSON_PRONOUNS.get(word.lower()) for word in words_of(turn.question)} & {kind}:
            return None
    return None


def _replaced(question: str, pronoun: re.Match[str], name: str) -> str:
    if pronoun.group().lower().endswith("self"):
        return question
    if _is_possessive(pronoun):
        name += "’" if name.endswith("s") else "’s"
    return question[: pronoun.start()] + name + question[pronoun.end() :]


def _is_possessive(pronoun: re.Match[str]) -> bool:
    word, rest = pronoun.group().lower(), pronoun.string[pronoun.end() :]
    owns = word == "her" and re.match(r"\s+[^\W\d_]+", rest) is not None and not _FOLLOWS_AN_OBJECT.match(rest)
    return word in POSSESSIVE or owns


def _means_another(question: str, name: str, kind: str) -> bool:
    """Whether a question speaks, by such a pronoun, of somebody else than it names or was answered with.

    So it does in "Does Lund agree with him?", "Did he know Lund?" and "Who hit him?", but not in "Where was Lund when
    he fell?". After "Who is he?" another is meant by "she", and nobody else by "he".
    """
    named = question.find(name)
    asked = _ASKS_WHO_HE_IS.search(question)
    if named < 0 and asked:
        return PERSON_PRONOUNS[asked["pronoun"].lower()] != kind
    pronouns = (word for word in _WORD.finditer(question) if PERSON_PRONOUNS.get(word.group().lower()) == kind)
    return any(
        named < 0 or word.start() < named or word.group().lower() in ("him", "her")
        for word in pronouns
        if word.group().lower() not in REFLEXIVE and not _is_possessive(word)
    )


# After "her", these words begin something new, so "her" was the object: "Did they help her after the crash?"
_FOLLOWS_AN_OBJECT = re.compile(
    r"\s+(?:after|again|and|as|at|before|but|by|during|for|from|if|in|on|or|out|over|that|the|to|until|when|while|with)\b",
    re.I,
)


def _names(text: str, *, people_only: bool) -> list[str]:
    """Names in `text`, each once. A capitalised word that begins the text is a name only with a second one after it."""
    found = []
    for match in _NAME.finditer(text):
        name = match.group()
        start = match.start()
        first, _, rest = name.partition(" ")
        if not text[:start].strip(" \"'“‘(") or re.search(r"[.!?]\W*$", text[:start]):
            if first.lower() in STOP_WORDS:
                start, name = start + len(first) + 1, rest
            elif not rest:
                continue
        if not name or name.lower() in STOP_WORDS:
            continue
        if people_only and _BEFORE_A_PLACE.search(text[:start]):
            continue
        found.append(name)
    return _merged(found)


def _merged(names: Sequence[str]) -> list[str]:
    """Drop a name that is part of a longer one: "McCaskie" beside "Leon McCaskie"."""
    longest: list[str] = []
    for name in sorted(dict.fromkeys(names), key=len, reverse=True):
        if not any(set(name.split()) <= set(other.split()) for other in longest):
            longest.append(name)
    return longest


def _is_name(word: str, question: str) -> bool:
    at = question.find(word)
    return word[:1].isupper() and bool(question[:at].strip(" \"'“‘("))
