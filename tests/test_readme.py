"""What the documents show is there: commands with their options, files, modules, make's targets and pictures."""

from __future__ import annotations

import functools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from qa.__main__ import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "eval/*.md", "training/*.md", "qa/weights/*.md")
    for path in sorted(ROOT.glob(pattern))
]
FOLDERS = ("index", "qa", "ui", "training", "benchmarks", "eval", "tests", "docs")
FILE_NAME = re.compile(r"[\w.-]+\.(?:py|md|toml|txt|svg|png)|LICENSE|Makefile")
PARSED = typer.main.get_command(cli)


@functools.cache
def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[str]:
    """The lines of the fenced blocks, without what a # explains."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text_of(document), re.M | re.S)
    return [re.sub(r"(?:^|\s)#.*", "", line) for block in fenced for line in block.splitlines()]


def spans(document: str) -> list[str]:
    """What stands in backticks in the running text; a line may end inside."""
    prose = re.sub(r"^```.*?^```", "", text_of(document), flags=re.M | re.S)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands(document: str, program: str) -> list[list[str]]:
    """The words after the program's name, wherever the document shows a command of it."""
    shown = [part for line in [*blocks(document), *spans(document)] for part in re.split(r"&&|\||;|- run:", line)]
    name = program.split()
    return [words[len(name) :] for part in shown if (words := words_of(part))[: len(name)] == name]


def words_of(line: str) -> list[str]:
    """As a shell would cut the line; none where it is no shell's."""
    try:
        return shlex.split(line)
    except ValueError:  # an apostrophe of a sentence
        return []


def complaint(command: Any, words: list[str]) -> str | None:
    """What the command line would say to these words, without doing what they ask."""
    context = command.context_class(command, info_name="article-qa")
    try:
        _, rest, _ = command.make_parser(context).parse_args(list(words))
    except Exception as error:  # typer carries a click of its own in some versions and uses the installed one in others
        return f"{' '.join(words)}: {error}"
    if not hasattr(command, "commands"):
        # `article-qa eval` alone names the command; with words of its own it must have all it needs.
        return f"{' '.join(words)}: too many words" if rest else None
    if rest and rest[0] not in command.commands:
        return f"no command {rest[0]}"
    return complaint(command.commands[rest[0]], rest[1:]) if rest else None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_shown_exists_with_its_options(document):
    shown = [*commands(document, "article-qa"), *commands(document, "python -m qa")]
    assert [wrong for words in shown if (wrong := complaint(PARSED, words))] == []


def test_every_command_stands_in_a_document():
    shown = {words[0] for document in DOCUMENTS for words in commands(document, "article-qa") if words}
    assert set(PARSED.commands) - shown <= {"cache"}  # the README names it beside `index`


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_script_shown_exists_with_its_options(document):
    wrong = []
    shown = [*commands(document, "python -m"), *commands(document, "python")]
    for name, *words in shown:
        folder = re.split(r"[./]", name)[0]
        if folder not in FOLDERS or folder == "qa":
            continue
        path = ROOT / (name if name.endswith(".py") else name.replace(".", "/") + ".py")
        files = [path] if path.exists() else sorted(path.with_suffix("").glob("*.py"))  # a package that is run
        if not files:
            wrong.append(name)
            continue
        source = "".join(file.read_text(encoding="utf-8") for file in files)
        wrong += [f"{name} {word}" for word in words if word.startswith("--") and f'"{word}"' not in source]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_named_exists(document):
    home = (ROOT / document).parent
    named = [span for span in spans(document) if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*", span)]
    if document == "README.md":
        named += [span for span in spans(document) if FILE_NAME.fullmatch(span)]
        named += re.findall(rf"\b(?:{'|'.join(FOLDERS)})/[\w./-]*", "\n".join(blocks(document)))
    assert [name for name in named if not (ROOT / name).exists() and not (home / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_picture_and_every_document_pointed_at_exists(document):
    home = (ROOT / document).parent
    pointed = re.findall(r"\]\(([^)\s]+)\)", text_of(document)) + re.findall(r'src="([^"]+)"', text_of(document))
    here = [target.partition("#")[0] for target in pointed if "://" not in target and not target.startswith("#")]
    assert [target for target in here if not (home / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_and_variable_of_make_exists(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    shown = [word for words in commands(document, "make") for word in words]
    assert {word for word in shown if "=" not in word} <= targets
    variables = {word.partition("=")[0] for word in shown if "=" in word}
    assert {name for name in variables if f"$({name})" not in makefile} == set()
