# Everything from nothing: each target makes its own virtual environment first, from requirements.lock, hashes checked.
# Needs git, make and Python 3.11 or newer with venv; no root, no network beyond your Python package registry.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PEERS  := $(VENV)/.ready-peers
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint bench bench-detection bench-detection-quick bench-backtest bench-budget \
  bench-calibration bench-chaos bench-client bench-cold bench-enforcement bench-explanations bench-intents \
  bench-maintenance bench-memory bench-poisoning bench-reach bench-report bench-splice lock samples clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## the main job from nothing: learn real-looking logs, ask, play a stolen runner, see why it is stopped
	@$(BIN)/assayer demo $(ARGS)

serve: $(READY)  ## the sidecar on 127.0.0.1:8181, its log in ./assayer-data (ARGS='--port 9000')
	@$(BIN)/assayer serve $(ARGS)

test: $(READY)  ## every test, linters and types included (ARGS='-k name' for some)
	@$(BIN)/python -m pytest $(ARGS)

lint: $(READY)  ## style, types and import contracts only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## measure throughput and latency, print the table (some minutes)
	@$(BIN)/python -m bench $(ARGS)

bench-detection: $(PEERS)  ## measure detection beside its peers on twenty-four simulated organisations
	@$(BIN)/python -m bench.detection $(ARGS)

bench-detection-quick: $(PEERS)  ## the same on four of them
	@$(BIN)/python -m bench.detection --quick $(ARGS)

bench-backtest: $(READY)  ## how long a rule's backtest takes over a million events
	@$(BIN)/python -m bench.backtest $(ARGS)

bench-enforcement: $(READY)  ## attack mints stopped and honest requests blocked, rules off and on
	@$(BIN)/python -m bench.enforcement $(ARGS)

bench-budget: $(READY)  ## false step-ups and denies on healthy years, against the budgets (about an hour)
	@$(BIN)/python -m bench.budget $(ARGS)

bench-calibration: $(READY)  ## hold risk against the truth, draw models/calibration.png
	@$(BIN)/python -m bench.detection.calibration $(ARGS)

bench-chaos: $(READY)  ## a live server under load while everything around it breaks (a quarter of an hour)
	@$(BIN)/python -m bench.chaos $(ARGS)

bench-client: $(READY)  ## what asking costs a broker, and how late its client is in the worst of faults
	@$(BIN)/python -m bench.client $(ARGS)

bench-cold: $(READY)  ## cold identities: caught, and bothered
	@$(BIN)/python -m bench.cold $(ARGS)

bench-explanations: $(READY)  ## do verdicts flip without their top three reasons?
	@$(BIN)/python -m bench.explanations $(ARGS)

bench-intents: $(READY)  ## what pre-approved intents save in step-ups, and cost in attacks
	@$(BIN)/python -m bench.intents $(ARGS)

bench-maintenance: $(READY)  ## attacks inside declared maintenance, and what it quiets
	@$(BIN)/python -m bench.maintenance $(ARGS)

bench-poisoning: $(READY)  ## how long a patient thief needs, and a lasting change
	@$(BIN)/python -m bench.poisoning $(ARGS)

bench-memory: $(READY)  ## what a requester costs in memory, median and worst
	@$(BIN)/python -m bench.memory $(ARGS)

bench-reach: $(READY)  ## what thresholds save that give way where more is at stake
	@$(BIN)/python -m bench.reach $(ARGS)

bench-report: $(READY)  ## what a report takes over a million entries, and what scores feel of one beside them
	@$(BIN)/python -m bench.report $(ARGS)

bench-splice: $(READY)  ## recorded attacks after a quiet life, beside honest ones (reads ../shared/data)
	@$(BIN)/python -m bench.splice $(ARGS)

samples: $(READY)  ## write data/samples again from its seed
	@$(BIN)/python -m detector.simulator samples data/samples

RESOLVE := UV_NO_CONFIG=1 $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

lock: $(READY)  ## resolve requirements.lock again, keeping its pins (ARGS=--upgrade to move them)
	@$(RESOLVE) pyproject.toml --all-extras --output-file requirements.lock $(ARGS)
	@$(RESOLVE) bench/requirements.in --constraint requirements.lock --output-file bench/requirements.lock $(ARGS)

clean:  ## remove the virtual environment and caches; keeps ./assayer-data
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis

# The stamp is newer than the lock: nothing is installed twice, and a changed lock is installed again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Assayer needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@echo "Installing into $(VENV) (once; about a minute) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile \
	  -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

# What the benchmark alone needs, beside what is locked above and at the same versions.
$(PEERS): bench/requirements.lock $(READY)
	@echo "Installing the benchmark's peers into $(VENV) (once) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile \
	  -r bench/requirements.lock
	@touch $@
