"""The program starts at once: what takes seconds to import is imported by the command that needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"torch", "transformers", "sentence_transformers", "gradio", "onnxruntime", "onnx", "faiss", "bm25s", "sklearn"}


def modules_after(code: str) -> set[str]:
    """The first parts of the names of all modules loaded in a fresh process after `code`, which may exit."""
    report = "import atexit, sys; atexit.register(lambda: print('LOADED', *sorted(sys.modules), file=sys.stderr))\n"
    ran = subprocess.run([sys.executable, "-c", report + code], capture_output=True, text=True, check=True)
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("LOADED"))
    return {name.partition(".")[0] for name in line.split()[1:]}


def test_importing_our_packages_loads_no_slow_library():
    assert modules_after("import index, qa, qa.batch, qa.doctor, qa.show") & SLOW == set()


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["eval", "--help"], ["cache", "list"]])
def test_a_command_that_answers_nothing_loads_no_slow_library(arguments):
    code = f"import sys; sys.argv = ['article-qa', *{arguments!r}]\nfrom qa.__main__ import main\nmain()"
    assert modules_after(code) & SLOW == set()
