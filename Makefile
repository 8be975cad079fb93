# budgetd's own targets. Each sets up what it needs; nothing system-wide, nothing by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check bench bench-check readings backtest editors simulate slots forecast kills secrecy machine install-check soak clean

setup: $(READY)

$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	$(BIN)/budgetd demo --report demo-report.html

test: $(READY)
	$(BIN)/pytest -n auto

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_house.py

bench: $(READY)
	$(BIN)/python -m bench

# `check` on a thousand rules: against bare imports, and against a neighbour in .bench-venv/.
bench-check: $(READY)
	$(BIN)/python -m bench check custodian

# How big the state file of 10,000 accounts is after a year, and what a cycle and a sweep cost.
readings: $(READY)
	$(BIN)/python -m bench.readings --accounts $(or $(N),10000)

# A quarter of a year of 1,000 accounts, replayed; then fresh pasts against the plain simulator.
backtest: $(READY)
	$(BIN)/python -m bench.backtest
	PASTS=$(or $(N),200) FIRST_PAST=100000 $(BIN)/pytest -q -n 0 -o timeout=0 tests/backtest

# The schemas, tried in a real language server; needs node and npm, which nothing else here does.
editors: $(READY)
	npm ci --prefix tests/editors --no-audit --no-fund --silent
	$(BIN)/python -m tests.editors

# Longer campaigns; what they found is a case in the suite. N is how many schedules, kills, ...
simulate: $(READY)
	$(BIN)/python -m tests.simulation --schedules $(or $(N),200000)

slots: $(READY)
	SLOTS=$(or $(N),1000) $(BIN)/pytest -q -n 0 -o timeout=0 tests/core/test_slots.py

# How well forecasts foretell, by kind of account, on seeds that nothing was tuned on.
forecast: $(READY)
	$(BIN)/python -m tests.forecast --seeds 100000 $(or $(N),400)

kills: $(READY)
	$(BIN)/python -m tests.crashes.kills --kills $(or $(N),300)

secrecy: $(READY)
	$(BIN)/python -m tests.secrecy --cases $(or $(N),100000)

machine: $(READY)
	MACHINES=$(or $(N),200) $(BIN)/pytest -q -n 0 -o timeout=0 tests/commands/test_machine.py

# The units of systemd/, judged by systemd itself.
install-check:
	sh systemd/check.sh

soak: $(READY)
	$(BIN)/python -m tests.commands.soak $(or $(N),20)

clean:
	rm -rf $(VENV) build dist
