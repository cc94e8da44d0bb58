# `make demo` and `make test` are the two commands; both are quick the second time. `make docs` builds the site.
# PYTHON=python3.12 picks an interpreter, ARGS='-m "not slow"' passes arguments to pytest.

PYTHON ?= python3
VENV ?= .venv
DEMO ?= misread-demo
ARGS ?=
export PYTHON
unexport PYTHONDONTWRITEBYTECODE  # tests start hundreds of processes, and each would compile the package anew

RECIPE = scripts/make-venv pyproject.toml constraints.txt

.PHONY: demo test docs lint format wheel clean

demo: $(VENV)/.demo
	$(VENV)/bin/misread demo -o $(DEMO) --overwrite

test: $(VENV)/.dev
	$(VENV)/bin/pytest -n 2 --dist worksteal $(ARGS)

# The site, in build/site; a warning fails it, unless --quiet swallows it first. DRAFT=1 leaves out the run of the tutorial, a minute.
docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --clean --strict

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

wheel: $(VENV)/.dev
	$(VENV)/bin/python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist $(DEMO)

# A stamp is older than the files that decide what is installed, or it is not: nothing else is asked.
$(VENV)/.demo: $(RECIPE)
	scripts/make-venv $(VENV) -c constraints.txt -e '.[attack,report]'
	@touch $@

$(VENV)/.dev: $(RECIPE)
	scripts/make-venv $(VENV) -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo
