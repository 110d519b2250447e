# One verb, one target. Everything runs in .venv, which `setup` makes and keeps current.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-unit test-integration test-reliability test-deep test-containers lint bench up down \
        rules lock

BIN := .venv/bin
# Suites without a server use every core; the others bring their own servers up and run one test at a time.
PARALLEL := -n auto --dist worksteal
COMPOSE := docker compose --env-file .kefu/images.env

# Suites and services are started many times over: compiled modules are kept, outside the tree.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.kefu/pycache

# The first Python that fits; looked for only when a recipe needs it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
    && echo $$p && exit; done; echo python3)

help: ## show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 26

setup: ## prepare this checkout: .venv, RabbitMQ, the embedded database
	@$(PYTHON) scripts/setup.py

run: setup ## play a day of contacts through the four services (ONCE=1: stop after the tables)
	@$(BIN)/python -m kefu demo $(if $(filter-out 0 no false,$(ONCE)),--once)

test: setup servers ## all suites but the containers
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/contract tests/architecture $(ARGS)
	$(BIN)/python -m pytest -m "not container" tests/integration $(ARGS)
	$(BIN)/python -m pytest -m "not container" tests/reliability $(ARGS)

test-unit: setup ## the suites that need no server
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/contract tests/architecture $(ARGS)

test-integration: setup servers ## against a real broker and a real database
	$(BIN)/python -m pytest -m "not container" tests/integration $(ARGS)

test-reliability: setup servers ## kill processes, count what was lost or done twice
	$(BIN)/python -m pytest -m "not container" tests/reliability $(ARGS)

test-deep: setup servers ## many more random cases, and kills at many more moments (an hour)
	KEFU_TEST_DEEP=1 $(BIN)/python -m pytest $(PARALLEL) --timeout 3600 tests/unit $(ARGS)
	KEFU_TEST_DEEP=1 $(BIN)/python -m pytest -m "not container" tests/reliability $(ARGS)

test-containers: setup ## the integration suite over the whole stack in containers
	scripts/engine.sh
	scripts/stand-in-images.sh
	KEFU_TEST_STACK=containers $(BIN)/python -m pytest -m container tests $(ARGS)

lint: setup ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup servers ## measure; prints a table and writes JSON
	$(BIN)/python -m benchmarks $(ARGS)

up: ## the whole stack in containers, with Prometheus and Grafana
	scripts/engine.sh
	scripts/stand-in-images.sh
	$(COMPOSE) up --build --detach --wait

down: ## stop the containers; their data stays
	$(COMPOSE) down

rules: setup ## which rules of the domain a test proves (ARGS="--open --service intake")
	@$(BIN)/python -m kefu.rules $(ARGS)

lock: setup ## write requirements/*.txt anew from pyproject.toml
	@PYTHON=$(BIN)/python scripts/lock.sh

# A broker and a database that tests can start, or words on how to get them.
.PHONY: servers
servers: setup
	@$(BIN)/python -m kefu.local.install
