# What a person runs in a clone; `make` alone explains itself.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test documents wheel slow lint types tables install constraints clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1|/p' Makefile | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

demo: .venv/.learn ## train on real handwritten characters and write a report, in under 5 minutes
	$(BIN)/python examples/demo.py --out demo

test: .venv/.installed ## run everything that CI runs, stopping at the first failure
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist loadscope
	$(BIN)/python -m pytest -m documents -n auto --dist load
	$(MAKE) --no-print-directory wheel

wheel: .venv/.installed ## build the wheel, install it in an empty environment, and decide with it
	rm -rf build/wheel
	$(PIP) wheel --quiet --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv build/wheel/empty
	build/wheel/empty/bin/python -m pip install --quiet -c constraints.txt build/wheel/*.whl
	$(BIN)/python -m tests.installed build/wheel

documents: .venv/.installed ## run what the pages and the examples say
	$(BIN)/python -m pytest -m documents -n auto --dist load

slow: .venv/.installed ## run the tests that take longer
	$(BIN)/python -m pytest -m slow -n auto --dist load

lint: .venv/.installed ## check format, style and the import order
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports

types: .venv/.installed ## check the types
	$(BIN)/mypy

tables: .venv/.installed ## make the tables in docs/ anew: components, recipes, benchmarks
	$(BIN)/python docs/make_tables.py
	$(BIN)/python -m benchmarks.page

install: .venv/.installed ## make .venv with the package and every tool for working on it

constraints: .venv/.installed ## write constraints.txt from what .venv holds
	{ sed -n '/^#/p' constraints.txt; \
	  $(PIP) freeze --all --exclude-editable --exclude likewise --exclude pip \
	  | sed 's/+[^;]*$$//' | LC_ALL=C sort -f; } > constraints.new
	mv constraints.new constraints.txt

clean: ## remove caches, builds and the demo's model; .venv stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist demo
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is no Python 3.11 or newer, which Likewise needs." \
	    "Name one that is: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --upgrade 'pip>=25.1' # older ones know no dependency groups

.venv/.learn: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e '.[learn]'
	touch $@

.venv/.installed: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e '.[all]' --group dev
	touch .venv/.learn $@
