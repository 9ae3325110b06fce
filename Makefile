# Every target makes .venv on first use. The second call is instant.
# Set PYTHON to choose an interpreter: make setup PYTHON=python3.12
PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.installed
APP    := .venv-app
ARGS   ?=
GRID   ?= table1-pool
PAGES  := settings demo grids audits forest benchmarks

.DEFAULT_GOAL := help
.PHONY: help setup app-env demo test test-app lint format types arch check docs bench evidence-check clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 24

setup: $(STAMP)  ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "LIVR needs Python 3.11 or newer; $(PYTHON) is older or missing. Try: make setup PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/pip || { rm -rf .venv; $(PYTHON) -m venv .venv; }
	@echo "Installing into .venv (two minutes the first time) ..."
	@$(BIN)/pip install -qq --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Gradio needs an older pillow than the one that the committed numbers were made with. So it has an
# environment of its own, which sees all of .venv behind its own packages.
app-env: $(APP)/.installed  ## make .venv-app for the playground: .venv with gradio and its pillow

$(APP)/.installed: $(STAMP) constraints-app.txt
	@rm -rf $(APP)
	@$(BIN)/python -m venv $(APP)
	@$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	  > "$$($(APP)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/behind.pth"
	@echo "Installing into $(APP) ..."
	@$(APP)/bin/pip install -qq --constraint constraints-app.txt gradio pillow
	@touch $@

demo: $(STAMP)  ## direct SFT beside LIVR on the embedded model and images; ARGS="--seeds 3"
	@$(BIN)/livr demo $(ARGS)

test: $(STAMP)  ## the test suite; ARGS="tests/cli -x"
	@$(BIN)/pytest $(ARGS)
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory test-app
endif

test-app: $(APP)/.installed  ## the tests of the playground's page, which need gradio
	@$(APP)/bin/python -m pytest tests/app/test_page.py

lint: $(STAMP)  ## ruff: style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(STAMP)  ## ruff: repair style and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP)  ## mypy --strict
	@$(BIN)/mypy

arch: $(STAMP)  ## the layers and the sizes of files and functions
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/architecture

check: lint types arch  ## lint, types and arch

docs: $(STAMP)  ## write the tables and figures of docs/ anew from the committed results
	@for f in $(PAGES); do $(BIN)/python docs/$$f.py || exit 1; done

bench: $(STAMP)  ## run every benchmark; each prints one JSON line; ARGS="--short"
	@ls bench/*.py >/dev/null 2>&1 || { echo "There are no benchmarks yet" >&2; exit 2; }
	@for f in bench/*.py; do $(BIN)/python $$f --json $(ARGS) || [ $$? -eq 77 ] || exit 1; done

evidence-check: $(STAMP)  ## run one committed cell again and compare; ARGS="--cell 'counting sft 42'"
	@$(BIN)/livr ablate evidence/$(GRID).yaml --check evidence/$(GRID).json $(ARGS)

clean:  ## remove .venv, .venv-app and every cache
	@rm -rf .venv $(APP) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
