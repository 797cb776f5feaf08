"""A Reading comes in; the probability that its first sentence is right goes out, with the threshold for answering.

A reader's relevances are sharper or flatter than they should be. A Calibration is a logistic regression over a few
named features of the reading, fitted on validation questions; its coefficients lie beside the reader's weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.errors import ModelNotFound
from qa.reader import Reading

CALIBRATION_FILE = Path(__file__).parent / "weights" / "calibration.json"
LIBRARY = "library"  # under a reader's calibration: the one for several articles read at once
LOGIT_LIMIT = 12.0  # beyond this a probability is 0 or 1 to any reader of it, and a logarithm would run away


def features(reading: Reading, *, mentioned_share: float = 1.0) -> dict[str, float]:
    """Return what a calibration may look at, by name; every value is finite, also for an empty reading.

    mentioned_share: 0 to 1, the share of the question's content words that the article mentions (1 for no words).
    """
    best = [sentence.relevance for sentence in reading.sentences[:2]] + [0.0, 0.0]
    top = reading.sentences[0].candidate if reading.sentences else None
    log_sentences = math.log(max(len(reading.sentences), 1))
    shares = [sentence.relevance for sentence in reading.sentences] + [reading.none]
    return {
        "top_logit": _logit(best[0]),
        "none_logit": _logit(reading.none),
        "top_over_second": _log_ratio(best[0], best[1]),
        "top_over_none": _log_ratio(best[0], reading.none),
        "entropy": -sum(share * math.log(share) for share in shares if share > 0),
        "cosine": top.cosine if top else 0.0,
        "best_cosine": max((sentence.candidate.cosine for sentence in reading.sentences), default=0.0),
        "fused": top.fused if top else 0.0,
        "log_bm25": math.log1p(max(top.bm25, 0.0)) if top else 0.0,
        "log_rank": math.log(top.rank) if top else 0.0,
        "log_dense_rank": math.log(top.dense_rank) if top else 0.0,
        "log_bm25_rank": math.log(top.bm25_rank) if top else 0.0,
        "span_logit": _logit(reading.sentences[0].span_relevance or 0.5) if reading.sentences else 0.0,
        "log_sentences": log_sentences,
        # To be far ahead of three sentences says less than to be far ahead of three hundred.
        "top_logit_in_length": _logit(best[0]) * log_sentences,
        "cosine_in_length": (top.cosine if top else 0.0) * log_sentences,
        "none_logit_in_length": _logit(reading.none) * log_sentences,
        # Rare words of the question in one place of a long article say more than in a paragraph that is about them.
        "log_bm25_in_length": (math.log1p(max(top.bm25, 0.0)) if top else 0.0) * log_sentences,
        # Its few words say less, so that what the reader makes of it deserves another trust.
        "follow_up": float(reading.follow_up),
        "top_logit_of_follow_up": _logit(best[0]) * reading.follow_up,
        "mentioned_share": mentioned_share,
    }


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a reading into a probability that means what it says."""

    reader: str  # the name of the reader it was fitted for
    intercept: float
    coefficients: Mapping[str, float] = field(default_factory=dict)  # by the names that `features` gives
    threshold: float = 0.5  # the least probability at which the program answers
    fitted_on: str = "nothing: a guess"  # the questions, in words

    def confidence(self, reading: Reading, *, mentioned_share: float = 1.0) -> float:
        """Return the probability, 0 to 1, that the reading's first sentence answers; 0 when there is no sentence."""
        if not reading.sentences:
            return 0.0
        seen = features(reading, mentioned_share=mentioned_share)
        return _sigmoid(self.intercept + sum(weight * seen[name] for name, weight in self.coefficients.items()))


# Used until a file says otherwise: a bare softmax is overconfident, so half its logit.
UNFITTED = Calibration(reader="any", intercept=0.0, coefficients={"top_logit": 0.5})


def load_calibration(reader: str, path: Path = CALIBRATION_FILE, *, library: bool = False) -> Calibration:
    """Return the calibration filed for the reader of that name; the unfitted one when there is none.

    library: the one for several articles read at once, where one is filed; else that of a single article.
    Raises ModelNotFound when the file is there but cannot be used.
    """
    if not path.exists():
        return UNFITTED
    try:
        entry = json.loads(path.read_text(encoding="utf-8")).get(reader)
        if library and entry is not None:
            entry = entry.get(LIBRARY, entry)
        return UNFITTED if entry is None else _calibration(reader, entry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelNotFound(f"{path} is damaged ({error!r}). Install article-qa again.") from error


def save_calibration(calibration: Calibration, path: Path = CALIBRATION_FILE, *, library: bool = False) -> None:
    """Write the calibration into the file, beside those of other readers.

    library: as the one for several articles read at once, beside that of a single article, which must be there.
    A new calibration of a single article takes away that for libraries: it was fitted on what the former reader said.
    """
    filed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entry = {
        "intercept": calibration.intercept,
        "coefficients": dict(calibration.coefficients),
        "threshold": calibration.threshold,
        "fitted_on": calibration.fitted_on,
    }
    if library:
        filed[calibration.reader][LIBRARY] = entry
    else:
        filed[calibration.reader] = entry
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(filed, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _calibration(reader: str, entry: Mapping[str, Any]) -> Calibration:
    coefficients = {str(name): float(value) for name, value in entry["coefficients"].items()}
    unknown = coefficients.keys() - features(Reading((), none=1.0, read=0)).keys()
    if unknown:
        raise ValueError(f"no feature is called {', '.join(sorted(unknown))}")
    threshold = float(entry["threshold"])
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is {threshold}, wanted 0 to 1")
    return Calibration(reader, float(entry["intercept"]), coefficients, threshold, str(entry.get("fitted_on", "")))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else 1 - 1 / (1 + math.exp(value))


def _logit(probability: float) -> float:
    return _log_ratio(probability, 1 - probability)


def _log_ratio(above: float, below: float) -> float:
    floor = math.exp(-LOGIT_LIMIT)
    ratio = math.log(max(above, floor)) - math.log(max(below, floor))
    return min(max(ratio, -LOGIT_LIMIT), LOGIT_LIMIT)
