"""An evaluation under way comes in; a folder that records it, and the Run read back from such a folder, go out.

    RUN/outcomes.jsonl   one line a question, written and flushed as soon as it is answered
    RUN/articles.jsonl   the articles, so that a report can show passages without the files
    RUN/run.json         settings, fingerprints of models, articles and questions, versions, threads, start and end
    RUN/summary.json     the figures (written by `qa.report` when the last question is done)

An interrupted run is taken up where it stopped; a half-written last line is asked again. A run that is kept, such as a
baseline under version control, may have its outcomes packed with gzip; it is read all the same.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.article import Article
from index.errors import UserError, kind_of
from qa.evaluate import CANDIDATE_FIELDS, Outcome, evaluate, outcome_from_json
from qa.questions import QuestionSet
from qa.statistics import SEED

if TYPE_CHECKING:
    from qa.answer import Answerer

FORMAT = 1
PACKED = "outcomes.jsonl.gz"
_AGAIN = "run the evaluation again into another folder"
FILES = ("outcomes.jsonl", PACKED, "articles.jsonl", "run.json", "summary.json")
LIBRARIES = (
    "article-qa",
    "sentence-transformers",
    "transformers",
    "torch",
    "onnxruntime",
    "tokenizers",
    "faiss-cpu",
    "bm25s",
    "PyStemmer",
    "sentencex",
    "numpy",
    "scipy",
    "ir_measures",
)
Progress = Callable[[Outcome], None]


class BadRun(UserError):
    """A run folder cannot be read, taken up again or overwritten."""


class UnwritableFolder(UserError):
    """A folder cannot be written into, or holds what would be overwritten."""


@dataclass(frozen=True, slots=True)
class Run:
    """A set of questions asked once, with everything needed to report it or to compare it."""

    name: str
    outcomes: tuple[Outcome, ...]  # in the order of the questions
    articles: Mapping[str, Article]
    questions_fingerprint: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # what was chosen: model, reader, threshold, ...
    info: Mapping[str, Any] = field(default_factory=dict)  # the rest of run.json
    left_out: Mapping[str, int] = field(default_factory=dict)  # why -> how many questions were not asked

    @property
    def seed(self) -> int:
        """What every bootstrap and permutation of this run's report is drawn with."""
        return int(self.info.get("seed", SEED))


def run_questions(
    question_set: QuestionSet,
    open_answerer: Callable[[Article], Answerer],
    *,
    folder: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    seed: int = SEED,
) -> Run:
    """Ask every question and return the Run; with a folder, record it there as it goes.

    `settings` is what was chosen, in values JSON can hold: two runs are told apart by it. `progress` is called after
    each question. With `resume`, the questions the folder already holds are not asked again.

    Raises:
        BadRun: when the folder holds another run, one of other models, or any and `resume` is False.
        UnwritableFolder: when it cannot be written into, from the start or any more.
    """
    settings = dict(settings or {})
    fingerprint = question_set.fingerprint
    done: dict[str, Outcome] = {}
    info: dict[str, Any] = {}
    if folder is not None:
        info, done = _take_up(folder, settings, fingerprint, question_set, resume=resume)
    info = describe_run(question_set, settings, models=info.get("models", {}), seed=seed) | {
        "started": info.get("started", _now()),
        "ended": None,
        "resumed": [*info.get("resumed", []), _now()] if done else [],
        "cold_start_ms": info.get("cold_start_ms"),
    }

    changed: list[str] = []

    def opening(article: Article) -> Answerer:
        answerer = open_answerer(article)
        models = describe_models(answerer)
        if not info["models"]:
            info["models"] = models
            _write_info(folder, info)
        changed.extend(name for name in models if models[name] != info["models"].get(name))
        return answerer

    sink = None
    if folder is not None:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _write_articles(folder, question_set.articles.values())
            _write_info(folder, info)
            sink = (folder / "outcomes.jsonl").open("a", encoding="utf-8", newline="\n")
    asked: dict[str, Outcome] = {}
    try:
        for outcome in evaluate(question_set, opening, skip=done.keys()):
            if changed:  # half a run by one model and half by another would be the score of neither
                raise BadRun(f"{folder} was begun with another {changed[0]}; run it again into another folder")
            if info["cold_start_ms"] is None and outcome.error is None:
                info["cold_start_ms"] = outcome.ms.get("open", 0.0) + outcome.ms.get("total", 0.0)
            if sink is not None:
                with writing(folder):
                    sink.write(json.dumps(outcome.to_json(), ensure_ascii=False) + "\n")
                    sink.flush()
            asked[outcome.id] = outcome
            if progress is not None:
                progress(outcome)
    finally:
        if sink is not None:
            with writing(folder):  # closing writes again what could not be written
                sink.close()
    info["ended"] = _now()
    with writing(folder):
        _write_info(folder, info)
    outcomes = done | asked
    return Run(
        name=folder.name if folder is not None else "this run",
        outcomes=tuple(outcomes[question.id] for question in question_set.questions),
        articles=question_set.articles,
        questions_fingerprint=fingerprint,
        settings=settings,
        info=info,
        left_out=question_set.left_out,
    )


