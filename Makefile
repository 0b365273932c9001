# make demo    shows the whole thing on an invented world; no network once installed
# make test    installs what the tests need, runs them
# make check   what a change must pass: style, types, layers, tests
# make slow    the slow suite: kills, load, hanging servers
# make bench   the measurements of benchmarks/
# make docs    writes docs/commands.md
#
# Needs Python 3.11 or newer with venv, and make. With npm, the tests get a real EVM node;
# with litecoind (as root on Debian it is installed), a real UTXO node. Without them those
# tests are skipped and say so.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ANVIL := .tools/node_modules/@foundry-rs/anvil
ANVIL_PACKAGE := @foundry-rs/anvil@1.7.1
DEMO := .demo

.PHONY: demo test check slow docs bench lint tools clean
.DEFAULT_GOAL := test

demo: $(VENV)/.installed
	@rm -rf $(DEMO)
	@$(BIN)/python -m monitor demo --keep $(DEMO)

test: $(VENV)/.installed tools
	@$(BIN)/python -m pytest -q -n auto -m "not slow"

slow: $(VENV)/.installed tools
	@$(BIN)/python -m pytest -q -n auto -m slow

check: lint test

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# docs/commands.md, from the commands' own --help
docs: $(VENV)/.installed
	@$(BIN)/python docs/make_commands.py

bench: $(VENV)/.installed
	@set -e; for each in insert_rate pass_1000 backfill; do \
	  echo "== $$each"; $(BIN)/python benchmarks/$$each.py; done

# A virtual environment of its own, so that nothing on the machine changes.
$(VENV)/.installed: pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it:  make PYTHON=python3.12"; exit 2; }
	@echo "installing into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Real nodes for the tests. What cannot be had is said, not hidden.
tools: $(ANVIL)
	@if command -v litecoind >/dev/null || [ -n "$$FUNDWATCH_LITECOIND" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing litecoind"; \
	  { apt-get install -y -qq --no-install-recommends litecoind || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends litecoind; }; \
	  } >/dev/null 2>&1 || echo "skipped: litecoind could not be installed"; \
	else echo "skipped: tests on litecoind (install it: apt-get install litecoind)"; fi

$(ANVIL):
	@if [ -n "$$FUNDWATCH_ANVIL" ]; then :; elif command -v npm >/dev/null; then \
	  echo "installing anvil into .tools (once)"; \
	  npm install --silent --no-audit --no-fund --prefix .tools $(ANVIL_PACKAGE) || \
	    echo "skipped: anvil could not be installed"; \
	else echo "skipped: tests on anvil (needs npm)"; fi

clean:
	rm -rf $(VENV) $(DEMO) .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
