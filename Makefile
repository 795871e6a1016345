# Everything goes through these names; CI calls the same ones.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Whatever the machine is told: without compiled modules each process that starts compiles Django anew, for two seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test bench browser check setup setup-dev lock clean

run: setup
	@exec $(BIN)/tulia up

# By file: the tests of one file share what they start. (Groups by mark are silently ignored with pytest 9.2.)
# What holds a second against the speed of one process goes alone: beside three busy processes it would measure those.
ALONE = tests/dispatch/test_fair_sharing.py tests/flows/test_sharing_a_worker.py
test: setup-dev browser
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ALONE:%=--ignore=%)
	$(BIN)/pytest $(ALONE)

# Debian's Chromium, for tests/browser; without it they are skipped, and say so.
browser:
	@if [ -x /usr/bin/chromium ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
	  || echo "Chromium could not be installed (apt-get install chromium): tests/browser will be skipped" >&2; \
	else echo "For tests/browser install Chromium at /usr/bin/chromium (Debian: sudo apt-get install chromium)" >&2; fi

# Every speed beside its limit; half an hour, on a machine that does nothing else.
bench: setup-dev
	$(BIN)/python benchmarks/run_all.py

check: setup-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tulia migrate --check-missing

setup: $(VENV)/.setup-run

setup-dev: $(VENV)/.setup-dev

$(VENV)/bin/uv:
	@$(PYTHON) -m venv $(VENV) || { echo "Python 3.11 with its venv module is needed: $(PYTHON) -m venv failed" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check uv

$(VENV)/.setup-run: $(VENV)/bin/uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.setup-dev: $(VENV)/.setup-run requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

lock: $(VENV)/bin/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist src/*.egg-info