def describe_run(
    question_set: QuestionSet, settings: Mapping[str, Any], *, models: Mapping[str, Any], seed: int = SEED
) -> dict[str, Any]:
    """Return what run.json says of a run that has begun and ended now."""
    return {
        "format": FORMAT,
        "settings": dict(settings),
        "questions": {
            "source": question_set.source,
            "sha256": question_set.fingerprint,
            "n": len(question_set.questions),
        },
        "left_out": dict(question_set.left_out),
        "candidate_fields": list(CANDIDATE_FIELDS),
        "seed": seed,
        "versions": dict(versions()),
        "code_sha256": code_fingerprint(),
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
        },
        "threads": {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ},
        "models": dict(models),
        "started": _now(),
        "ended": _now(),
        "resumed": [],
        "cold_start_ms": None,
    }


def write_run(run: Run, folder: Path) -> None:
    """Record a run that is complete already. Raises BadRun when there is anything in the folder, UnwritableFolder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRun(f"{folder} is not empty; name another folder, so that nothing of it is lost")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_articles(folder, run.articles.values())
        lines = [json.dumps(outcome.to_json(), ensure_ascii=False) + "\n" for outcome in run.outcomes]
        replace_text(folder / "outcomes.jsonl", "".join(lines))
        _write_info(folder, run.info)


def read_run(folder: str | Path) -> Run:
    """Return the Run recorded in a folder, whether or not it was finished.

    Raises:
        BadRun: when there is none, or it was written by a newer version or damaged.
    """
    folder = Path(folder)
    info = read_info(folder)
    if info is None:
        raise BadRun(f"{folder} is not a run: it has no run.json. Make one with: article-qa eval --run {folder}")
    outcomes, _ = _read_outcomes(folder)
    if not outcomes:
        raise BadRun(f"{folder} has no outcome yet. Go on with: article-qa eval --run {folder} --resume")
    articles = _read_articles(folder / "articles.jsonl")
    if not {outcome.article for outcome in outcomes} <= articles.keys():
        raise BadRun(f"{folder}/articles.jsonl lacks an article that was asked; {_AGAIN}")
    return Run(
        name=folder.name,
        outcomes=tuple(outcomes),
        articles=articles,
        questions_fingerprint=info["questions"]["sha256"],
        settings=info["settings"],
        info=info,
        left_out=info["left_out"],
    )


def _read_articles(path: Path) -> dict[str, Article]:
    """The articles in a file, by fingerprint. Raises BadRun."""
    articles: dict[str, Article] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                article = Article(**json.loads(line))
                if not all(isinstance(text, str) for text in (asdict(article) | {"date": article.date or ""}).values()):
                    raise TypeError("a field of an article is no text")
                articles[article.fingerprint] = article
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadRun(f"{path} cannot be read: {error}. Run the evaluation again.") from None
    return articles


def recorded(folder: Path) -> int:
    """Return how many questions a run folder has the outcome of that no error kept; 0 when it is none."""
    try:
        with (folder / "outcomes.jsonl").open("rb") as lines:
            return sum(line.endswith(b"\n") and b'"error": null' in line for line in lines)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def unfinished(run: Run) -> int:
    """Return how many questions of a recorded run were not asked."""
    asked: int = run.info.get("questions", {}).get("n", len(run.outcomes))
    return asked - len(run.outcomes)


def describe_models(answerer: Answerer) -> dict[str, Any]:
    """Return the names and fingerprints of whatever decides an answer, so that a changed weight is seen in run.json."""
    # Only the trained reader has settings.
    sizes = getattr(answerer.reader, "settings", None)
    chosen = {}
    if sizes is not None:
        chosen = {
            "window_pieces": sizes.window_pieces, "most_pieces": sizes.most_pieces,
            "again_windows": sizes.again_windows, "again_pieces": sizes.again_pieces,
            "digest_sentences": sizes.digest_sentences, "digest_pieces": sizes.digest_pieces,
            "weights": dict(sizes.weights), "follow_up": dict(sizes.follow_up),
        }  # fmt: skip
    return {
        "encoder": {"name": answerer.encoder.name, "sha256": answerer.encoder.fingerprint},
        "reader": {"name": answerer.reader.name, "sha256": answerer.reader.fingerprint, **chosen},
        "sentences": answerer.article_index.manifest.splitter,
        "dense_weight": answerer.dense_weight,
        "calibration": {
            "reader": answerer.calibration.reader,
            "intercept": answerer.calibration.intercept,
            "coefficients": dict(answerer.calibration.coefficients),
            "min_confidence": answerer.min_confidence,
        },
    }


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 of the source of both packages: the version alone does not change from commit to commit."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*(root / "index").glob("*.py"), *(root / "qa").glob("*.py")]):
        digest.update(path.name.encode("utf-8") + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def versions() -> Mapping[str, str]:
    """Return the installed version of each library that can move a figure; those not installed are left out."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _take_up(
    folder: Path, settings: Mapping[str, Any], fingerprint: str, question_set: QuestionSet, *, resume: bool
) -> tuple[dict[str, Any], dict[str, Outcome]]:
    """Return run.json and the outcomes that are already there; cut off a half-written last line."""
    info = read_info(folder)
    if info is None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadRun(f"{folder} exists and is not a run; name another folder, so that nothing of it is lost")
        return {}, {}
    if not resume:
        raise BadRun(f"{folder} already holds a run; add --resume to go on with it, or name another folder")
    if info["questions"]["sha256"] != fingerprint:
        raise BadRun(f"{folder} holds a run over other questions; name another folder, or give the same questions")
    changed = changed_settings(info["settings"], settings)
    if changed:
        raise BadRun(f"{folder} was run with another {', '.join(changed)}; give the same, or name another folder")
    if info.get("code_sha256") != code_fingerprint():
        raise BadRun(f"{folder} was begun by another version of the program; name another folder")
    if (folder / PACKED).exists():
        raise BadRun(f"{folder} is packed; unpack it with: gunzip {folder / PACKED}")
    outcomes, good_bytes = _read_outcomes(folder)
    if good_bytes is not None:
        os.truncate(folder / "outcomes.jsonl", good_bytes)
    known = {question.id for question in question_set.questions}
    kept = [outcome for outcome in outcomes if outcome.id in known and outcome.error is None]
    if len(kept) < len(outcomes):  # what ended in an error is asked again, and must not stand there twice
        written = "".join(json.dumps(outcome.to_json(), ensure_ascii=False) + "\n" for outcome in kept)
        replace_text(folder / "outcomes.jsonl", written)
    return info, {outcome.id: outcome for outcome in kept}


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names, sorted, of the settings that differ; one that an earlier version did not know was None."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _read_outcomes(folder: Path) -> tuple[list[Outcome], int | None]:
    """Return the whole lines of outcomes.jsonl, and how many bytes they fill where a torn line follows them."""
    packed = (folder / PACKED).exists()
    path = folder / (PACKED if packed else "outcomes.jsonl")
    outcomes: list[Outcome] = []
    asked: set[str] = set()
    good_bytes = 0
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return outcomes, good_bytes  # the run was killed while this line was written
                try:
                    outcome = outcome_from_json(json.loads(line))
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise BadRun(f"{path}:{number}: this is not an outcome ({error!r}); {_AGAIN}") from None
                if not _is_whole(outcome):
                    raise BadRun(f"{path}:{number}: a field of this outcome is of another type; {_AGAIN}")
                if outcome.id in asked:  # as when two runs went on in one folder at once
                    raise BadRun(f"{path}:{number}: a second outcome of {outcome.id!r}; {_AGAIN}")
                asked.add(outcome.id)
                outcomes.append(outcome)
                good_bytes += len(line)
    except FileNotFoundError:
        return [], None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadRun(f"{path} cannot be unpacked: {error}. Run the evaluation again into another folder.") from None
    return outcomes, None


