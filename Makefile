# Every target works on a fresh clone with Python >= 3.11 and make, and reuses the environment after that.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip --disable-pip-version-check
TARGET ?= examples/optimo
WORKERS ?= 2

.PHONY: help setup heal test test-quick bench lint coverage lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## create the environment from the lock

# Hashes come from the lock, the index from the machine's own pip configuration. The lock is complete, so nothing is
# resolved here (pip cannot match extras of a hashed requirement); `pip check` proves it.
$(READY): requirements.lock recloser/sandbox/ministack.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Recloser needs Python >= 3.11; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked environment into $(VENV) (about a minute)"
	@$(PIP) install -qq --no-deps --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@$(PIP) check
	@$(BIN)/recloser sandbox install
	@touch $@

heal: $(READY)  ## the main job: heal a job with three faults on an AWS that runs on this machine
	@BIN=$(BIN) examples/demo.sh $(TARGET)

test: $(READY)  ## every test, or TESTS=tests/unit/store
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

test-quick: $(READY)  ## the tests that need no sandbox and no server, in under a minute
	$(BIN)/pytest tests/unit -n 2

bench: $(READY)  ## measured figures beside their gates; ONLY=sandbox for one of them
	@missed=0; for file in benchmarks/$(or $(ONLY),*).py; do \
	  echo "== $$file"; $(BIN)/python $$file || missed=1; done; exit $$missed

lint: $(READY)  ## style, types, floors and rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(READY)  ## the same with branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev \
	  --generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock
	uv pip compile recloser/sandbox/ministack.in --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o recloser/sandbox/ministack.lock
	for name in redun metaflow awscli; do \
	  uv pip compile tests/foreign/$$name.in --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --quiet --upgrade -o tests/foreign/$$name.lock || exit 1; \
	done

clean:  ## remove what the other targets made
	rm -rf $(VENV) .recloser .coverage .coverage.* htmlcov .mypy_cache .import_linter_cache .hypothesis
	find . -type d \( -name __pycache__ -o -name .pytest_cache -o -name .ruff_cache \) -prune -exec rm -rf {} +
