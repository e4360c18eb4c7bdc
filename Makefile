# make setup | run | demo | scenarios | containers | cluster-chaos | sim | histories | mutants | test | lint | bench | scale | lock | clean. Needs only make and Python 3.11 or newer.
# Arguments of a target: make test ARGS="-k budgets".

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

# A name on the PATH is not enough: version managers leave stubs behind that only print an error.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$python; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help setup run demo scenarios containers cluster-chaos sim histories mutants test lint bench scale lock clean

help:
	@sed -n '1,2s/^# //p' Makefile

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# Settings come from the environment and, where it says nothing, from .env.
run: setup
	$(BIN)/domain-monitor supervise $(ARGS)

demo: setup
	$(BIN)/python -m tests.lab.demo $(ARGS)

# Every known cause of a false alarm and every kind of drop, through the real processes: about a minute, and a table.
scenarios: setup
	$(BIN)/python -m tests.scenarios $(ARGS)

# Several instances killed, stopped and paused one after the other while names drop: ROUNDS=5, ARGS="--faults 50 --seed 7".
ROUNDS ?= 1
cluster-chaos: setup
	$(BIN)/python -m tests.cluster --rounds $(ROUNDS) $(ARGS)

# Instances in real containers, killed, paused, stopped and added while names drop: three minutes. Root and Docker.
containers: setup
	docker compose build
	$(BIN)/python -m tests.containers $(ARGS)

# Months of drops on a virtual clock against two plain loops at the same budget, and the bounds that are held: minutes, and a table.
# ARGS="--names 3000 --days 90" for the whole, ARGS="--only com,uk" for some registries.
sim: setup
	$(BIN)/python -m tests.sim.drops $(ARGS)
	$(BIN)/python -m tests.sim.drops.pace

# Random histories on a virtual clock, any one channel dead, under the oracle: about two minutes, and a table.
histories: setup
	$(BIN)/python -m tests.sim $(ARGS)

# Small faults in the rules, one at a time in a copy of the tree: does a quick test notice each? ARGS=gates for a module.
mutants: setup
	$(BIN)/python -m tests.mutants $(ARGS)

test: setup
	$(BIN)/pytest $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The figures of the whole service, up to a million names: ARGS=--quick for two minutes, ARGS="dns" or "steps" for a part.
bench: setup
	$(BIN)/python -m tests.bench $(ARGS)

# What a list of names needs: ARGS="--names 30000000 --mix com=0.6,de=0.4", or "--list FILE" (docs/scale.md).
scale: setup
	@$(BIN)/python -m tests.bench scale $(ARGS)

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links pyproject.toml

lock: setup
	$(COMPILE) --upgrade --extra build --extra dev --output-file requirements.lock
	$(COMPILE) --extra build --constraint requirements.lock --output-file requirements-runtime.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
