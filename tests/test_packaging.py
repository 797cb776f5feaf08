"""What is handed out: it names no place that is one machine's or one company's, and installs what was tried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".md", ".toml", ".txt", ".js", ".css", ".html", ".json", ".jsonl", ""}
FOLDERS = ("index", "library", "cluster", "qa", "ui", "training", "benchmarks", "eval", "tests", "docs", ".ci")


def texts() -> dict[str, str]:
    """The text files of the project by name."""
    paths = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file() and path.suffix in SUFFIXES and "__pycache__" not in path.parts
    }


def test_where_packages_come_from_is_left_to_the_settings_of_whoever_installs():
    hosts = re.compile(r"pypi\.(?:org|io)|pythonhosted\.|download\.pytorch\.|--(?:extra-)?index-url")
    assert [name for name, text in texts().items() if name != "tests/test_packaging.py" and hosts.search(text)] == []


def test_no_file_names_a_folder_of_one_machine():
    folders = re.compile(r"(?<![\w.~$}*-])/(?:root|Users|work|mnt)/\w")
    assert [name for name, text in texts().items() if folders.search(text)] == []


def test_every_package_that_is_asked_for_has_the_exact_version_that_was_tried():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]  # `make` installs these
    asked = [*project["dependencies"], *extras["web"], *extras["documents"], *extras["cluster"], *extras["dev"]]
    asked = [line for line in asked if "python_version <" not in line]
    names = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in asked}
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    assert names - {name.lower().replace("_", "-") for name in pinned} == {project["name"]}


def test_the_questions_that_eval_asks_by_itself_are_installed_with_it():
    tomllib = pytest.importorskip("tomllib")
    files = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["data-files"]
    assert files == {"share/article-qa": ["eval/questions.jsonl"]}  # where qa.evaluation_commands looks for them
