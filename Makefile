# Everything goes into .venv, in the versions of constraints.txt; a second call installs nothing.
#   make demo    the whole job on a simulation whose truth is known, and its page
#   make test    every test;  make test ARGS="-k scan"  some of them
#   make check   style, types, the one import direction, spelling, the page's script
#   make bench   ours against the best peer;  make bench ARGS=seq  one of them
#   make docs    docs/_build/html/index.html

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench docs chromium clean
.NOTPARALLEL:

demo: .venv/.installed-core
	$(BIN)/cisgram demo $(ARGS)

test: .venv/.installed-test chromium
	$(BIN)/python -m pytest -m "" $(ARGS)

check: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	@if command -v npm >/dev/null; then echo frontend/build.sh --check; frontend/build.sh --check; \
	else echo "No npm here: the page's script is not compared with its source."; fi

bench: .venv/.installed-bench
	$(BIN)/python benchmarks $(ARGS)

docs: .venv/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

chromium: # for the tests that open a page; without it they are skipped
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	else false; fi || echo "No chromium: the tests that open a page are skipped."; fi

clean:
	rm -rf .venv build dist docs/_build docs/_generated

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	"cisgram needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed-%: pyproject.toml constraints.txt | .venv/.made
	@echo "Installing into .venv ($*); the first time takes some minutes."
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation -e '.$(if $(filter-out core,$*),[$*])'
	@touch $@
