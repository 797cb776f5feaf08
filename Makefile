# Two commands are enough: `make app` and `make test`. Both make .venv, install what they need and run; the second time they only run.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help app test check gate baseline format lint types fast lock browser clean

help:
	@echo "make app     install into .venv and open the app"
	@echo "make test    every test, with the real model and a real browser"
	@echo "make check   format, lint, types and the fast tests, in seconds"
	@echo "make gate    ask the project's own questions; fail when the answers are worse than the baseline"
	@echo "make lock    write constraints.txt anew from what is installed in .venv"
	@echo "make clean   remove .venv and everything that can be made again"

app: .venv/app.stamp
	$(BIN)/article-qa serve --port $(PORT)

test: .venv/dev.stamp browser
	$(BIN)/python -m pytest

check: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not model and not browser and not cluster"

# P-values are corrected for both; nDCG@10 notices a worse search that a good reader would hide in "right".
gate: .venv/dev.stamp
	$(BIN)/article-qa eval --baseline eval/baseline --fail-if worse --gate right --gate nDCG@10

# After a change that is meant to move the figures. Reports are made from the folder, so only what they need is kept.
baseline: .venv/dev.stamp
	rm -rf eval/baseline
	$(BIN)/article-qa eval --run eval/baseline
	gzip -9n eval/baseline/outcomes.jsonl
	rm eval/baseline/summary.json

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

# The stamps hold the files that decide what is installed: touching the code installs nothing, for the install is editable.
# torch comes first and alone, so that no other package's wish can bring a different build of it.
.venv/torch.stamp: constraints.txt
	$(PYTHON) -m venv .venv || { echo "python3 -m venv failed: install it with 'apt-get install python3-venv'" >&2; exit 1; }
	$(PIP) install --quiet --constraint constraints.txt torch==2.13.0
	touch $@

.venv/app.stamp: .venv/torch.stamp pyproject.toml
	$(PIP) install --quiet --constraint constraints.txt --editable '.[web,documents]'
	touch $@

.venv/dev.stamp: .venv/torch.stamp pyproject.toml
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	touch .venv/app.stamp $@

# The browser tests drive the system's Chromium. Without one, and without the right to install one, they are skipped and say so.
browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif ! command -v apt-get >/dev/null 2>&1; then echo "no Chromium found: install it to run the browser tests" >&2; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	elif sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "no Chromium found: 'sudo apt-get install chromium' to run the browser tests" >&2; fi

# Exact versions hold from Python 3.11 on; on 3.10 some of them do not exist and pyproject.toml's ranges decide.
lock: .venv/dev.stamp
	{ echo "# The exact versions that \`make app\` and \`make test\` install. \`make lock\` writes this file anew."; \
	$(PIP) freeze --exclude-editable | sed -E 's/ @ file:.*//; s/\+cpu//; s/$$/ ; python_version >= "3.11"/; s/^(torch==[^ ]*) .*/\1/'; } > constraints.new
	mv constraints.new constraints.txt
	touch .venv/torch.stamp .venv/app.stamp .venv/dev.stamp

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
