"""A table of settings comes in; every combination is run once, and one table of what each is worth goes out.

questions = "eval/questions.jsonl"   # or: squad = "newsqa.json"; beside the file, as is `article`
limit = 200                          # ask so many of them, evenly spread over the file; without it, all
measure = "right"                    # the table is sorted by it
folder = "runs/sweep"                # a run folder per combination; what is there already is not run again

[settings]                           # any argument of `open_answerer`: a value, or a list of values to try
reader = ["trained", "fused"]
window_pieces = [96, 160]            # a setting of the trained reader: "fused" is run once, without it
min_confidence = [0.3, 0.5, 0.7]
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.article import Article
from index.errors import UserError
from qa.questions import QuestionSet
from qa.run import Run, read_info, read_run, recorded, run_questions, unfinished
from qa.summary import BY_NAME, Summary, summarise

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from qa.answer import Answerer

KNOWN = {"questions", "squad", "paragraph", "article", "limit", "measure", "folder", "settings"}
OF_THE_TRAINED_READER = {"window_pieces", "most_pieces"}
NOT_SETTINGS = {"article", "cache", "keep", "progress"}  # arguments of open_answerer that change no answer


class BadSweep(UserError):
    """A sweep file cannot be read."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep file says; paths are absolute."""

    settings: tuple[Mapping[str, Any], ...]  # every combination
    measure: str
    folder: Path
    questions: Path | None
    squad: Path | None
    paragraph: bool
    article: str | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Swept:
    """One combination and what it is worth."""

    settings: Mapping[str, Any]
    summary: Summary
    ms: float  # median milliseconds a question
    again: bool  # whether it had been run before

    @property
    def label(self) -> str:
        """The settings, in words."""
        return _told(self.settings)


def _told(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "as it is"


def read_sweep(path: Path, *, allowed: set[str]) -> Sweep:
    """Return what a sweep file asks for. allowed: the names that may stand under [settings].

    Raises:
        BadSweep: when it is missing, is not TOML, or names something unknown.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSweep(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSweep(f"{path} cannot be read: {error}") from None
    unknown = sorted(set(data) - KNOWN)
    if unknown:
        raise BadSweep(f"{path}: unknown {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}")
    lists = data.get("settings", {})
    strange = sorted(set(lists) - allowed)
    if strange:
        raise BadSweep(f"{path}: no setting is called {strange[0]!r}; they are {', '.join(sorted(allowed))}")
    measure = data.get("measure", "right")
    if measure not in BY_NAME:
        raise BadSweep(f"{path}: no measure is called {measure!r}; they are {', '.join(BY_NAME)}")
    values = [value if isinstance(value, list) else [value] for value in lists.values()]
    if not all(values):
        raise BadSweep(f"{path}: a list under [settings] is empty; give it a value or leave it out")
    limit = data.get("limit")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise BadSweep(f"{path}: limit is {limit!r}; a whole number of questions from 1 on was wanted")
    here = path.resolve().parent
    article = data.get("article")
    return Sweep(
        settings=_combinations(lists, values),
        measure=measure,
        folder=here / data.get("folder", "runs/sweep"),
        questions=here / data["questions"] if "questions" in data else None,
        squad=here / data["squad"] if "squad" in data else None,
        paragraph=bool(data.get("paragraph", False)),
        article=str(here / article) if article and "://" not in article else article,
        limit=limit,
    )


def _combinations(names: Iterable[str], values: Sequence[Sequence[Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the cross product, without settings that a combination's reader has no use for; each but once."""
    found: dict[str, Mapping[str, Any]] = {}
    for chosen in itertools.product(*values):
        settings = dict(zip(names, chosen, strict=True))
        if settings.get("reader") == "fused":
            settings = {name: value for name, value in settings.items() if name not in OF_THE_TRAINED_READER}
        found.setdefault(json.dumps(settings, sort_keys=True, default=str), settings)
    return tuple(found.values())


def allowed_settings(open_answerer: Callable[..., object]) -> set[str]:
    """Return the names of the settings that `open_answerer` takes, so that a new one can be swept at once."""
    return set(inspect.signature(open_answerer).parameters) - NOT_SETTINGS


def run_sweep(
    sweep: Sweep,
    question_set: QuestionSet,
    opener: Callable[[Mapping[str, Any]], Callable[[Article], Answerer]],
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Swept]:
    """Run every combination that is not there yet and return all, the best first.

    opener: settings -> what opens an article with them. An interrupted combination is gone on with.
    """
    swept = []
    for number, settings in enumerate(sweep.settings, start=1):
        folder = sweep.folder / folder_name(settings)
        before = _recorded(folder, question_set)
        run = before or _run(
            folder,
            settings,
            question_set,
            opener(settings),
            progress,
            told=f"setting {number} of {len(sweep.settings)}",
        )
        if all(outcome.error is not None for outcome in run.outcomes):
            raise BadSweep(
                f"no question could be asked with {_told(settings)}: {run.outcomes[0].error}. Delete {folder}."
            )
        summary = summarise(run)
        median = summary.time.get("total", {}).get("median")
        milliseconds = median.value if median is not None and median.value is not None else 0.0
        swept.append(Swept(settings, summary, milliseconds, before is not None))
    lower = BY_NAME[sweep.measure].better == "lower"

    def worth(row: Swept) -> tuple[bool, float]:
        value = row.summary.everything[sweep.measure].value
        return (value is None, 0.0) if value is None else (False, value if lower else -value)

    return sorted(swept, key=worth)


def _recorded(folder: Path, question_set: QuestionSet) -> Run | None:
    """Return the run of a folder if it is finished and over these questions."""
    info = read_info(folder)
    if info is None or info.get("ended") is None or info["questions"]["sha256"] != question_set.fingerprint:
        return None
    run = read_run(folder)
    return None if unfinished(run) else run


def _run(
    folder: Path,
    settings: Mapping[str, Any],
    question_set: QuestionSet,
    open_answerer: Callable[[Article], Answerer],
    progress: Callable[[str, int, int], None] | None,
    *,
    told: str,
) -> Run:
    resume = (folder / "run.json").exists()
    asked = recorded(folder)

    def step(_: object) -> None:
        nonlocal asked
        asked += 1
        if progress is not None:
            progress(told, asked, len(question_set.questions))

    return run_questions(question_set, open_answerer, folder=folder, settings=settings, resume=resume, progress=step)


def folder_name(settings: Mapping[str, Any]) -> str:
    """Return a folder name that people can read and that no other combination has."""
    told = json.dumps(settings, sort_keys=True, default=str)
    words = "-".join(f"{name}-{value}" for name, value in settings.items())
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.")[:60] or "as-it-is"
    return f"{readable}-{hashlib.sha256(told.encode('utf-8')).hexdigest()[:6]}"
