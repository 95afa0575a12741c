# The verbs of this project; each makes the virtual environment itself.

# The distribution's interpreter first: it is what a server runs, and it is built optimised.
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$p && break; done || true)
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help demo test system torture lint format bench wheel clean

help:          ## list these verbs
	@sed -n 's/^\([a-z]*\): .*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(READY)   ## build a small cluster in a temporary directory and walk through a day of it
	$(BIN)/etcsync demo

# Half as many again as there are processors: many tests wait for a daemon, a lock or a time limit.
WORKERS ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))

test: $(READY)   ## unit, property and integration tests: real git, real files, no network
	$(BIN)/python -m pytest -m 'not system' --numprocesses $(WORKERS) --dist worksteal $(ARGS)

system: $(READY) ## tests on a real root file system; needs root and debootstrap
	$(BIN)/python -m pytest -m system --numprocesses auto --dist worksteal $(ARGS)

torture: $(READY) ## everything in any order, killed and failing anywhere; ARGS='--seconds 600 --seed 1'
	PYTHONPATH=tests $(BIN)/python -m torture $(ARGS)

lint: $(READY)   ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## put the code into the project's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## measure against what an administrator would otherwise run; needs root
	$(BIN)/python benchmarks/bench.py $(ARGS)

wheel: $(READY)  ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:         ## remove what these verbs made
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
