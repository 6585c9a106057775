# Everything here is also a command of `python -m resnet_course`; make only sets up the environment.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP_ARGS ?=
COLAB_PYTHON ?= python3.13
# "browser and not complete" is the short part of them
BROWSER_TESTS ?= browser

.DEFAULT_GOAL := help
.PHONY: help course test test-all test-pythons mutation lab notebooks slides site test-browser assignments formgrader dist test-dist test-colab preflight format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

course: $(VENV)/.lab ## run all lessons headless; a table, and notebooks and pages in build/
	$(BIN)/python -m resnet_course course

lab: $(VENV)/.lab ## open JupyterLab on copies of the lessons in work/, yours to write in
	$(BIN)/python -m resnet_course lab

preflight: $(VENV)/.lab ## show versions, device, precision and predicted minutes
	$(BIN)/python -m resnet_course preflight

test: $(VENV)/.dev ## lint, types, import arrows, unit tests, a tenth of the mutants, nbval on every notebook
	$(BIN)/python -m resnet_course test

test-all: $(VENV)/.site ## the complete run: test with all mutants, test-browser, test-dist, test-pythons
	rm -rf dist
	$(BIN)/python -m resnet_course test --all
	$(MAKE) test-pythons

test-pythons: ## the unit tests on every other Python from 3.10 to 3.13 that is found, in environments build/python3.*
	@for python in python3.10 python3.11 python3.12 python3.13; do \
		if [ -e $(BIN)/$$python ]; then echo "$$python: of $(VENV), left out"; \
		elif $$python -c '' 2>/dev/null; then \
			$(MAKE) PYTHON=$$python VENV=build/$$python build/$$python/.dev && \
			OMP_NUM_THREADS=1 build/$$python/bin/python -m pytest -n auto --maxprocesses 4 || exit 1; \
		else echo "$$python: not found, left out"; fi; \
	done

mutation: $(VENV)/.dev ## change the solutions in small ways; each change must fail its check
	$(BIN)/python tests/mutation_run.py

notebooks: $(VENV)/.dev ## build the notebooks from notebooks/sources
	$(BIN)/python -m resnet_course notebooks

slides: $(VENV)/.dev ## build the slides of the lessons into build/slides
	$(BIN)/python -m resnet_course slides

site: $(VENV)/.site ## build the web site from the lessons that `make course` ran
	$(BIN)/python -m resnet_course site

test-browser: site ## the site and JupyterLab in a browser: accessible, quiet, no dead links, every lesson runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 -m "$(BROWSER_TESTS)" tests/browser

assignments: $(VENV)/.dev ## build the assignments to hand out, and nbgrader's course folder, in build/classroom
	$(BIN)/python -m resnet_course.grading build

formgrader: assignments ## open nbgrader's formgrader on build/classroom
	cd build/classroom && PATH="$(CURDIR)/$(BIN):$$PATH" jupyter lab --ServerApp.default_url=/formgrader

dist: $(VENV)/.dev ## build wheel and source archive into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

test-dist: dist ## see what is in them, try the wheel in an empty environment, and make a fork
	$(BIN)/python -m pytest -m release tests/release

test-colab: $(VENV)/.dev ## run every lesson as Colab would, in its versions; COLAB_PYTHON="python3.13 python3.12" names interpreters
	OMP_NUM_THREADS=1 COLAB_PYTHON="$(COLAB_PYTHON)" $(BIN)/python -m pytest -m colab tests/release

format: $(VENV)/.dev ## format the code
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

clean: ## delete what make made, the environment included
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -e '.[lab]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -e '.[dev]'
	touch $@ $(VENV)/.lab

$(VENV)/.site: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -e '.[site]'
	touch $@ $(VENV)/.dev $(VENV)/.lab
