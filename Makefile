# make run    starts everything: an embedded Valkey, the web process, a worker
# make test   everything the tests need, then all tests
# make bench  the benchmarks
# make check  formatting, lint, types, layers

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := .ci/constraints.txt

.PHONY: run test bench check schema install install-test

run: $(VENV)/.installed
	@exec $(BIN)/python -m server

test: $(VENV)/.installed-test
	@.ci/test

bench: $(VENV)/.installed-test
	@$(BIN)/python -m tests.benchmarks

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

schema: $(VENV)/.installed
	$(BIN)/python -m protocol.schema

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "Quarterdeck needs Python 3.11 to 3.13: make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[test]'
	@touch $@ $(VENV)/.installed
