# Tongdao. `make` alone lists what there is.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

ifdef DATA
export TONGDAO_DATA := $(DATA)
endif
ifdef PORT
export PORT
endif

# Three workers, each with servers of its own; they also wait, so two cores feed three; PYTEST="-x path" runs something else.
PYTEST ?= -n 3 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.runtime ## make the virtual environment and install what the product needs

run: .venv/.runtime ## run everything with a demonstration town; PORT=8000 DATA=.local choose port and data folder
	@exec $(BIN)/python manage.py run

test: .venv/.development ## run every test against real servers
	@$(BIN)/python manage.py compile_translations
	$(BIN)/python -m pytest $(PYTEST)

check: .venv/.development ## lint, types, import contracts, templates, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: .venv/.runtime ## run every benchmark on a database of its own, one after another (some minutes)
	@$(BIN)/python manage.py bench

clean: ## remove the virtual environment, caches and all local data
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete 2>/dev/null || true

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tongdao needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@echo "Creating the virtual environment in .venv ..."
	@$(PYTHON) -m venv --clear .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@# Both source roots for every tool without a flag; platform/ is a shelf of packages, never a package itself.
	@printf '%s\n' "$(CURDIR)" "$(CURDIR)/platform" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tongdao.pth"
	@touch $@

.venv/.runtime: .venv/.made requirements.txt
	@echo "Installing what the product needs (a minute or two at the first time) ..."
	@$(BIN)/python -m pip install $(if $(wildcard $@),--quiet) --disable-pip-version-check --no-warn-script-location -r requirements.txt
	@touch $@

.venv/.development: .venv/.runtime requirements-dev.txt
	@echo "Installing tools for tests and checks ..."
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@