def _is_whole(outcome: Outcome) -> bool:
    """Whether what reports are made of is of the types that were written: somebody may have edited the file."""
    texts = (outcome.id, outcome.question, outcome.kind, outcome.article, outcome.span_text, *outcome.answers)
    ranges = (*outcome.places, *outcome.gold, outcome.sentence or (0, 0), outcome.span or (0, 0))
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(outcome.ms, dict)
        and all(isinstance(number, int | float) for number in (outcome.confidence, *outcome.ms.values()))
        and all(len(pair) == 2 and all(isinstance(offset, int) for offset in pair) for pair in ranges)
    )


def read_info(folder: Path) -> dict[str, Any] | None:
    """Return what a folder's run.json says of its run, None where there is none. Raises BadRun for a damaged one."""
    path = folder / "run.json"
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise BadRun(f"{path} cannot be read: {error}. Run the evaluation again into another folder.") from None
    if not isinstance(info, dict):
        raise BadRun(f"{path} holds {kind_of(info)} where an object was wanted. Run the evaluation again.")
    if info.get("format") != FORMAT:
        raise BadRun(f"{path} has format {info.get('format')!r}, this version reads {FORMAT}; upgrade, or run it again")
    questions = info.get("questions")
    if not isinstance(questions, dict) or "sha256" not in questions or not {"settings", "left_out"} <= info.keys():
        raise BadRun(f"{path} lacks what it should say of the questions and settings. Run the evaluation again.")
    if not _is_sound(info):
        raise BadRun(f"{path} holds a field of another type than was written. Run the evaluation again.")
    return info


