"""The drawing in the README, kept true: each file is read with ast, nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("app", "ui", "qa", "cluster", "library", "index")  # a layer may import those to its right, never to its left
TOOLS = ("training", "benchmarks", "tests")  # nothing at run time imports these
# The one place of each library with an interface of its own, so that it can be replaced there.
ONLY_IN = {
    "faiss": {"index/faiss_store.py", "library/nearest.py"},
    "sqlite3": {"library/store.py", "library/check.py", "library/compact.py", "library/words.py"},
    "bm25s": {"index/terms.py"},
    "Stemmer": {"index/terms.py"},
    "sentencex": {"index/sentences.py"},
    "sentence_transformers": {"index/embeddings.py"},
    "torch": {"index/embeddings.py"},
    "transformers": {"index/embeddings.py"},
    "onnx": {"index/bert_graph.py", "index/embeddings.py"},
    "onnxruntime": {"index/bert_graph.py", "index/embeddings.py", "qa/trained_reader.py"},
    "gradio": {"app.py"},
    "ray": {"cluster/ray_nodes.py"},
    "typer": {
        "qa/__main__.py",
        "qa/cluster_commands.py",
        "qa/evaluation_commands.py",
        "qa/library_commands.py",
        "qa/options.py",
    },
}
# Each costs a command more time to import than `--help` may take in all.
SLOW = ("torch", "transformers", "sentence_transformers", "faiss", "bm25s", "onnxruntime", "onnx", "gradio", "ray")


@cache
def sources() -> tuple[Path, ...]:
    """Every file of the layers."""
    return tuple(
        path for layer in LAYERS for path in sorted([*ROOT.glob(f"{layer}.py"), *ROOT.glob(f"{layer}/**/*.py")])
    )


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """The first part of every imported name, wherever in the file the import stands; "." for a relative one."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]


def imports_at_start(path: Path) -> Iterator[str]:
    """The first part of every name that importing the file imports; not those for the type checker only."""
    pending: list[ast.stmt] = list(tree(path).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            pending.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def layer_of(path: Path) -> str:
    return path.stem if path.parent == ROOT else path.relative_to(ROOT).parts[0]


def test_a_layer_imports_only_those_to_its_right():
    wrong = []
    for path in sources():
        position = LAYERS.index(layer_of(path))
        # `article-qa serve` starts the app: the one arrow that points back, and only when that command runs.
        allowed_back = {"app"} if name_of(path) == "qa/__main__.py" else set()
        forbidden = {*LAYERS[:position], *TOOLS} - allowed_back
        wrong += [f"{name_of(path)} imports {name}" for name in imports(path) if name in forbidden]
    assert wrong == []


def test_the_command_line_imports_the_app_only_when_it_is_asked_to():
    assert "app" not in set(imports_at_start(ROOT / "qa" / "__main__.py"))


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_with_its_own_interface_is_imported_in_its_place_only(library):
    found = {name_of(path) for path in sources() if library in imports(path)}
    assert found <= ONLY_IN[library]


def test_slow_libraries_are_imported_by_the_call_that_needs_them():
    # Gradio's components are made when app.py is imported, which only `serve` does.
    wrong = [
        f"{name_of(path)} imports {name} at its start"
        for path in sources()
        for name in imports_at_start(path)
        if name in SLOW and name_of(path) != "app.py"
    ]
    assert wrong == []


def test_imports_are_written_in_full():
    assert [name_of(path) for path in sources() if "." in imports(path)] == []


def test_every_file_says_in_its_first_sentence_what_goes_in_and_out():
    tools = [path for folder in TOOLS for path in sorted((ROOT / folder).glob("*.py"))]
    said = {name_of(path): ast.get_docstring(tree(path)) or "" for path in (*sources(), *tools)}
    first = {name: re.split(r"\.(?:\s|$)", text)[0] for name, text in said.items()}
    assert [name for name, sentence in first.items() if not 0 < len(sentence) < 200] == []


def test_no_file_is_named_after_nothing():
    assert [name_of(path) for path in sources() if path.stem in {"utils", "helpers", "common", "base", "misc"}] == []


@pytest.mark.parametrize("package", ["index", "library", "cluster", "qa"])
def test_a_door_lists_what_it_offers_and_offers_what_it_lists(package):
    body = tree(ROOT / package / "__init__.py").body
    offered = {
        alias.name: node.module
        for part in body
        for node in ast.walk(part)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}.")
        for alias in node.names
    }
    at_once = {alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assigned = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"__all__", "_LATER"}
    }
    assert set(assigned["__all__"]) == set(offered)
    # What the type checker sees imported and the program imports on first use is the same.
    assert assigned.get("_LATER", {}) == {name: home for name, home in offered.items() if name not in at_once}


def test_saved_data_is_never_read_in_a_way_that_can_run_code():
    """pickle, and numpy or torch allowed to unpickle, would run whatever a stranger's index says."""
    wrong = []
    for path in sources():
        wrong += [
            f"{name_of(path)} imports {name}"
            for name in imports(path)
            if name in {"pickle", "marshal", "shelve", "joblib"}
        ]
        wrong += [
            f"{name_of(path)}:{node.value.lineno} allows pickle"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ]
    assert wrong == []
