"""What somebody typed comes in; why it asks nothing of an article goes out.

Thanks, a lone small word, a wish for a summary: each would be searched for like a question, and answered with whatever
happens to look most like it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.dialogue import STOP_WORDS

# Each of these says something only to whoever is spoken to...
_GREETS = frozenset(
    """
    thanks thank thx ty cheers hello hi hey hiya howdy bye goodbye ok okay alright great cool nice perfect awesome
    excellent wow sorry lol haha please yes yeah yep no nope
    """.split()
)
# ... and so does one of these beside it; without it they may be a question ("Is there a lot?").
_BESIDE = frozenset("you very much many so a lot there good morning afternoon evening night fine".split())
_GREETING = re.compile(r"^\W*good (?:morning|afternoon|evening|night)\W*$", re.I)
_WANTS_SUMMARY = re.compile(
    r"^\W*(?:(?:please|can|could|would|will|you|just|quickly|briefly)\b\W*)*"
    r"(?:(?:give|write|make|show|get|tell|provide)\s+(?:me|us)?\s*|i\s+(?:want|need|would like)\s+)?"
    r"(?:(?:a|an|the|me|short|brief|quick|one-sentence)\b\W*)*"
    r"(?:summar(?:y|ise|ize)|sum\s+(?:it|this|that|the\s+\w+)?\s*up|tl\W?\s?dr|gist|overview|(?:key|main)\s+points|in\s+short)"
    r"(?:\W+(?:please|of|for|this|that|it|the|me|in|a|one|two|three|few|short|brief|sentences?|words?|article|story|text"
    r"|passage|report))*\W*$",
    re.I,
)


def complaint(words: Sequence[str], text: str, *, alone: bool) -> str | None:
    """Return why this asks nothing, for people, or None.

    words: those of the text as they are written; at least one. alone: no turn stands before it, which it could go on
    from ("Who?").
    """
    plain = [word.lower().replace("’", "'") for word in words]
    if ((_GREETS | _BESIDE).issuperset(plain) and not _GREETS.isdisjoint(plain)) or _GREETING.match(text):
        return "There is no question in that. Type one about the article."
    if alone and len(plain) == 1 and (plain[0] in STOP_WORDS or (len(plain[0]) == 1 and plain[0].isalpha())):
        return f"“{words[0]}” alone says too little. Add what it is about."
    if _WANTS_SUMMARY.match(text):
        return "Only sentences of the article are shown here, and no summary is written. Ask for something in it."
    return None