def _is_sound(info: Mapping[str, Any]) -> bool:
    """Whether what is done with run.json can be done; a field that an earlier version did not write is not missed."""
    counts = (info["questions"].get("n", 0), info.get("seed", SEED))
    return (
        all(isinstance(info.get(name, {}), dict) for name in ("settings", "left_out", "models"))
        and isinstance(info.get("resumed", []), list)
        and isinstance(info.get("cold_start_ms"), int | float | None)
        and all(isinstance(count, int) and count >= 0 for count in (*counts, *info["left_out"].values()))
    )


def _write_info(folder: Path | None, info: Mapping[str, Any]) -> None:
    if folder is not None:
        replace_text(folder / "run.json", json.dumps(info, ensure_ascii=False, indent=2) + "\n")


def _write_articles(folder: Path, articles: Iterable[Article]) -> None:
    lines = [json.dumps(asdict(article), ensure_ascii=False) + "\n" for article in articles]
    replace_text(folder / "articles.jsonl", "".join(lines))


@contextmanager
def writing(folder: Path | None) -> Iterator[None]:
    """Make what the system refuses while a folder is written, as on a full disk, an UnwritableFolder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UnwritableFolder(
            f"{folder} cannot be written: {reason}. Free some space, or name another folder."
        ) from None


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a kill at any moment leaves the old text or the new one, never half of it."""
    suffix = hashlib.sha256(f"{path}{os.getpid()}".encode()).hexdigest()[:8]
    temporary = path.with_name(f".{path.name}.{suffix}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except BaseException:  # a full disk, most likely, and half a text is room taken for nothing
        temporary.unlink(missing_ok=True)
        raise


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
