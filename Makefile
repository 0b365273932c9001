# make demo    shows the whole thing on an invented world; no network once installed
# make test    installs what the tests need, runs them
# make check   what a change must pass: style, types, tests
# make slow    the slow suite: kills, load, hanging servers
# make bench   the measurements of benchmarks/
# make docs    writes docs/commands.md and docs/openapi.json
# make pictures  makes the pictures of docs/desk anew, in Chromium
# make lock    renews the versions and hashes that all of the above install (*.lock)
# make test-newest    the tests with the newest versions instead, in an environment of its own
#
# Needs Python 3.11 or newer with venv, and make. With npm, the tests get a real EVM node;
# with litecoind (as root on Debian it is installed), a real UTXO node. Without them those
# tests are skipped and say so.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ANVIL := .tools/node_modules/@foundry-rs/anvil
DEMO := .demo
# Twice as many as processors: many tests wait for a server most of their time.
JOBS := $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
# The tests start this program hundreds of times: it is compiled once, whatever the machine says.
export PYTHONDONTWRITEBYTECODE :=
PIP := python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-newest check slow docs pictures bench lint tools lock image-digest clean
.DEFAULT_GOAL := test

demo: $(VENV)/.installed
	@rm -rf $(DEMO)
	@$(BIN)/python -m monitor demo --keep $(DEMO)

test: $(VENV)/.installed tools
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow"

# What a new user of pip would get without our lock. It says what the next `make lock` will
# meet, and is no verdict on a change.
test-newest: tools
	@$(PYTHON) -m venv --clear .venv-newest
	@.venv-newest/bin/$(PIP) --upgrade --editable '.[dev]'
	@.venv-newest/bin/python -m pytest -q -n $(JOBS) -m "not slow"

slow: $(VENV)/.installed tools
	@$(BIN)/python -m pytest -q -n auto -m slow

check: lint test

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# docs/commands.md, from the commands' own --help, and docs/openapi.json
docs: $(VENV)/.installed
	@$(BIN)/python docs/make_commands.py
	@$(BIN)/python docs/make_openapi.py

# docs/desk, by the test that opens every page
pictures: $(VENV)/.installed tools
	@FUNDWATCH_PICTURES=1 $(BIN)/python -m pytest -q -m slow tests/test_desk_browser.py

bench: $(VENV)/.installed
	@set -e; for each in start insert_rate pass_1000 first_contact backfill storm; do \
	  echo "== $$each"; $(BIN)/python benchmarks/$$each.py; done

# A virtual environment of its own, so that nothing on the machine changes. Everything in it
# has the version and the hash that the lock names, what builds this package included.
$(VENV)/.installed: pyproject.toml setup.py requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it:  make PYTHON=python3.12"; exit 2; }
	@echo "installing into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@$(BIN)/$(PIP) --require-hashes -r requirements-dev.lock
	@$(BIN)/$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Each lock holds for Python 3.11 and newer and every system; a smaller one keeps to the
# versions of the largest. constraints.txt is for pip and pipx where they install the folder
# itself, which has no hash.
UV := .tools/uv/bin/uv
COMPILE := pip compile --quiet --universal --python-version 3.11 --no-annotate \
  --custom-compile-command "make lock" pyproject.toml build-backend.in

EXTRAS := --extra apprise --extra demo --extra passkeys --extra oidc --extra report

lock: $(UV)
	$(UV) $(COMPILE) --upgrade --generate-hashes --all-extras -o requirements-dev.lock
	$(UV) $(COMPILE) -c requirements-dev.lock --generate-hashes -o requirements.lock
	$(UV) $(COMPILE) -c requirements-dev.lock --generate-hashes $(EXTRAS) -o requirements-extras.lock
	$(UV) $(COMPILE) -c requirements-dev.lock $(EXTRAS) -o constraints.txt
	npm install --package-lock-only --silent --no-audit --no-fund --prefix tests/world/anvil
	@if docker version >/dev/null 2>&1; then $(MAKE) --no-print-directory image-digest; \
	else echo "skipped: the digest of the base image (needs docker: make image-digest)"; fi

# Writes into the Dockerfile which image its base has today.
image-digest:
	@base=$$(sed -n 's/^ARG BASE=\([^@]*\).*/\1/p' Dockerfile); \
	digest=$$(docker buildx imagetools inspect "$$base" --format '{{.Manifest.Digest}}'); \
	echo "$$digest" | grep -Eqx 'sha256:[0-9a-f]{64}' || \
	  { echo "no digest for $$base: $$digest"; exit 1; }; \
	sed -i "s|^ARG BASE=.*|ARG BASE=$$base@$$digest|" Dockerfile; echo "$$base@$$digest"

$(UV):
	@$(PYTHON) -m venv .tools/uv && .tools/uv/bin/$(PIP) uv==0.13.9

# Real nodes for the tests. What cannot be had is said, not hidden.
tools: $(ANVIL)
	@if command -v litecoind >/dev/null || [ -n "$$FUNDWATCH_LITECOIND" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing litecoind"; \
	  { apt-get install -y -qq --no-install-recommends litecoind || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends litecoind; }; \
	  } >/dev/null 2>&1 || echo "skipped: litecoind could not be installed"; \
	else echo "skipped: tests on litecoind (install it: apt-get install litecoind)"; fi
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  command -v google-chrome >/dev/null || [ -n "$$FUNDWATCH_CHROMIUM" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing chromium"; \
	  { apt-get install -y -qq --no-install-recommends chromium fonts-liberation || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation; }; \
	  } >/dev/null 2>&1 || echo "skipped: chromium could not be installed"; \
	else echo "skipped: tests in a browser (install it: apt-get install chromium)"; fi

$(ANVIL):
	@if [ -n "$$FUNDWATCH_ANVIL" ]; then :; elif command -v npm >/dev/null; then \
	  echo "installing anvil into .tools (once)"; \
	  mkdir -p .tools && cp tests/world/anvil/package*.json .tools && \
	  npm ci --silent --no-audit --no-fund --prefix .tools || \
	    echo "skipped: anvil could not be installed"; \
	else echo "skipped: tests on anvil (needs npm)"; fi

clean:
	rm -rf $(VENV) .venv-newest $(DEMO) .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
