# make run      starts everything: an embedded Valkey, the web process, a worker
# make test     gets what the tests need, then runs all checks and all tests
# make check    formatting, lint, types, layers, spelling
# make format   puts the code into the form that `make check` wants
# make bench    the benchmarks
# make schema   writes the contracts anew: protocol/{schema,asyncapi,openapi}.json and static/client/protocol.d.ts
# make wheel    builds dist/quarterdeck-*.whl
# make pins     renews .ci/constraints.txt
# make clean    removes what these have made, but neither .quarterdeck (your executions) nor .venv

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CONSTRAINTS := .ci/constraints.txt
# The Python that the environment is made with: PYTHON=… chooses another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$name && break; done)

.PHONY: run test check format bench schema wheel pins clean

run: $(VENV)/.installed
	@exec $(BIN)/python .ci/foreground.py $(BIN)/python -m server

test: $(VENV)/.installed-test
	@exec .ci/test

check: $(VENV)/.installed-test
	@exec .ci/test check

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-test
	@exec $(BIN)/python -m tests.benchmarks

schema: $(VENV)/.installed
	$(BIN)/python -m tests.golden.examples
	$(BIN)/python -m tests.golden.agui
	$(BIN)/python -m protocol.schema
	$(BIN)/python -m protocol.asyncapi
	$(BIN)/python -m server.routes.openapi

wheel: $(VENV)/.installed-test
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

pins: $(VENV)/.installed-test
	.ci/pins > $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt $(CONSTRAINTS)

clean:
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache static/node_modules
	find server protocol tests -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Quarterdeck needs Python 3.11, 3.12 or 3.13, and finds none. Name one: make PYTHON=/path/to/python3.12 run'; exit 1; }
	@echo 'Making $(VENV) with '"$$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo 'Installing into $(VENV); the first time takes a minute or two'
	@$(PIP) install --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo 'Installing into $(VENV), with what the tests need; the first time takes a minute or two'
	@$(PIP) install --constraint $(CONSTRAINTS) --editable '.[test]'
	@touch $@ $(VENV)/.installed
