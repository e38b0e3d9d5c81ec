# Every command of the project. `make help` lists them.
VENV ?= .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; name another with `make PYTHON=python3.13 test`.
PYTHON ?= $(shell .ci/interpreters | head -n 1)
DEMO_FOLDER ?= gleaner-demo

.DEFAULT_GOAL := help
.PHONY: help demo run env up down test test-unit test-compose check format bench pictures lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## the main job on one box, no server: streams a doorstep clip, ends with a dataset and a contact sheet
	@$(BIN)/gleaner demo --folder $(DEMO_FOLDER)

run: $(VENV)/.installed ## run on your own pictures: make run MODEL=best.onnx SOURCE="video.mp4 folder/"
	@test -n "$(MODEL)" || { echo 'say which model: make run MODEL=best.onnx SOURCE=video.mp4'; exit 2; }
	@$(BIN)/gleaner run --model $(MODEL) $(SOURCE)

env: ## the secrets that docker-compose.yml needs, into .env; what is there already stays
	@$(PYTHON) deploy/env.py

up: env ## the four services in containers, with Kafka, Redis and MinIO; docs/compose.md
	docker compose up --build --detach

down: ## stop the containers; the data stays
	docker compose --profile '*' down

test: $(VENV)/.installed-dev ## sets up real Kafka, Redis and MinIO and runs every test; some: make test TESTS=tests/e2e
	$(BIN)/pytest $(TESTS)

test-unit: $(VENV)/.installed-dev ## the tests that need no server
	$(BIN)/pytest tests/unit tests/contract -m "not servers"

test-compose: $(VENV)/.installed-dev ## docker-compose.yml with a real engine, from nothing to the dataset and away again
	GLEANER_TEST_COMPOSE=1 $(BIN)/pytest tests/compose tests/docs/test_containers.py -s

check: $(VENV)/.installed-dev ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## put the code into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev ## measure: ratios in one run, see docs/performance.md
	GLEANER_BENCH=1 $(BIN)/pytest tests/benchmarks -s

pictures: $(VENV)/.installed-dev ## the pictures of README and pages, from a real run
	$(BIN)/python docs/pictures/make.py
	$(BIN)/python docs/pictures/privacy.py
	$(BIN)/python -m docs.pictures.strategies
	$(BIN)/python -m docs.pictures.accuracy
	$(BIN)/python docs/pictures/report.py

lock: $(VENV)/.installed-dev ## compile the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes -q -o requirements-dev.lock
	for service in sources inference sampler feedback uploader; do \
	  uv pip compile pyproject.toml --extra cluster --extra $$service -c requirements-dev.lock --universal --python-version 3.11 --generate-hashes -q -o deploy/locks/$$service.txt; done
	uv pip compile pyproject.toml --extra cluster -c requirements-dev.lock --universal --python-version 3.11 --generate-hashes -q -o deploy/locks/cluster.txt
	uv pip compile pyproject.toml --extra cli --extra build -c requirements-dev.lock --universal --python-version 3.11 --generate-hashes -q -o requirements.lock

clean: ## remove the environment and what the demo made
	rm -rf $(VENV) $(DEMO_FOLDER) build *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo 'Gleaner needs Python 3.11 or newer, and found none on PATH'; exit 2; }
	@echo "==> making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "==> installing what the lock file pins (hashes are checked)"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "==> installing what the development lock file pins (hashes are checked)"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.installed
