# Two commands: `make run` trains and prints the table, `make test` checks everything.
# Both make their own environment in .venv; a second run installs nothing and needs no network.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin

# The ordinary registry's torch for Linux brings gigabytes of CUDA libraries. Without an NVIDIA
# driver the CPU build is taken from PyTorch's own index, if that can be reached.
# `make run TORCH_INDEX=` asks the ordinary registry alone.
TORCH_INDEX ?= $(shell command -v nvidia-smi >/dev/null 2>&1 || echo https://download.pytorch.org/whl/cpu)

# The same pins hold for what is installed and for what builds it.
PIP := PIP_CONSTRAINT="$(CURDIR)/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install

.PHONY: help run test lint docs clean

help:
	@echo "make run    train CN, AA, RA, GCN, NCN and NCNC on handwritten digits; prints a table"
	@echo "make test   linters, types, import contract, tests"
	@echo "make lint   linters, types and import contract alone"
	@echo "make docs   the documentation as pages in build/docs, from README and docstrings"
	@echo "make clean  remove .venv, caches and builds (results in runs/ stay)"

run: $(VENV)/.installed
	$(BIN)/graphlearn run cn aa ra gcn ncn ncnc --dataset digits-knn --seeds 3 --workers 2

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-docs
	$(BIN)/python docs/build.py build/docs

$(VENV)/.created:
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: '$(PYTHON)' does not start a Python 3.11 or later that has venv:" \
	       "install Python 3.11, or name yours: make PYTHON=/path/to/python3 run" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch by itself and first: everything installed later finds it there and leaves it alone.
$(VENV)/.torch: $(VENV)/.created constraints.txt
	$(PIP) --no-deps $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX) --retries 1) torch
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find graphlearn tests experiments -name __pycache__ -type d -prune -exec rm -rf {} +
