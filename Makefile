PYTHON ?= python3
VENV ?= .venv
CATALOGUE ?=
FULL ?=
QUICK ?=
ARGS ?=

PY := $(VENV)/bin/python
READY := $(VENV)/.installed
STACK := $(PY) -m deploy.local

.DEFAULT_GOAL := help
.PHONY: help run up status down seed migrate schema watch hits test coverage deploy-check observability browser pooler client types openapi screenshots chaos cluster cluster-chaos fuzz freshness ledger bench bench-load bench-queries lint format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

run: $(READY) ## start everything in the foreground; Ctrl-C stops it
	@$(STACK) run

up: $(READY) ## start everything in the background
	@$(STACK) up

status: $(READY) ## show each part of what runs; fails if one is down
	@$(STACK) status

down: $(READY) ## stop what runs in the background
	@$(STACK) down

seed: $(READY) ## load the sample into the running stack, or CATALOGUE=dir, or FULL=1 for a million products
	@$(STACK) seed $(if $(FULL),--full) $(if $(CATALOGUE),"$(CATALOGUE)")

migrate: $(READY) ## bring the running stack's database up to date
	@$(STACK) with migrations

schema: $(READY) ## rewrite migrations/schema.sql from the running stack's database
	@$(STACK) with migrations --dump > migrations/schema.sql.new
	@mv migrations/schema.sql.new migrations/schema.sql

watch: $(READY) ## show hit rates, tiers, instances and events of the running stack, every second; ARGS=--once for once
	@$(STACK) with service.watch.terminal $(ARGS)

hits: $(READY) ## print hit rates and counts per kind, now and since the instances started
	@$(STACK) with service.watch.terminal --once

# What these measure under load, nothing else may run beside.
TIMED := tests/capacity tests/chaos tests/cluster tests/e2e tests/freshness tests/fuzz tests/hosts tests/ledger

test: $(READY) ## run the whole suite against private servers
	@$(PY) -m pytest -q -n 3 --dist worksteal $(TIMED:%=--ignore=%)
	@$(PY) -m pytest -q $(TIMED)

coverage: $(READY) ## run what does not measure under load with coverage; fails below 92 %
	@$(PY) -m pytest -q -n 3 --dist worksteal --cov --cov-report=term $(TIMED:%=--ignore=%)

deploy-check: $(READY) ## check Dockerfile, compose.yaml, units and manifests with their own programs; the units need systemd-analyze
	@$(PY) -m pip install -qq --disable-pip-version-check -r deploy/requirements-check.txt
	@$(PY) -m pytest -q tests/deploy/check_files.py

observability: $(READY) ## check alert rules, dashboard and metrics with Prometheus' own programs, on a stack of its own
	@$(PY) -m pytest -q tests/observability/check_prometheus.py

browser: $(READY) ## check dashboard, demo and the page of the API, and call the service from a page of another origin, in headless Chromium
	@$(PY) -m pytest -q -n 2 --dist worksteal tests/browser/check_*.py tests/clients/check_in_a_browser.py

pooler: $(READY) ## check the service with pgbouncer in front of Postgres; needs pgbouncer
	@$(PY) -m pytest -q tests/worker/check_pgbouncer.py

client: $(READY) ## check the TypeScript client of docs/client against the contract and a running service; needs node 20
	@$(PY) -m pytest -q tests/clients/check_types.py

types: ## rewrite docs/client/overview.d.ts from the contract; needs node 20
	@cd docs/client && npm ci --silent --no-audit --no-fund && npm run --silent generate

openapi: $(READY) ## rewrite service/web/openapi.json from the routes and the answers of a running application
	@$(PY) -m deploy.openapi

screenshots: $(READY) ## rewrite docs/dashboard.png and docs/demo.png, from a stack of its own under a minute of traffic
	@$(PY) -m tests.browser.screenshots

chaos: $(READY) ## make every part fail in turn, under load, on private servers; prints what readers saw
	@$(PY) -m tests.chaos

cluster: $(READY) ## start the whole service on three hosts of this machine, with every store and process twice; Ctrl-C stops it
	@$(PY) -m deploy.cluster

cluster-chaos: $(READY) ## make every part of such a cluster fail in turn, under load and writes; prints what readers and writers saw
	@$(PY) -m tests.cluster $(ARGS)

fuzz: $(READY) ## send 100,000 requests made of the contract and 100,000 of damaged bytes to a stack of its own; ARGS=--cases=1000
	@$(PY) -m tests.fuzz $(ARGS)

bench: $(READY) ## measure the running stack against Express, FastAPI and a file from nginx; QUICK=1 for a short run
	@$(PY) -m tests.bench $(if $(QUICK),--quick)

bench-load: $(READY) ## time a load of the full catalogue against plain \copy of its files
	@$(PY) -m tests.bench.load

bench-queries: $(READY) ## time the queries against another implementation's, and the first and last pages, on the running stack
	@$(STACK) with tests.bench.queries

freshness: $(READY) ## measure how soon changes reach readers, alone and during a price feed, on a stack of its own
	@$(PY) -m tests.freshness

ledger: $(READY) ## write to carts 200,000 times under faults, then look for every write; prints what was lost or doubled
	@$(PY) -m tests.ledger

lint: $(READY) ## check style, types and the direction of imports
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

format: $(READY) ## rewrite the code in the project's style
	@$(PY) -m ruff check --fix
	@$(PY) -m ruff format

clean: ## stop everything and delete its data, settings and logs
	@if [ -x $(PY) ]; then $(STACK) clean; fi

$(READY): requirements.txt requirements-dev.txt deploy/observability/requirements-tracing.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "python       installing the pinned packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@
